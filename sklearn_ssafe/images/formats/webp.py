"""The first frame of a WebP file (RFC 9649)."""

import struct

from ..errors import ImageReadError
from ..limits import Declared
from .plugins import open_by_plugin


def inspect(file, n_bytes):
    """Return what the header declares."""
    file.seek(0)
    head = file.read(30)
    if len(head) < 30:
        raise ImageReadError("is truncated: the WebP file ends before its picture begins")
    if int.from_bytes(head[4:8], "little") + 8 > n_bytes + 1:
        raise ImageReadError("is truncated: the WebP file ends before its picture does")
    kind = head[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
    elif kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", head[26:30]))
    elif kind == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    else:
        raise ImageReadError("is damaged: the WebP file does not begin with a picture")
    # The canvas, the canvas before, its bytes, and the picture.
    return Declared("WEBP", width, height, 17, bytes_per_byte=3)


def opened(file):
    """Open by Pillow."""
    return open_by_plugin("WEBP", file)
