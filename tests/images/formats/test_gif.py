"""GIF files written by hand."""

import struct

import numpy as np
import pytest

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_image

from ...conftest import encoded, picture

RNG = np.random.default_rng(0)


def frame_of_gif(values, screen, place, *, transparent=None):
    """A GIF file of one frame, in codes of 8 bits that are never compressed."""
    height, width = values.shape
    clear, end = 128, 129
    codes = []
    for number, value in enumerate(values.ravel().tolist()):
        if number % 100 == 0:
            codes.append(clear)
        codes.append(value)
    data = bytes([*codes, end])
    blocks = b"".join(
        bytes([len(data[k : k + 255])]) + data[k : k + 255] for k in range(0, len(data), 255)
    )
    palette = bytes(value for value in range(128) for _ in range(3))
    control = b"" if transparent is None else b"!\xf9\4" + bytes([1, 0, 0, transparent, 0])
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80 | 6, 0, 0) + palette
    return (
        head
        + control
        + b","
        + struct.pack("<HHHHB", *place, width, height, 0)
        + b"\7"
        + blocks
        + b"\0;"
    )


def test_gif():
    values = RNG.integers(1, 128, (9, 12))
    content = frame_of_gif(values, (12, 9), (0, 0))
    np.testing.assert_array_equal(read_image(content)[..., 0], values)
    key = int(values[3, 4])
    seen = read_image(frame_of_gif(values, (12, 9), (0, 0), transparent=key))[..., 0]
    np.testing.assert_array_equal(seen, np.where(values == key, 255, values))
    inside = read_image(frame_of_gif(values, (20, 15), (3, 4)))[..., 0]
    np.testing.assert_array_equal(inside[4:13, 3:15], values)
    assert inside.shape == (15, 20)
    start = 13 + 3 * 128 + 10 + 2
    for damaged in (content[: start + 40], content[: start + 30] + b"\x81" + content[start + 31 :]):
        with pytest.raises(ImageReadError):
            read_image(damaged)


@pytest.mark.parametrize("block", [b"\0", b"!\xfe\0", b"!\xfe\1a\0"])
def test_a_file_that_never_comes_to_its_picture_is_given_up(block):
    content = encoded(picture(), "GIF")
    place = content.index(b",", 13 + 3 * 256)
    few, many = (content[:place] + n * block + content[place:] for n in (1000, 200_000))
    np.testing.assert_array_equal(read_image(few), read_image(content))
    with pytest.raises(ImageReadError, match="holds no picture"):
        read_image(many)
