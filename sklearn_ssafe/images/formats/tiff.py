"""TIFF files: the first page's tags checked, and handed on without all others (TIFF 6.0)."""

import io
import struct
import zlib

import simplejpeg
from PIL import ImageFile, TiffImagePlugin

from .. import ifd
from ..colours import rgb_pixels, upright
from ..errors import ImageReadError
from ..limits import Declared
from .libtiff import complaints

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_COUNTS, _PLANAR = 273, 277, 278, 279, 284
_PREDICTOR, _COLOUR_MAP, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = (
    317,
    320,
    322,
    323,
    324,
    325,
)
_EXTRA, _SAMPLE_FORMAT, _JPEG_TABLES = 338, 339, 347
_YCC_COEFFICIENTS, _SUBSAMPLING, _YCC_POSITIONING, _BLACK_WHITE = 529, 530, 531, 532
_SHORTS = {
    _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES, _PLANAR, _PREDICTOR, _COLOUR_MAP,
    _EXTRA, _SAMPLE_FORMAT, _SUBSAMPLING, _YCC_POSITIONING,
}  # fmt: skip
_LONGS = {
    _WIDTH, _HEIGHT, 292, 293, _STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_COUNTS, _TILE_WIDTH,
    _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS,
}  # fmt: skip
_RATIONALS = {_YCC_COEFFICIENTS, _BLACK_WHITE}
_NEEDED = _SHORTS | _LONGS | _RATIONALS | {_JPEG_TABLES}
_XMP, _PROFILE = 700, 34675
_RAW, _JPEG, _DEFLATE = 1, 7, (8, 32946)
_INFLATED_AT_ONCE = 1 << 20
# What one byte can become at most; None where there is no such bound. Of fax of group 3 Pillow
# does not tell damage, and of old JPEG nobody knows how to read it.
_MOST_BYTES_A_BYTE = {
    _RAW: 1,
    4: None,  # CCITT group 4: a white line may take a bit
    5: 2800,  # LZW: strings of 4,096 from codes of 12 bits
    _JPEG: 3 * 512,
    8: 1032,
    32946: 1032,
    32773: 64,  # PackBits
    50000: None,
    50001: None,
}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _YCC = 0, 1, 6
_MOST_SAMPLES = 8
# The places of as many tiles of 16 x 16 as a picture of 120 million pixels has.
_MOST_BYTES_OF_TAG = 1 << 22


