"""PSD files written by hand."""

import struct

import numpy as np
import pytest

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_image

RNG = np.random.default_rng(0)


def photoshop(planes, mode, *, packed=False, bits=8):
    """A PSD file of separate planes."""
    n_channels, height, width = planes.shape
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, n_channels, height, width, bits, mode) + bytes(12)
    if not packed:
        return head + b"\0\0" + planes.tobytes()
    # PackBits without runs: rows of at most 128 bytes.
    rows = [bytes([width - 1]) + row.tobytes() for plane in planes for row in plane]
    lengths = b"".join(struct.pack(">H", len(row)) for row in rows)
    return head + b"\0\1" + lengths + b"".join(rows)


@pytest.mark.parametrize("packed", [False, True])
def test_photoshop(packed):
    colours = RNG.integers(0, 256, (3, 8, 9), dtype=np.uint8)
    expected = colours.transpose(1, 2, 0)
    np.testing.assert_array_equal(read_image(photoshop(colours, 3, packed=packed)), expected)
    grey = read_image(photoshop(colours[:1], 1, packed=packed))
    np.testing.assert_array_equal(grey, np.repeat(expected[..., :1], 3, axis=2))
    content = photoshop(colours, 3, packed=packed)
    for damaged in (content[:-9], content[:40]):
        with pytest.raises(ImageReadError):
            read_image(damaged)
