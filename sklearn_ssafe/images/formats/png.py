"""PNG files: chunks, and pixels from those that hold the picture alone (W3C, PNG, 3rd edition).

Metadata, animation and damaged chunks that are not needed never reach the decoder.
"""

import io
import re
import struct
import zlib

from PIL import PngImagePlugin

from .. import ifd
from ..colours import rgb_pixels, upright
from ..errors import ImageReadError
from ..limits import Declared

_MAGIC = b"\x89PNG\r\n\x1a\n"
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_XMP = "XML:com.adobe.xmp"
_HEX_EXIF = "Raw profile type exif"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_GREY, _COLOUR, _PALETTE = 0, 2, 3
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# What deflate reaches at most.
_MOST_BYTES_A_BYTE = 1032
# A chunk of text or metadata larger than this holds no more than its beginning tells.
_MOST_TEXT = 1 << 20
# All texts of a file together, and its chunks: as many of 8 kB have 2 GB.
_MOST_TEXTS = 1 << 23
_MOST_CHUNKS = 1 << 18
_MOST_METADATA, _BYTES_OF_CHUNK = 1 << 25, 128


def chunks_of(file):
    """List type and content, of 1 MiB at most, of a PNG file's chunks; those of pixels as one.

    No more of them than a file has that is no bomb.
    """
    chunks, left = [], _MOST_METADATA
    file.seek(len(_MAGIC))
    for _ in range(_MOST_CHUNKS):
        if len(head := file.read(8)) < 8 or left < 0:
            break
        length, kind = struct.unpack(">I4s", head)
        content = b"" if kind == b"IDAT" else file.read(min(length, _MOST_TEXT))
        file.seek(length - len(content) + 4, 1)
        if kind != b"IDAT" or chunks[-1:] != [(kind, b"")]:
            chunks.append((kind, content))
            left -= len(content) + _BYTES_OF_CHUNK
    return chunks


def texts_of(chunks):
    """Return keyword and text of each piece of text in PNG chunks."""
    texts, left = [], _MOST_TEXTS
    for kind, content in chunks:
        if kind not in _TEXT or left < 0:
            continue
        keyword, _, rest = content.partition(b"\0")
        if kind == b"zTXt":
            rest = unpacked(rest[1:])
        elif kind == b"iTXt":
            packed, rest = rest[:1], rest[2:]
            rest = rest.split(b"\0", 2)[-1]  # behind language and translated keyword
            rest = unpacked(rest) if packed == b"\1" else rest
        left -= len(keyword) + len(rest)
        texts.append((keyword.decode("latin-1"), rest.decode("utf-8", "replace")))
    return texts


def unpacked(content):
    """Return the first MiB of what zlib packed, or b""."""
    try:
        return zlib.decompressobj().decompress(content, _MOST_TEXT)
    except zlib.error:
        return b""


def inspect(file, n_bytes):
    """Return what the header declares."""
    width, height, depth, colour, _ = _header(file)
    stored = height * -(-width * depth * _CHANNELS[colour] // 8)
    if stored > _MOST_BYTES_A_BYTE * n_bytes:
        raise ImageReadError(
            f"is damaged: {n_bytes:,} bytes cannot hold {width} x {height} pixels of PNG"
        )
    decoded = {1: 2 if depth == 16 else 1}.get(_CHANNELS[colour], 4)
    return Declared("PNG", width, height, decoded + 3, bytes_per_byte=2)


def _header(file):
    """Return width, height, bits a channel, colour type and interlacing."""
    file.seek(len(_MAGIC))
    head = file.read(25)
    if len(head) < 25 or head[4:8] != b"IHDR" or head[:4] != b"\0\0\0\x0d":
        raise ImageReadError("is damaged: the PNG file has no header")
    if zlib.crc32(head[4:21]) != int.from_bytes(head[21:], "big"):
        raise ImageReadError("is damaged: wrong checksum of the PNG header")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", head[8:21])
    if depth not in _DEPTHS.get(colour, ()):
        raise ImageReadError(f"is damaged: no PNG has colour type {colour} with {depth} bits")
    return width, height, depth, colour, interlaced


def opened(file):
    """Open by Pillow for what the header says."""
    chunks = chunks_of(file)
    kinds = [kind for kind, _ in chunks]
    if b"IDAT" not in kinds:
        raise ImageReadError("is truncated: the PNG file ends before its pixels")
    head = [
        _chunk(kind, content)
        for place, (kind, content) in enumerate(chunks[: kinds.index(b"IDAT")])
        if kind in _NEEDED and len(content) < _MOST_TEXT and (kind != b"IHDR" or place == 0)
    ]
    image = PngImagePlugin.PngImageFile(
        io.BytesIO(_MAGIC + b"".join(head) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b""))
    )
    texts = dict(texts_of(chunks))
    exif = next((content for kind, content in chunks if kind == b"eXIf"), b"")
    image.info["exif"] = exif or _exif_from_hex(texts.get(_HEX_EXIF, ""))
    if _XMP in texts:
        image.info["xmp"] = texts[_XMP].encode("utf-8", "replace")
    profile = next((content for kind, content in chunks if kind == b"iCCP"), b"")
    profile = unpacked(profile.partition(b"\0")[2][1:])
    if profile:
        image.info["icc_profile"] = profile
    return image


