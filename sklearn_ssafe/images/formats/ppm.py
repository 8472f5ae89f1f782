"""PBM, PGM and PPM files, plain and packed (netpbm's pages on the formats)."""

import re

import numpy as np
from PIL import Image, PpmImagePlugin

from ..colours import rgb_pixels
from ..errors import ImageReadError
from ..limits import Declared

_MOST_HEADER = 4096
_FLOATS = b"f"
# Bits in plain files may stand together; numbers do not.
_PLAIN_BITS, _PLAIN_GREY, _PLAIN_COLOUR, _BITS, _GREY, _COLOUR = b"123456"
_PLAIN_NUMBERS_AT_ONCE = 1 << 22


def _header(head):
    """Return kind, width, height, the greatest value, and where the pixels begin."""
    fields, place = [], 2
    kind = head[1]
    wanted = 2 if kind in (_PLAIN_BITS, _BITS) else 3
    while len(fields) < wanted:
        found = re.compile(rb"(?:\s|#[^\n\r]*[\n\r])+([-+.\w]+)").match(head, place)
        if not found:
            raise ImageReadError("is damaged: the PPM file does not say how large its picture is")
        fields.append(found[1])
        place = found.end()
    try:
        width, height = int(fields[0]), int(fields[1])
        most = 1 if wanted == 2 else float(fields[2])
    except ValueError as error:
        raise ImageReadError("is damaged: the PPM file has a wrong header") from error
    return kind, width, height, most, place + 1


def inspect(file, n_bytes):
    """Return what the header declares."""
    file.seek(0)
    kind, width, height, most, start = _header(file.read(_MOST_HEADER))
    if width <= 0 or height <= 0:
        raise ImageReadError("is damaged: the PPM file does not say how large its picture is")
    if kind != _FLOATS[0] and not (1 <= most <= 65535 and most == int(most)):
        raise ImageReadError("is damaged: the PPM file has a wrong greatest value")
    if n_bytes - start < _least_bytes(kind, width, height, most):
        raise ImageReadError("is truncated: the PPM file ends before its picture does")
    return Declared("PPM", width, height, 3 if kind == _COLOUR and most == 255 else 12)


def _least_bytes(kind, width, height, most):
    samples = width * height * (3 if kind in (_COLOUR, _PLAIN_COLOUR) else 1)
    if kind == _BITS:
        return height * -(-width // 8)
    if kind in (_GREY, _COLOUR):
        return samples * (1 if most < 256 else 2)
    if kind == _FLOATS[0]:
        return 4 * samples
    return samples if kind == _PLAIN_BITS else 2 * samples - 1


def opened(file):
    """Open by Pillow for what the header says."""
    file.seek(0)
    return PpmImagePlugin.PpmImageFile(file)


def decode(content, declared):
    """Return the pixels: uint8 RGB, (height, width, 3)."""
    kind, width, height, most, start = _header(content[:_MOST_HEADER])
    if kind == _FLOATS[0]:
        return _floats(content, width, height, most, start)
    n_channels = 3 if kind in (_COLOUR, _PLAIN_COLOUR) else 1
    n_samples = width * height * n_channels
    most = int(most)
    if kind == _BITS:
        rows = np.frombuffer(content, np.uint8, height * -(-width // 8), start)
        values = np.unpackbits(rows.reshape(height, -1), axis=1)[:, :width]
    elif kind in (_GREY, _COLOUR):
        values = np.frombuffer(content, np.uint8 if most < 256 else ">u2", n_samples, start)
    elif kind == _PLAIN_BITS:
        digits = re.sub(rb"#[^\n\r]*|\s+", b"", content[start:])
        values = np.frombuffer(digits[:n_samples], np.uint8) - ord("0")
    else:
        values = _plain_numbers(content, start, n_samples)
    if values.size < n_samples:
        raise ImageReadError("is truncated: the PPM file ends before its picture does")
    if most != 255 and values.max() > most:
        raise ImageReadError(f"is damaged: the PPM file has values above {most}")
    values = values.reshape(height, width, n_channels)
    if kind in (_PLAIN_BITS, _BITS):
        values = (1 - values) * np.uint8(255)  # 1 is black
    elif most == 65535:
        values = (values >> 8).astype(np.uint8)
    elif most != 255:
        table = np.round(np.arange(most + 1) * (255 / most)).astype(np.uint8)
        values = table[values]
    return np.ascontiguousarray(np.broadcast_to(values, (height, width, 3)), dtype=np.uint8)


def is_read_anew(content):
    """Whether values have 16 bits of colour, of which the high byte is taken now."""
    kind, _, _, most, _ = _header(content[:_MOST_HEADER])
    return kind in (_COLOUR, _PLAIN_COLOUR) and most > 255


def _plain_numbers(content, start, n_samples):
    """Return numbers written in digits, without ever holding all of them as Python's."""
    values, n_found = np.empty(n_samples, np.uint16), 0
    while n_found < n_samples and start < len(content):
        end = min(start + _PLAIN_NUMBERS_AT_ONCE, len(content))
        if end < len(content):  # not in the middle of a number or comment
            cut = max(content.rfind(b"\n", start, end), content.rfind(b" ", start, end))
            end = cut if cut > start else end
        part = re.sub(rb"#[^\n\r]*", b" ", content[start:end]).split()
        part = part[: n_samples - n_found]
        try:
            values[n_found : n_found + len(part)] = np.array(part, dtype="S6").astype(np.uint16)
        except (ValueError, OverflowError) as error:
            raise ImageReadError("is damaged: the PPM file has something beside numbers") from error
        n_found, start = n_found + len(part), end
    return values[:n_found]


def _floats(content, width, height, scale, start):
    order = "<" if scale < 0 else ">"
    values = np.frombuffer(content, order + "f4", width * height, start).reshape(height, width)
    return rgb_pixels(Image.fromarray(np.ascontiguousarray(values[::-1], dtype=np.float32)))
