"""JPEG 2000 codestreams, bare or in boxes (ISO/IEC 15444-1)."""

import struct

from ..errors import ImageReadError
from ..limits import Declared
from .boxes import boxes_of
from .plugins import open_by_plugin

_MOST_TILES = 65535  # ISO/IEC 15444-1, A.5.1


def inspect(file, n_bytes):
    """Return what the header declares."""
    file.seek(0)
    start, stated, n_colours = 0, None, 0
    if file.read(4) != b"\xff\x4f\xff\x51":
        for kind, begin, _ in boxes_of(file, n_bytes, (b"jp2h",)):
            file.seek(begin)
            if kind == b"ihdr":
                stated = struct.unpack(">II", file.read(8))[::-1]
            if kind == b"pclr":  # a palette, which may make many channels of one
                n_colours = max(n_colours, *file.read(3)[2:])
            if kind == b"jp2c":
                start = begin
                break
    file.seek(start)
    head = file.read(42)
    if len(head) < 42 or head[:4] != b"\xff\x4f\xff\x51":
        raise ImageReadError("is damaged: the JPEG 2000 file holds no picture")
    right, bottom, left, top, across, down, x0, y0, n_channels = struct.unpack(
        ">IIIIIIIIH", head[8:42]
    )
    size = right - left, bottom - top
    if stated not in (None, size) or not across or not down or x0 > left or y0 > top:
        raise ImageReadError("is damaged: the JPEG 2000 file has two sizes")
    if -(-(right - x0) // across) * -(-(bottom - y0) // down) > _MOST_TILES:
        raise ImageReadError("is damaged: the JPEG 2000 file has too many tiles")
    n_channels = max(n_channels, n_colours)
    if n_channels > 4:
        raise ImageReadError(f"is a JPEG 2000 file of {n_channels} channels, 4 at most are read")
    # Integers of 4 bytes, for the whole and for the tile, which may be the whole.
    return Declared("JPEG2000", *size, 6 * n_channels + 2, bytes_per_byte=2)


def opened(file):
    """Open by Pillow."""
    return open_by_plugin("JPEG2000", file)
