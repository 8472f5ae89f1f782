"""The largest picture of a Windows icon: a PNG file, or a bitmap and its mask."""

import io
import struct

from PIL import IcoImagePlugin

from ..colours import rgb_pixels
from ..errors import ImageReadError
from ..limits import Declared
from . import png

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_MOST_SIDE = 256


def inspect(file, n_bytes):
    """Return what the header of the largest picture declares."""
    content, _ = _largest_icon(file)
    if content.startswith(_PNG_MAGIC):
        return png.inspect(io.BytesIO(content), len(content))._replace(bytes_per_byte=3)
    width, height = _size_of_icon(content)
    return Declared("ICO", width, height, 24)


def opened(file):
    """Open by Pillow, as an icon of one picture."""
    content, entry = _largest_icon(file)
    if content.startswith(_PNG_MAGIC):
        return png.opened(io.BytesIO(content))
    width, height = _size_of_icon(content)
    directory = struct.pack(
        "<HHHBB6sII", 0, 1, 1, width & 255, height & 255, entry[2:8], len(content), 22
    )
    return IcoImagePlugin.IcoImageFile(io.BytesIO(directory + content))


def decode(content, declared):
    """Return the pixels: uint8 RGB, (height, width, 3)."""
    part, _ = _largest_icon(io.BytesIO(content))
    if part.startswith(_PNG_MAGIC):
        return png.decode(part, declared)
    image = opened(io.BytesIO(content))
    image.load()
    return rgb_pixels(image)


def _largest_icon(file):
    """Return the content of an icon's largest picture, and its entry in the directory."""
    file.seek(0)
    n_entries = int.from_bytes(file.read(6)[4:], "little")
    directory = file.read(16 * n_entries)
    entries = [directory[k : k + 16] for k in range(0, len(directory) - 15, 16)]
    if not entries:
        raise ImageReadError("is damaged: the icon holds no picture")

    def rank(entry):
        bits = int.from_bytes(entry[6:8], "little") or (entry[2] and entry[2].bit_length()) or 256
        return (entry[0] or 256) * (entry[1] or 256), -bits

    entry = max(entries, key=rank)
    size, offset = struct.unpack("<II", entry[8:])
    file.seek(offset)
    content = file.read(size)
    if len(content) < size or size < 40:
        raise ImageReadError("is truncated: the icon's picture is missing")
    return content, entry


def _size_of_icon(content):
    """Return width and height of a bitmap whose height counts its mask too."""
    size, width, height = struct.unpack("<Iii", content[:12])
    height //= 2
    if size < 40 or not (0 < width <= _MOST_SIDE and 0 < height <= _MOST_SIDE):
        raise ImageReadError("is damaged: the icon does not say how large its picture is")
    return width, height
