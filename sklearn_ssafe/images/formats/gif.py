"""The first frame of a GIF file (CompuServe, GIF89a)."""

import io
import struct

from PIL import GifImagePlugin

from ..errors import ImageReadError
from ..limits import Declared

# LZW: strings of 4,096 pixels from codes of 12 bits.
_MOST_PIXELS_A_BYTE = 2800
_MOST_BLOCKS = 1 << 17


def inspect(file, n_bytes):
    """Return what the header declares."""
    _, _, (width, height) = _first_frame(file)
    if width * height > _MOST_PIXELS_A_BYTE * n_bytes:
        raise ImageReadError(
            f"is damaged: {n_bytes:,} bytes cannot hold {width} x {height} pixels of GIF"
        )
    # A frame that is smaller than the screen is decoded by itself.
    return Declared("GIF", width, height, 3 + 2, bytes_per_byte=2)


def opened(file):
    """Open by Pillow, without what lies before and behind the first frame."""
    pieces, start, _ = _first_frame(file)
    file.seek(start)
    return GifImagePlugin.GifImageFile(io.BytesIO(b"".join(pieces) + file.read()))


def _first_frame(file):
    """Return what is needed before the first frame, where that begins, and the size of both."""
    file.seek(0)
    head = file.read(13)
    if len(head) < 13:
        raise ImageReadError("is truncated: the GIF file ends before its picture begins")
    width, height, flags = struct.unpack("<HHB", head[6:11])
    pieces = [head, file.read(3 << ((flags & 7) + 1)) if flags & 128 else b""]
    control, n_blocks = b"", 0
    while n_blocks <= _MOST_BLOCKS:
        n_blocks += 1
        kind = file.read(1)
        if kind == b",":
            start = file.tell() - 1
            frame = file.read(9)
            if len(frame) < 9:
                break
            left, top, right, bottom = struct.unpack("<HHHH", frame[:8])
            size = max(width, left + right), max(height, top + bottom)
            pieces[0] = (
                head[:6] + struct.pack("<HH", *(min(side, 65535) for side in size)) + head[10:]
            )
            return [*pieces, control], start, size
        if kind == b"!":
            label, blocks = file.read(1), b""
            while (length := file.read(1)) and length != b"\0":
                n_blocks += 1
                block = file.read(length[0])
                if label == b"\xf9" and not blocks:
                    blocks = length + block
                if n_blocks > _MOST_BLOCKS:
                    raise ImageReadError("is damaged: the GIF file holds no picture")
            if label == b"\xf9":
                control = b"!" + label + blocks + b"\0"
        elif kind != b"\0":
            break
    raise ImageReadError("is damaged: the GIF file holds no picture")
