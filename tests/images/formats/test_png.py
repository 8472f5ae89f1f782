"""PNG files written here by hand, chunk by chunk, so that what they say is known."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_file_facts, read_image

from ...conftest import encoded, picture

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
N_CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
KINDS = [
    *((GREY, depth) for depth in (1, 2, 4, 8, 16)),
    *((RGB, depth) for depth in (8, 16)),
    *((PALETTE, depth) for depth in (1, 2, 4, 8)),
    *((GREY_ALPHA, depth) for depth in (8, 16)),
    *((RGB_ALPHA, depth) for depth in (8, 16)),
]
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
ADAM7.append((1, 0, 2, 1))


def chunk(kind, content):
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def packed_rows(samples, depth):
    """Rows without a filter, of samples (height, width, channels)."""
    rows = []
    for row in samples.reshape(len(samples), -1):
        if depth == 16:
            content = row.astype(">u2").tobytes()
        else:
            bits = (row[:, None] >> np.arange(depth)[::-1]) & 1
            content = np.packbits(bits.astype(np.uint8).ravel()).tobytes()
        rows.append(b"\0" + content)
    return b"".join(rows)


def png(samples, colour, depth, *, interlaced=False, palette=b"", key=b"", more=b""):
    height, width, _ = samples.shape
    if interlaced:
        parts = [samples[top::down, left::right] for top, left, down, right in ADAM7]
        data = b"".join(packed_rows(part, depth) for part in parts if part.size)
    else:
        data = packed_rows(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (chunk(b"PLTE", palette) if palette else b"")
        + (chunk(b"tRNS", key) if key else b"")
        + more
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def eight_bits(samples, depth):
    return samples >> 8 if depth == 16 else samples * 255 // ((1 << depth) - 1)


def expected_pixels(samples, colour, depth, *, palette=None, alphas=None, key=None):
    """What the specification says, on white, in exact numbers."""
    if colour == PALETTE:
        pixels = palette[samples[..., 0]].astype(float)
        alpha = alphas[samples[..., 0]] / 255.0
    else:
        scaled = eight_bits(samples, depth).astype(float)
        n_colours = 3 if colour in (RGB, RGB_ALPHA) else 1
        pixels = np.broadcast_to(scaled[..., :n_colours], (*samples.shape[:2], 3))
        alpha = np.ones(samples.shape[:2])
        if colour in (GREY_ALPHA, RGB_ALPHA):
            alpha = scaled[..., -1] / 255
        if key is not None:
            alpha = 1.0 - (samples == key).all(axis=2)
    return 255 + (pixels - 255) * alpha[..., None]


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("with_key", [False, True])
@pytest.mark.parametrize(("colour", "depth"), KINDS)
def test_every_kind_with_and_without_transparency(colour, depth, with_key, interlaced):
    rng = np.random.default_rng(depth)
    samples = rng.integers(0, 1 << depth, (9, 13, N_CHANNELS[colour]))
    options, known = {"interlaced": interlaced}, {}
    if colour == PALETTE:
        known["palette"] = rng.integers(0, 256, (1 << depth, 3), dtype=np.uint8)
        known["alphas"] = np.full(1 << depth, 255)
        options["palette"] = known["palette"].tobytes()
        if with_key:
            known["alphas"][:2] = 0, 100
            options["key"] = bytes([0, 100])
    elif with_key and colour in (GREY, RGB):
        key = samples[4, 5]
        if depth == 16:  # near the key, and not the key
            samples[0, 0] = key ^ 1
            samples[0, 1] = key ^ 0x100
        samples[8, 12] = key
        known["key"] = key
        # Bits above the depth are to be ignored.
        beyond = 0 if depth == 16 else 1 << depth
        options["key"] = b"".join(struct.pack(">H", value | beyond) for value in key.tolist())
    elif with_key:
        pytest.skip("alpha channels forbid it")
    content = png(samples, colour, depth, **options)
    expected = expected_pixels(samples, colour, depth, **known)
    np.testing.assert_allclose(read_image(content), expected, atol=1)
    if "alphas" not in known and colour in (GREY, RGB):
        np.testing.assert_array_equal(read_image(content), expected)


SAMPLES = np.arange(12 * 16 * 3).reshape(12, 16, 3) % 256
PLAIN = png(SAMPLES, RGB, 8)


def test_metadata_that_is_damaged_costs_no_sound_picture():
    expected = SAMPLES
    for more in (
        chunk(b"tEXt", b"a\0b")[:-1] + b"!",  # a wrong checksum
        chunk(b"zTXt", b"a\0\0" + b"no zlib"),
        chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10_000_000))),
        chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
        chunk(b"eXIf", b"rubbish"),
        chunk(b"acTL", struct.pack(">II", 0, 0)),
        chunk(b"acTL", b"short"),
        chunk(b"gAMA", b""),
        chunk(b"pHYs", b"1"),
    ):
        np.testing.assert_array_equal(read_image(png(SAMPLES, RGB, 8, more=more)), expected)
    np.testing.assert_array_equal(read_image(PLAIN[:-12]), expected)  # no end marker
    np.testing.assert_array_equal(read_image(PLAIN + b"more"), expected)


def test_every_flipped_bit_in_what_holds_the_pixels_is_found():
    start = PLAIN.index(b"IHDR")
    for position in range(start, len(PLAIN) - 12):
        damaged = bytearray(PLAIN)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(ImageReadError):
            read_image(bytes(damaged))


def test_a_key_too_short_for_its_kind_is_none():
    content = png(SAMPLES, RGB, 8, key=b"\0\0")
    np.testing.assert_array_equal(read_image(content), SAMPLES)


def test_an_animation_is_its_default_image():
    frames = [picture(number, size=(20, 30)) for number in range(3)]
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    content = encoded(images[0], "PNG", save_all=True, append_images=images[1:])
    assert b"acTL" in content
    np.testing.assert_array_equal(read_image(content), frames[0])


@pytest.mark.parametrize(("colour", "depth"), [(GREY, 3), (RGB, 4), (PALETTE, 16), (5, 8), (7, 8)])
def test_kinds_that_do_not_exist_are_named(colour, depth):
    header = struct.pack(">IIBBBBB", 16, 12, depth, colour, 0, 0, 0)
    content = PLAIN[:8] + chunk(b"IHDR", header) + PLAIN[33:]
    with pytest.raises(ImageReadError, match=f"colour type {colour} with {depth} bits"):
        read_image(content)


def test_texts_that_unpack_to_much_together_and_many_chunks_cost_little():
    content = encoded(picture(), "PNG")
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20)))
    bombs = content[:33] + 200 * text + content[33:], content[:33] + 200_000 * chunk(b"tEXt", b"")
    for bomb, most in ((bombs[0], 1 << 25), (bombs[1] + content[33:], 1 << 26)):
        tracemalloc.start()
        np.testing.assert_array_equal(read_image(bomb), picture())
        read_file_facts(bomb)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < most
    for kind in (b"IDAT", b"tEXt"):
        with pytest.raises(ImageReadError, match="too many chunks"):
            read_image(content[:33] + 300_000 * chunk(kind, b"") + content[33:])
