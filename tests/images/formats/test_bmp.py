"""BMP files written by hand."""

import struct

import numpy as np
import pytest

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_image

RNG = np.random.default_rng(0)


def bitmap(data, width, height, bits, *, compression=0, palette=b""):
    offset = 54 + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + head + palette + data


def rows_of(packed):
    """Rows from the bottom, each filled up to whole words."""
    return b"".join(row + bytes(-len(row) % 4) for row in reversed(packed))


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_bitmap_with_a_palette(bits):
    colours = RNG.integers(0, 256, (1 << bits, 3), dtype=np.uint8)
    values = RNG.integers(0, 1 << bits, (5, 13))
    digits = (values[..., None] >> np.arange(bits)[::-1]) & 1
    packed = np.packbits(digits.reshape(5, -1).astype(np.uint8), axis=1)
    palette = b"".join(bytes([blue, green, red, 0]) for red, green, blue in colours.tolist())
    content = bitmap(rows_of([row.tobytes() for row in packed]), 13, 5, bits, palette=palette)
    np.testing.assert_array_equal(read_image(content), colours[values])


def test_bitmap_of_16_24_and_32_bits():
    colours = RNG.integers(0, 32, (5, 7, 3))
    red, green, blue = np.moveaxis(colours, 2, 0)
    short = (red << 10 | green << 5 | blue).astype("<u2")
    content = bitmap(rows_of([row.tobytes() for row in short]), 7, 5, 16)
    np.testing.assert_allclose(read_image(content), colours * 255 / 31, atol=1)
    whole = (colours * 8).astype(np.uint8)
    for more in (0, 1):
        stored = np.concatenate([whole[..., ::-1], np.zeros((5, 7, more), np.uint8)], axis=2)
        content = bitmap(rows_of([row.tobytes() for row in stored]), 7, 5, 24 + 8 * more)
        np.testing.assert_array_equal(read_image(content), whole)
    upside_down = bitmap(b"".join(row.tobytes() for row in stored), 7, -5, 32)
    np.testing.assert_array_equal(read_image(upside_down), whole)
    with pytest.raises(ImageReadError, match="truncated"):
        read_image(content[:-5])


def test_bitmap_of_runs():
    palette = b"".join(bytes([value] * 3) + b"\0" for value in range(256))
    # Two rows from the bottom: 3 of value 9, 2 of value 7; a copy of 4 and one of value 1.
    runs = b"\3\x09\2\x07\0\0" + b"\0\4\1\2\3\4" + b"\1\1\0\0\0\1"
    content = bitmap(runs, 5, 2, 8, compression=1, palette=palette)
    np.testing.assert_array_equal(read_image(content)[..., 0], [[1, 2, 3, 4, 1], [9, 9, 9, 7, 7]])
    with pytest.raises(ImageReadError):
        read_image(bitmap(runs[:8] + b"\0\1", 5, 2, 8, compression=1, palette=palette))
    jump = b"\0\2\xff\xff" * 3
    with pytest.raises(ImageReadError, match="too large"):
        read_image(bitmap(jump, 1 << 13, 1 << 12, 8, compression=1, palette=palette))
