"""JPEG files: what the header says, and pixels only where the decoder had nothing to mend.

ITU-T T.81, annex B, and libjpeg's messages.
"""

import io
import re
import struct

import numpy as np
import simplejpeg
from PIL import Image, JpegImagePlugin

from .. import ifd
from ..colours import rgb_pixels, upright
from ..errors import ImageReadError
from ..limits import Declared

_SOI, _EOI, _SOS = b"\xff\xd8", b"\xff\xd9", 0xDA
# Baseline, extended and progressive, Huffman or arithmetic. Others no browser reads either.
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE, _ARITHMETIC = {0xC2, 0xCA}, {0xC9, 0xCA}
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_STRAY = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
# A camera's or a program's slip. More, and it is data that the decoder could make nothing of.
_MOST_STRAY_BYTES = 8
_MOST_STRAY_PLACES = 3
_MOST_HEADER_JUNK = 1 << 16
# All before the first scan: profiles, previews, depth maps. Every segment counts for itself, too.
_MOST_HEADER, _BYTES_OF_SEGMENT = 1 << 25, 128
# A progressive picture goes through all of its blocks in each; those in use have 20 at most.
_MOST_SCANS = 100
# A block of 8 x 8 takes a bit at least.
_MOST_PIXELS_A_BYTE = 512
_COLOUR_SPACES = {1: "GRAY", 3: "RGB", 4: "CMYK"}


class _Header:
    """The segments of a JPEG file before its first scan."""

    def __init__(self, file):
        self.segments = []  # (marker, content)
        self.frame = None
        self.frame_marker = None
        file.seek(2)
        junk, left = 0, _MOST_HEADER
        while True:
            byte = file.read(1)
            while byte and byte != b"\xff":
                junk += 1
                byte = file.read(1) if junk < _MOST_HEADER_JUNK else b""
            while byte == b"\xff":
                junk += 1
                byte = file.read(1) if junk < _MOST_HEADER_JUNK else b""
            if not byte:
                raise ImageReadError("is truncated: the JPEG file ends before its picture begins")
            marker = byte[0]
            if marker == 0 or marker in _ALONE or marker == 0xD8:
                continue
            if marker == 0xD9:
                raise ImageReadError("is damaged: the JPEG file holds no picture")
            length = int.from_bytes(file.read(2), "big") - 2
            content = file.read(max(length, 0))
            if length < 0 or len(content) < length:
                raise ImageReadError("is truncated: the JPEG file ends before its picture begins")
            self.segments.append((marker, content))
            left -= length + _BYTES_OF_SEGMENT
            if left < 0:
                raise ImageReadError("is a JPEG file that holds too much before its picture")
            if marker in _OTHER_FRAMES:
                raise ImageReadError("is a lossless or hierarchical JPEG file, which is not read")
            if marker in _FRAMES:
                self._take_frame(marker, content)
            if marker == _SOS:
                break
        if self.frame is None:
            raise ImageReadError("is damaged: the JPEG file does not say how large its picture is")
        self.end = file.tell()

    def _take_frame(self, marker, content):
        if self.frame is not None:
            raise ImageReadError("is damaged: the JPEG file has two sizes")
        if len(content) < 6 or len(content) < 6 + 3 * content[5]:
            raise ImageReadError("is damaged: the JPEG file does not say how large its picture is")
        bits, height, width, n_components = struct.unpack(">BHHB", content[:6])
        if bits != 8:
            raise ImageReadError(f"is a JPEG file of {bits} bits a channel, and 8 are read")
        if n_components not in _COLOUR_SPACES:
            raise ImageReadError(f"is a JPEG file of {n_components} channels; 1, 3 or 4 are read")
        components = [content[6 + 3 * n : 9 + 3 * n] for n in range(n_components)]
        factors = [(component[1] >> 4, component[1] & 15) for component in components]
        if not all(1 <= factor <= 4 for pair in factors for factor in pair):
            raise ImageReadError("is damaged: the JPEG file has wrong sampling factors")
        self.frame = width, height, factors
        self.ids = [component[0] for component in components]
        self.frame_marker = marker

    def of_kind(self, marker, beginning):
        """Return the contents of segments of one kind, without their beginning."""
        return [
            content[len(beginning) :]
            for kind, content in self.segments
            if kind == marker and content.startswith(beginning)
        ]

    @property
    def exif(self):
        return next(iter(self.of_kind(0xE1, b"Exif\0\0")), b"")

    @property
    def xmp(self):
        return next(iter(self.of_kind(0xE1, b"http://ns.adobe.com/xap/1.0/\0")), b"")


