"""HEIC files (ISO/IEC 23008-12)."""

import struct

from PIL import Image

from ..errors import ImageReadError
from ..limits import Declared
from .boxes import boxes_of
from .plugins import open_by_plugin, register_plugins

_CONTAINERS = (b"meta", b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl")


def inspect(file, n_bytes):
    """Return what the header declares."""
    _require_heif()
    return declared_by_boxes(file, n_bytes, "HEIF")[0]


def opened(file):
    """Open by the plugin."""
    _require_heif()
    return open_by_plugin("HEIF", file)


def declared_by_boxes(file, n_bytes, kind):
    """Return what the properties of the pictures in there declare, and all boxes."""
    width = height = 0
    boxes = boxes_of(file, n_bytes, _CONTAINERS)
    for box, begin, end in boxes:
        if box == b"ispe":
            file.seek(begin + 4)
            size = file.read(8)
        elif box == b"tkhd":
            file.seek(end - 8)
            size = file.read(8)
        else:
            continue
        if len(size) == 8:
            sides = struct.unpack(">II", size)
            if box == b"tkhd":
                sides = tuple(side >> 16 for side in sides)
            if sides[0] * sides[1] > width * height:
                width, height = sides
    if not width:
        raise ImageReadError(f"is damaged: the {kind} file does not say how large it is")
    # Brightness and colour of 16 bits, RGB, its bytes, and the picture.
    return Declared(kind, width, height, 16, bytes_per_byte=3), boxes


def _require_heif():
    register_plugins()
    if "HEIF" not in Image.OPEN:
        raise ImageReadError(
            'is a HEIC picture, which needs the extra "heif": pip install "sklearn-ssafe[heif]"'
        )