class _Page:
    """The first page: its tags, checked against what the file holds."""

    def __init__(self, file, n_bytes):
        def read_at(offset, size):
            if offset >= n_bytes:
                return b""
            file.seek(offset)
            return file.read(size)

        self.n_bytes = n_bytes
        wanted = _NEEDED | {ifd.ORIENTATION}
        self.directory = ifd.Directory(read_at, wanted, most_bytes=min(n_bytes, _MOST_BYTES_OF_TAG))
        self.tags = self.directory.tags
        self.width, self.height = self._one(_WIDTH, 0), self._one(_HEIGHT, 0)
        if self.width <= 0 or self.height <= 0:
            raise ImageReadError("is damaged: the TIFF file does not say how large its picture is")
        self.compression = self._one(_COMPRESSION, _RAW)
        if self.compression not in _MOST_BYTES_A_BYTE:
            raise ImageReadError(f"is a TIFF file with compression {self.compression}, not read")
        self.photometric = self._one(_PHOTOMETRIC, _WHITE_IS_ZERO)
        self.n_samples = self._one(_SAMPLES, len(self.tags.get(_BITS, (1,))))
        if not 1 <= self.n_samples <= _MOST_SAMPLES:
            raise ImageReadError(f"is a TIFF file of {self.n_samples} channels, which is not read")
        bits = self.tags.get(_BITS, (1,))
        self.bits = (tuple(bits) * self.n_samples)[: self.n_samples]
        if not all(1 <= n <= 64 for n in self.bits):
            raise ImageReadError("is damaged: the TIFF file has wrong numbers of bits")
        self.is_signed = 2 in self.tags.get(_SAMPLE_FORMAT, ())
        if self.is_signed:
            raise ImageReadError(
                "is a TIFF file of signed numbers, which have no defined white: save it with 8 or "
                "16 bits, unsigned"
            )
        self.is_inverted = self.photometric == _WHITE_IS_ZERO and max(self.bits) > 8
        # libtiff puts bytes in the machine's order, and Pillow would once more.
        self.is_float_turned = (
            self.directory.order == ">"
            and self.compression != _RAW
            and 3 in self.tags.get(_SAMPLE_FORMAT, ())
        )
        self.is_tiled = _TILE_WIDTH in self.tags
        self._check_pieces()
        self._check_subsampling()

    def _one(self, tag, default):
        return int(self.tags[tag][0]) if isinstance(self.tags.get(tag), tuple) else default

    def _check_pieces(self):
        """See that every strip or tile is there, and can hold its rows."""
        if self.is_tiled:
            piece_width, piece_height = self._one(_TILE_WIDTH, 0), self._one(_TILE_HEIGHT, 0)
            if not (0 < piece_width < self.width + 4096 and 0 < piece_height < self.height + 4096):
                raise ImageReadError("is damaged: the TIFF file has tiles of a wrong size")
        else:
            piece_width = self.width
            piece_height = min(self._one(_ROWS_PER_STRIP, self.height), self.height)
            if piece_height <= 0:
                raise ImageReadError("is damaged: the TIFF file has strips without rows")
        self.piece = piece_width, piece_height
        planes = self.n_samples if self._one(_PLANAR, 1) == 2 else 1
        down, across = -(-self.height // piece_height), -(-self.width // piece_width)
        n_pieces = planes * down * across
        offsets = self.tags.get(_TILE_OFFSETS if self.is_tiled else _STRIP_OFFSETS, ())
        counts = self.tags.get(_TILE_COUNTS if self.is_tiled else _STRIP_COUNTS, ())
        if not counts and len(offsets) == n_pieces == 1:
            counts = (self.n_bytes - offsets[0],)  # some programs leave it out
        if len(offsets) < n_pieces or len(counts) < n_pieces:
            raise ImageReadError(
                f"is damaged: the TIFF file declares {self.height} rows and holds "
                f"{min(len(offsets), len(counts))} of {n_pieces} parts"
            )
        self.offsets, self.counts = list(offsets[:n_pieces]), list(counts[:n_pieces])
        bits = sum(self.bits) if planes == 1 else max(self.bits)
        if self.photometric == _YCC and self.compression != _JPEG:
            bits = min(bits, 12)  # of a pixel, if chroma is stored for four of them together
        per_row, most = -(-piece_width * bits // 8), _MOST_BYTES_A_BYTE[self.compression]
        self.bytes_of_piece = per_row * piece_height
        for number, (offset, count) in enumerate(zip(self.offsets, self.counts, strict=True)):
            if offset + count > self.n_bytes or count <= 0:
                raise ImageReadError("is truncated: parts of the TIFF file's picture are missing")
            rows = piece_height
            if not self.is_tiled and number % down == down - 1:
                rows = self.height - (down - 1) * piece_height
            if most is not None and per_row * rows > most * count:
                raise ImageReadError(
                    f"is damaged: {count:,} bytes cannot hold {rows} rows of the TIFF file"
                )

    def _check_subsampling(self):
        if self.photometric != _YCC or self.compression != _RAW:
            return
        if self.tags.get(_SUBSAMPLING, (1, 1)) != (1, 1):
            raise ImageReadError("is a TIFF file of subsampled colours without compression")

    def clean(self, content):
        """Return the file with a new directory behind it, of the tags that the pixels need."""
        tags = {tag: self.tags[tag] for tag in _NEEDED if tag in self.tags}
        tags[_SAMPLES] = (self.n_samples,)
        tags[_BITS] = self.bits
        # Pillow turns 8 bits and fewer round, and of the others not every kind.
        tags[_PHOTOMETRIC] = (_BLACK_IS_ZERO if self.is_inverted else self.photometric,)
        tags[_TILE_OFFSETS if self.is_tiled else _STRIP_OFFSETS] = self.offsets
        tags[_TILE_COUNTS if self.is_tiled else _STRIP_COUNTS] = self.counts
        if self.is_tiled:
            for tag in (_STRIP_OFFSETS, _STRIP_COUNTS, _ROWS_PER_STRIP):
                tags.pop(tag, None)
        colours = tags.get(_COLOUR_MAP)
        if colours and max(colours) < 256:  # of 8 bits, against the rules
            tags[_COLOUR_MAP] = tuple(value * 257 for value in colours)
        order = self.directory.order
        start = len(content) + len(content) % 2
        entries, values = b"", b""
        values_start = start + 2 + 12 * len(tags) + 4
        for tag in sorted(tags):
            kind, count, value = _packed(tag, tags[tag], order)
            if len(value) > 4:
                place = struct.pack(order + "I", values_start + len(values))
                values += value + b"\0" * (len(value) % 2)
            else:
                place = value.ljust(4, b"\0")
            entries += struct.pack(order + "HHI", tag, kind, count) + place
        if start + len(entries) + len(values) >= 1 << 32:
            raise ImageReadError("is a TIFF file of more than 4 GB, which is not read")
        magic = b"II*\0" if order == "<" else b"MM\0*"
        head = magic + struct.pack(order + "I", start)
        directory = struct.pack(order + "H", len(tags)) + entries + b"\0\0\0\0"
        return b"".join(
            [head, memoryview(content)[8:], b"\0" * (len(content) % 2), directory, values]
        )


def _packed(tag, values, order):
    """Return type, count and bytes of a tag's values."""
    if tag == _JPEG_TABLES:
        return 7, len(values), bytes(values)
    if tag in _RATIONALS:
        pairs = [part for value in values for part in (round(value * 1_000_000), 1_000_000)]
        return 5, len(values), struct.pack(f"{order}{len(pairs)}I", *pairs)
    if tag in _SHORTS:
        return 3, len(values), struct.pack(f"{order}{len(values)}H", *values)
    return 4, len(values), struct.pack(f"{order}{len(values)}I", *values)


class _TiffImage(TiffImagePlugin.TiffImageFile):
    """Without Pillow's own limit, of which it also warns."""

    def load_prepare(self):
        """Make room for the pixels."""
        ImageFile.ImageFile.load_prepare(self)


def inspect(file, n_bytes):
    """Return what the tags declare."""
    page = _Page(file, n_bytes)
    width, height = page.piece
    samples = max(1, -(-sum(page.bits) // 8))
    decoded = 4 if page.n_samples > 1 or max(page.bits) > 16 else 2
    # A strip may be the whole picture; colour models that libtiff converts take 4 bytes more.
    piece = (samples + 4) * min(1, width * height / (page.width * page.height))
    if page.compression == _RAW and page.photometric != _YCC:
        piece = 0
    return Declared("TIFF", page.width, page.height, decoded + 3 + piece, bytes_per_byte=2)


def opened(file):
    """Open by Pillow for what the tags say."""
    n_bytes = file.seek(0, io.SEEK_END)
    page = _Page(file, n_bytes)
    file.seek(0)
    content = file.read()
    image = _TiffImage(io.BytesIO(page.clean(content)))
    metadata = ifd.exif_tags(content, {_XMP, _PROFILE})
    for name, tag in (("xmp", _XMP), ("icc_profile", _PROFILE)):
        if tag in metadata:
            image.info[name] = bytes(metadata[tag])
    image.info["exif"] = content  # a TIFF file is what an EXIF block is
    return image


def decode(content, declared):
    """Return the pixels: uint8 RGB, (height, width, 3), upright."""
    page = _Page(io.BytesIO(content), len(content))
    if page.compression == _JPEG:
        _check_jpegs(page, content)
    if page.compression in _DEFLATE and page.photometric != _YCC:
        _check_deflate(page, content)
    with complaints() as said:
        image = _TiffImage(io.BytesIO(page.clean(content)))
        if page.is_float_turned:
            image.tile = [tile._replace(args=("F;32NF", *tile.args[1:])) for tile in image.tile]
        image.load()
    if said:
        raise ImageReadError("is damaged: libtiff found errors in the TIFF file's picture")
    pixels = rgb_pixels(
        image, white=4095 if page.bits == (12,) else 65535, inverted=page.is_inverted
    )
    return upright(pixels, page._one(ifd.ORIENTATION, 1))


def is_read_anew(content):
    """Whether white is zero, or 4095, in values of more than 8 bits; or a palette has 8 bits."""
    page = _Page(io.BytesIO(content), len(content))
    is_grey = page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
    colours = page.tags.get(_COLOUR_MAP)
    return (
        page.is_inverted or (is_grey and page.bits == (12,)) or bool(colours and max(colours) < 256)
    )


def _check_jpegs(page, content):
    """Have every strip or tile of JPEG looked at by the strict decoder."""
    tables = bytes(page.tags.get(_JPEG_TABLES, b""))
    for offset, count in zip(page.offsets, page.counts, strict=True):
        part = content[offset : offset + count]
        if tables[-2:] == b"\xff\xd9" and part[:2] == b"\xff\xd8":
            part = tables[:-2] + part[2:]
        try:
            height, width, colour_space, _ = simplejpeg.decode_jpeg_header(part, strict=False)
            if width > page.piece[0] + 64 or height > page.piece[1] + 64:  # whole blocks
                raise ImageReadError("is damaged: the TIFF file has parts of a wrong size")
            kind = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(colour_space, "RGB")
            simplejpeg.decode_jpeg(part, kind, strict=True)
        except ImageReadError:
            raise
        except ValueError as error:
            raise ImageReadError(f"is damaged: {error}") from error


def _check_deflate(page, content):
    """See that what is packed ends where it should: libtiff stops when a strip or tile is full."""
    for offset, count in zip(page.offsets, page.counts, strict=True):
        packed, n_bytes = content[offset : offset + count], 0
        unpacking = zlib.decompressobj()
        try:
            while packed and n_bytes <= page.bytes_of_piece:
                n_bytes += len(unpacking.decompress(packed, _INFLATED_AT_ONCE))
                packed = unpacking.unconsumed_tail
        except zlib.error as error:
            raise ImageReadError(f"is damaged: {error}") from error
        if n_bytes > page.bytes_of_piece:
            raise ImageReadError("is damaged: a part of the TIFF file holds more than its rows")