def _chunk(kind, content):
    crc = zlib.crc32(kind + content)
    return len(content).to_bytes(4, "big") + kind + content + crc.to_bytes(4, "big")


def _exif_from_hex(text):
    """Take EXIF from the text that ImageMagick writes: a name, a length, and hexadecimal digits."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:]))
    except ValueError:
        return b""


def decode(content, declared):
    """Return the pixels: uint8 RGB, (height, width, 3), upright."""
    file = io.BytesIO(content)
    _, _, depth, colour, _ = _header(file)
    clean, transparency = _clean(content, colour)
    image = PngImagePlugin.PngImageFile(io.BytesIO(clean))
    key = _key(transparency, depth, colour)
    if key is not None and depth == 16 and colour == _COLOUR:
        pixels = _with_deep_key(image, clean, key)
    else:
        image.load()
        pixels = rgb_pixels(image, key=key)
    chunks = chunks_of(file)
    texts = dict(texts_of(chunks))
    exif = next((part for kind, part in chunks if kind == b"eXIf"), b"")
    exif = exif or _exif_from_hex(texts.get(_HEX_EXIF, ""))
    return upright(pixels, ifd.orientation(exif, texts.get(_XMP, "")))


def is_read_anew(content):
    """Whether there is a colour key of other than 8 bits, which Pillow compares wrongly."""
    _, _, depth, colour, _ = _header(io.BytesIO(content))
    return depth not in (1, 8) and colour != _PALETTE and bool(_clean(content, colour)[1])


def _clean(content, colour):
    """Return the file with its needed chunks alone, and the colour key's chunk, if any."""
    pieces, transparency = [_MAGIC], b""
    view, position, complete = memoryview(content), len(_MAGIC), False
    n_chunks = 0
    while position + 12 <= len(content):
        n_chunks += 1
        if n_chunks > _MOST_CHUNKS:
            raise ImageReadError("is damaged: the PNG file has too many chunks")
        length, kind = struct.unpack(">I4s", view[position : position + 8])
        end = position + 12 + length
        if kind in _NEEDED:
            if end > len(content):
                break
            crc = int.from_bytes(view[end - 4 : end], "big")
            if zlib.crc32(view[position + 4 : end - 4]) != crc:
                raise ImageReadError(
                    f"is damaged: wrong checksum of the PNG file's {kind.decode()}"
                )
            if kind == b"IHDR" and position != len(_MAGIC):
                raise ImageReadError("is damaged: the PNG file has two headers")
            if kind == b"tRNS" and colour != _PALETTE:
                transparency = bytes(view[position + 8 : end - 4])
            else:
                pieces.append(view[position:end])
        elif not kind.isalpha():
            raise ImageReadError("is damaged: bytes between the PNG file's chunks")
        elif kind[:1].isupper():
            raise ImageReadError(f"needs what no PNG decoder knows: a chunk {kind.decode()!r}")
        position = end
        if kind == b"IEND":
            complete = True
            break
    if not complete:  # the pixels may be there all the same: the decoder will say
        pieces.append(_chunk(b"IEND", b""))
    return b"".join(pieces), transparency


def _key(transparency, depth, colour):
    """Return the transparent value, on the scale on which Pillow gives pixels."""
    n_values = {_GREY: 1, _COLOUR: 3}.get(colour)
    if n_values is None or len(transparency) < 2 * n_values:
        return None
    # Bits above the depth are to be ignored.
    values = [
        value & ((1 << depth) - 1) for value in struct.unpack_from(f">{n_values}H", transparency)
    ]
    if depth == 1:
        return bool(values[0])
    if depth in (2, 4):
        values = [value * 255 // ((1 << depth) - 1) for value in values]
    return values[0] if n_values == 1 else tuple(values)


def _with_deep_key(image, clean, key):
    """Return the pixels of 16-bit colour, of which Pillow gives one byte at a time."""
    high, low = ([value >> 8 for value in key], [value & 255 for value in key])
    image.load()
    pixels = rgb_pixels(image)
    transparent = (pixels == high).all(axis=2)
    image = PngImagePlugin.PngImageFile(io.BytesIO(clean))
    # As if the low byte came first.
    image.tile = [tile._replace(args=re.sub("16B$", "16L", tile.args)) for tile in image.tile]
    image.load()
    transparent &= (rgb_pixels(image) == low).all(axis=2)
    pixels[transparent] = 255
    return pixels
