"""The merged picture of a Photoshop file (Adobe, Photoshop File Formats Specification)."""

import struct

from PIL import PsdImagePlugin

from ..errors import ImageReadError
from ..limits import Declared

_CHANNELS = {0: 1, 1: 1, 2: 1, 3: 3, 4: 4, 7: 1, 8: 1, 9: 3}  # by colour mode
_MOST_RESOURCES = 1 << 26
# What PackBits reaches at most.
_MOST_BYTES_A_BYTE = 64


def inspect(file, n_bytes):
    """Return what the header declares."""
    file.seek(0)
    head = file.read(26)
    if len(head) < 26 or head[4:6] != b"\0\1":
        raise ImageReadError("is damaged, or a PSB file, which is not read")
    n_channels, height, width, bits, mode = struct.unpack(">HIIHH", head[12:26])
    if mode not in _CHANNELS or bits not in (1, 8, 16):
        raise ImageReadError(f"is a PSD file of mode {mode} with {bits} bits, not read")
    place = 26
    for name in ("colours", "resources", "layers"):
        file.seek(place)
        length = int.from_bytes(file.read(4), "big")
        if name == "resources" and length > _MOST_RESOURCES:  # which Pillow reads one by one
            raise ImageReadError("is a PSD file that holds too much beside its picture")
        place += 4 + length
    file.seek(place)
    packed = file.read(2)
    needed = min(_CHANNELS[mode], n_channels) * height * -(-width * bits // 8)
    left = n_bytes - place - 2
    if packed not in (b"\0\0", b"\0\1") or left * (_MOST_BYTES_A_BYTE if packed[1] else 1) < needed:
        raise ImageReadError("is truncated: the PSD file ends before its picture does")
    return Declared("PSD", width, height, 4 + 3, bytes_per_byte=2)


def opened(file):
    """Open by Pillow."""
    file.seek(0)
    return PsdImagePlugin.PsdImageFile(file)