def inspect(file, n_bytes):
    """Return what the header declares."""
    header = _Header(file)
    width, height, factors = header.frame
    arithmetic = header.frame_marker in _ARITHMETIC
    if not arithmetic and width * height > _MOST_PIXELS_A_BYTE * n_bytes:
        raise ImageReadError(
            f"is damaged: {n_bytes:,} bytes cannot hold {width} x {height} pixels of JPEG"
        )
    most = max(horizontal for horizontal, _ in factors) * max(vertical for _, vertical in factors)
    coefficients = 2 * sum(horizontal * vertical for horizontal, vertical in factors) / most
    in_one_scan = header.segments[-1][1][:1] == bytes([len(factors)])
    several_scans = header.frame_marker in _PROGRESSIVE or not in_one_scan
    pixels = 4 + 3 if len(factors) == 4 else 3
    return Declared(
        "JPEG",
        width,
        height,
        pixels + (coefficients if several_scans else 0),
        bytes_per_byte=2,
        header=header,
    )


def opened(file):
    """Open by Pillow for what the header says; EXIF is left out, of which Pillow warns."""
    header = _Header(file)
    head = b"".join(
        _segment(marker, content)
        for marker, content in header.segments
        if not (marker == 0xE1 and content.startswith(b"Exif"))
    )
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(_SOI + head))
    image.info["exif"] = header.exif
    return image


def _segment(marker, content):
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def decode(content, declared):
    """Return the pixels: uint8 RGB, (height, width, 3), upright."""
    header = declared.header
    colour_space = _COLOUR_SPACES[len(header.frame[2])]
    parts = None
    if header.frame_marker in _PROGRESSIVE or header.segments[-1][1][:1] != bytes(
        [len(header.frame[2])]
    ):
        parts = _parts(content, header)
        _check_complete(parts, header)
    found = simplejpeg.decode_jpeg_header(content, strict=False)
    if found[:2] != (declared.height, declared.width):
        raise ImageReadError("is damaged: the JPEG file has two sizes")
    try:
        pixels = simplejpeg.decode_jpeg(content, colour_space, strict=True)
    except ValueError:
        pixels = _decode_tidied(parts or _parts(content, header), colour_space)
    if colour_space == "GRAY":
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    if colour_space == "CMYK":  # stored inverted, as Adobe does
        np.subtract(255, pixels, out=pixels)
        pixels = rgb_pixels(
            Image.frombuffer("CMYK", pixels.shape[1::-1], pixels, "raw", "CMYK", 0, 1)
        )
    return upright(pixels, ifd.orientation(header.exif, header.xmp))


def orientation_of(content):
    """Return how the camera was held, 1 to 8."""
    header = _Header(io.BytesIO(content))
    return ifd.orientation(header.exif, header.xmp)


def tidied(content):
    """Return the file with what its pixels need alone, for a decoder that is not strict.

    None where the file has no end marker: only the strict decoder tells what that means.
    """
    parts = _parts(content, _Header(io.BytesIO(content)))
    return b"".join(part for _, part in parts) if parts[-1][1] == _EOI else None


# Oddities --------------------------------------------------------------------------------------


