"""Windows bitmaps."""

import struct

from PIL import BmpImagePlugin

from ..errors import ImageReadError
from ..limits import Declared

_RLE = (1, 2)
# Read in Python, and slowly.
_MOST_RLE_PIXELS = 1 << 24


def inspect(file, n_bytes):
    """Return what the header declares."""
    file.seek(0)
    head = file.read(54)
    if len(head) < 26:
        raise ImageReadError("is truncated: the BMP file ends before its picture begins")
    offset, header_size = struct.unpack("<II", head[10:18])
    if header_size == 12:
        width, height, _, bits = struct.unpack("<HHHH", head[18:26])
        compression = 0
    elif len(head) >= 54:
        width, height, _, bits, compression = struct.unpack("<iiHHI", head[18:34])
    else:
        raise ImageReadError("is truncated: the BMP file ends before its picture begins")
    height = abs(height)
    if width <= 0 or height == 0:
        raise ImageReadError("is damaged: the BMP file does not say how large its picture is")
    if compression in _RLE:
        if width * height > _MOST_RLE_PIXELS:
            raise ImageReadError(
                f"is too large for a BMP file with compression: {width} x {height} pixels"
            )
        # Before Pillow 12, a jump may be of 255 rows whatever the height.
        return Declared("BMP", width, height, 8 + 600 / height)
    if compression not in (0, 3):
        raise ImageReadError(f"is a BMP file with compression {compression}, not read")
    stride = -(-width * bits // 32) * 4
    # The last row's padding may be missing.
    least = stride * (height - 1) + -(-width * bits // 8)
    if bits == 0 or max(offset, 26) + least > n_bytes:
        raise ImageReadError("is truncated: the BMP file ends before its picture does")
    return Declared("BMP", width, height, 4 + 3)


def opened(file):
    """Open by Pillow."""
    file.seek(0)
    return BmpImagePlugin.BmpImageFile(file)
