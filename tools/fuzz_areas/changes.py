"""Ways to change the bytes of a file."""

import struct
import zlib

_NUMBERS = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    1000,
    32767,
    32768,
    65535,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)


def changed(noise, content, others=()):
    """Return the content of a file with one to four changes."""
    content = bytearray(content)
    for _ in range(noise.choice((1, 1, 1, 2, 4))):
        content = noise.choice(_WAYS)(noise, content, others)
    return bytes(content)


def _place(noise, content):
    """Any place, and half of the time one near the beginning, where files say what they are."""
    most = len(content) if noise.random() < 0.5 else min(len(content), 200)
    return noise.randrange(max(1, most))


def _bits(noise, content, others):
    for _ in range(noise.choice((1, 1, 3, 20))):
        if content:
            content[_place(noise, content)] ^= 1 << noise.randrange(8)
    return content


def _bytes(noise, content, others):
    start = _place(noise, content)
    content[start : start + 8] = noise.randbytes(min(8, len(content) - start))
    return content


def _number(noise, content, others):
    layout = noise.choice(("<H", ">H", "<I", ">I"))
    number = struct.pack(layout, noise.choice(_NUMBERS) % 2 ** (8 * struct.calcsize(layout)))
    start = _place(noise, content)
    content[start : start + len(number)] = number
    return content


def _zeros(noise, content, others):
    start = _place(noise, content)
    n_bytes = noise.randrange(1 + (len(content) - start) // 2)
    content[start : start + n_bytes] = bytes(n_bytes)
    return content


def _end(noise, content, others):
    return content[: _place(noise, content)]


def _left_out(noise, content, others):
    start = _place(noise, content)
    del content[start : start + noise.choice((1, 2, 8, 100, 1000))]
    return content


def _twice(noise, content, others):
    start = _place(noise, content)
    part = content[start : start + noise.choice((1, 4, 12, 100, 1000))]
    content[start:start] = part * noise.choice((1, 1, 2, 50))
    return content


def _more(noise, content, others):
    return content + noise.randbytes(noise.choice((1, 16, 1000)))


def _spliced(noise, content, others):
    if not others:
        return content
    other = noise.choice(others)
    return content[: _place(noise, content)] + bytearray(other[_place(noise, other) :])


def _with_right_sums(noise, content, others):
    """Give the chunks of a PNG their checksums, so that what is behind them is met."""
    if content[:4] != b"\x89PNG":
        return content
    start = 8
    while start + 12 <= len(content):
        (n_bytes,) = struct.unpack_from(">I", content, start)
        end = start + 8 + n_bytes
        if end + 4 > len(content):
            break
        content[end : end + 4] = struct.pack(">I", zlib.crc32(content[start + 4 : end]))
        start = end + 4
    return content


_WAYS = (
    _bits,
    _bits,
    _bytes,
    _number,
    _number,
    _zeros,
    _end,
    _left_out,
    _twice,
    _more,
    _spliced,
    _with_right_sums,
)