def _parts(content, header):
    """List marker and bytes of what decoding needs; the data behind a scan's header as None.

    Stray bytes between segments, metadata, pictures behind the first, and slips in the headers
    that change no pixel are left out or mended.
    """
    parts = [(0xD8, _SOI)]
    progressive = header.frame_marker in _PROGRESSIVE
    parts += [
        (marker, _segment(marker, _mended(marker, part, progressive)))
        for marker, part in header.segments
        if _is_needed(marker, part)
    ]
    position = header.end
    while True:
        found = _END_OF_SCAN.search(content, position)
        data = content[position : found.start() if found else len(content)]
        parts.append((None, data.rstrip(b"\xff") if found else data))
        while found:  # to the next scan
            marker, position = content[found.end() - 1], found.end()
            if marker == 0xD9:
                return [*parts, (0xD9, _EOI)]
            if marker in _ALONE:
                length = 0
            else:
                length = int.from_bytes(content[position : position + 2], "big")
                part = content[position + 2 : position + length]
                if length < 2 or len(part) < length - 2:
                    found = None
                    break
                if _is_needed(marker, part):
                    parts.append((marker, _segment(marker, _mended(marker, part, progressive))))
            position += length
            if marker == _SOS:
                break
            found = _END_OF_SCAN.search(content, position)
        if not found:
            return parts


def _is_needed(marker, content):
    """Whether the pixels depend on a segment: not on comments and metadata."""
    return not (
        0xE1 <= marker <= 0xEF and not (marker == 0xEE and content[:5] == b"Adobe")
    ) and marker not in (0xFE, 0xD8)


def _mended(marker, content, progressive):
    """Write what decoders ignore, and only complain of, as it should be."""
    if marker == 0xE0 and content[:5] == b"JFIF\0" and len(content) >= 7:
        return content[:5] + b"\1\2" + content[7:]
    if marker == 0xEE and len(content) >= 12 and content[11] > 2:
        return content[:11] + b"\1" + content[12:]
    if marker == _SOS and not progressive and len(content) > 3:
        return content[:-3] + b"\0\x3f\0"
    return content


def _decode_tidied(parts, colour_space):
    """Decode once more without oddities; whatever the decoder still complains of is damage."""
    if parts[-1][1] != _EOI:  # it may be all that is missing
        parts = [*parts, (0xD9, _EOI)]
    for _ in range(_MOST_STRAY_PLACES + 1):
        try:
            return simplejpeg.decode_jpeg(
                b"".join(part for _, part in parts), colour_space, strict=True
            )
        except ValueError as error:
            message = str(error)
        parts = _without_stray(parts, message)
        if parts is None:
            break
    if "premature end" in message.lower():
        raise ImageReadError(f"is truncated: {message}")
    raise ImageReadError(f"is damaged: {message}")


def _without_stray(parts, message):
    """Take a few stray bytes from behind a scan; None if that is not what is wrong."""
    found = _STRAY.search(message)
    if not found or int(found[1]) > _MOST_STRAY_BYTES:
        return None
    n_bytes, marker = int(found[1]), int(found[2], 16)
    ends = [
        place
        for place, (kind, part) in enumerate(parts[:-1])
        if kind is None and len(part) > n_bytes and parts[place + 1][0] == marker
    ]
    if len(ends) != 1:
        return None
    place = ends[0]
    return [*parts[:place], (None, parts[place][1][:-n_bytes]), *parts[place + 1 :]]


def _check_complete(parts, header):
    """Refuse a picture of which whole scans are missing: decoders fill in grey, or blur."""
    if sum(marker == _SOS for marker, _ in parts) > _MOST_SCANS:
        raise ImageReadError(f"is a JPEG file of more than {_MOST_SCANS} scans")
    last_bit = {number: [None] * 64 for number in header.ids}
    progressive = header.frame_marker in _PROGRESSIVE
    for marker, part in parts:
        if marker != _SOS:
            continue
        content = part[4:]
        n_components = content[0]
        first, last, bits = content[-3:]
        for number in content[1 : 1 + 2 * n_components : 2]:
            if number in last_bit and first <= last < 64:
                for k in range(first, last + 1):
                    last_bit[number][k] = bits & 15
    needed = 64 if progressive else 1
    if any(bit != 0 for bits in last_bit.values() for bit in bits[:needed]):
        raise ImageReadError("is truncated: scans of the JPEG file are missing")
