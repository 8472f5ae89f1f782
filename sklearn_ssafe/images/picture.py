"""One class for each kind of thing that may be given as a picture."""

import hashlib
import io
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..labels import is_missing
from ..results import visible
from .errors import ImageReadError, reading_errors
from .file_facts import facts_of_file, facts_of_pixels, has_alpha
from .file_state import FileState
from .limits import MAX_PIXELS, Declared, check_limits, reserved
from .local_files import opened_file, unopened
from .parquet_rows import check_parquet_row, parse_parquet_row, read_parquet_row
from .reading import (
    check_array,
    decode,
    decode_small_grey,
    is_read,
    is_read_anew,
    look_at,
    open_lazily,
    pixels_of_array,
    pixels_of_image,
    small_grey,
)

_SHARED_PICTURE = threading.RLock()
# Bytes that each reading thread may hold without having asked for them.
_SMALL_FILE = 1 << 23
# Marks the keys of files that were given other pixels before; `file_state` has a number for this,
# too.
_READ_ANEW = b"reading 2"


def as_picture(item):
    """Return the `Picture` that an item stands for; anything at all has one."""
    try:
        return _as_picture(item)
    except Exception:  # a class of the user's own may raise anything when it is looked at
        return NoPicture(item)


def _as_picture(item):
    if isinstance(item, Picture):
        return item
    if isinstance(item, str):
        is_row = ".parquet#" in item and parse_parquet_row(item)
        return ParquetRow(item) if is_row else PictureFile(item)
    if isinstance(item, Path):
        return PictureFile(item)
    if isinstance(item, bytes | bytearray | memoryview):
        return FileContent(item)
    if isinstance(item, Image.Image):
        return PillowPicture(item)
    if isinstance(item, np.ndarray):
        return PixelArray(item)
    return NoPicture(item)


class Header(NamedTuple):
    """What is known of a picture before its pixels are."""

    width: int
    height: int
    mode: str
    has_alpha: bool
    format: str = ""


class Picture:
    """One picture, whatever the user gave for it. Nothing is opened before it is asked for.

    What cannot be done raises an `ImageReadError` that says why.
    """

    __slots__ = ("item",)

    in_memory = True
    """Whether the item holds the picture, so that its digest costs no reading of files."""

    def __init__(self, item):
        self.item = item

    @property
    def name(self):
        """Which picture this is, in a few words for messages and tables."""
        raise NotImplementedError

    @property
    def path(self):
        """Path of the file, or name of the row, as text; None for a picture without."""
        return None

    def read(self, max_pixels=MAX_PIXELS):
        """Return the pixels; see `read_image`."""
        with reading_errors(), reserved(self._cost(max_pixels)):
            return self._read(max_pixels)

    def views(self, encoder, max_pixels=MAX_PIXELS):
        """Return what an encoder makes of the pixels before it computes: `Encoder.prepare`."""
        pixels = self.read(max_pixels)
        try:
            return encoder.prepare(pixels)
        except Exception as error:  # a user's own preprocessing may raise anything
            raise ImageReadError(
                f"could not be prepared for {encoder.name}: {type(error).__name__}: {error}"
            ) from error

    def check(self, max_pixels=MAX_PIXELS):
        """See that this is a picture, without decoding it: a fraction of a millisecond.

        A file that is damaged in the middle is found by `read` alone.
        """
        with reading_errors():
            self._cost(max_pixels)

    @contextmanager
    def reserving(self, max_pixels=MAX_PIXELS):
        """Hold the memory that reading takes while more is done with the picture than `read`."""
        with reading_errors():
            cost = self._cost(max_pixels)
        with reserved(cost):
            yield

    @contextmanager
    def loading(self, max_pixels=MAX_PIXELS):
        """Do what `reserving` does; yield the picture with its file's content in memory."""
        with self.reserving(max_pixels):
            yield self.loaded()

    def content(self):
        """Return the bytes of the picture's file."""
        with reading_errors():
            return self._content()

    def loaded(self):
        """Return this picture with its file's content in memory."""
        return self

    @contextmanager
    def open(self):
        """Yield the opened file, as a `PIL.Image.Image` not decoded yet and as a binary file."""
        with reading_errors(), self._open() as opened:
            yield opened

    def header(self):
        """Return the `Header`."""
        with reading_errors():
            return self._header()

    def n_bytes(self):
        """Return the size of the picture's file; None where there is none."""
        return None

    def facts(self):
        """Return the `FileFacts`."""
        header = self.header()
        return facts_of_pixels(header.width, header.height, header.mode, header.has_alpha)

    def small_grey(self, short_side=256):
        """Return a small grey version, uint8 (height, width), upright: to look for copies, marks.

        A picture whose shorter side is less than `short_side` keeps its size.
        """
        pixels = self.read()
        with reading_errors():
            return small_grey(pixels, short_side)

    def digest(self, max_pixels=MAX_PIXELS):
        """Return 32 bytes that are the same for the same picture."""
        pixels = self.read(max_pixels)
        digest = hashlib.sha256(f"pixels {pixels.shape}\n".encode())
        digest.update(pixels)
        return digest.digest()

    def key(self, max_pixels=MAX_PIXELS):
        """Return 32 bytes that are the same for the same pixels: embeddings are kept under them.

        They are the digest, but for files of which an earlier version made other pixels.
        """
        return self.digest(max_pixels)

    def file_state(self):
        """Return the `FileState`; None where nothing tells whether a file has changed."""
        return None

    def given_bytes(self):
        """Return the item itself as bytes, to tell items apart without reading any file."""
        return str(self.item).encode("utf-8", "surrogatepass")

    def _cost(self, max_pixels):
        """Return the memory in bytes that reading takes; refuse what is no picture."""
        raise NotImplementedError

    def _read(self, max_pixels):
        raise NotImplementedError

    def _content(self):
        raise ImageReadError(
            f"cannot read a picture from {self.name}: expected a path, bytes, a PIL image or "
            "a uint8 array"
        )

    @contextmanager
    def _open(self):
        cost = self._cost(MAX_PIXELS)
        with reserved(cost), self._opened_file() as file, open_lazily(file) as image:
            yield image, file

    @contextmanager
    def _opened_file(self):
        with io.BytesIO(self._content()) as file:
            yield file


class _OfFile(Picture):
    """A picture with the content of a file behind it, wherever that is."""

    __slots__ = ()

    def _read(self, max_pixels):
        return decode(self._content(), max_pixels)

    def _cost(self, max_pixels):
        with self._opened_file() as file:
            return look_at(file, max_pixels)[-1]

    def loaded(self):
        return FileContent(self.content())

    def _header(self):
        with self._open() as (image, _):
            return Header(image.width, image.height, image.mode, has_alpha(image), image.format)

    def n_bytes(self):
        return len(self.content())

    def facts(self):
        with self.open() as (image, file):
            return facts_of_file(image, file, **self._place())

    def _place(self):
        return {"path": self.path}

    def small_grey(self, short_side=256):
        with self.reserving(), reading_errors():
            return decode_small_grey(self._content(), short_side)

    def digest(self, max_pixels=MAX_PIXELS):
        """Return the SHA-256 of the content, as ``sha256sum`` gives it for the file."""
        return hashlib.sha256(self.content()).digest()

    def key(self, max_pixels=MAX_PIXELS):
        content = self.content()
        digest = hashlib.sha256(content)
        if is_read_anew(content):
            digest.update(_READ_ANEW)
        return digest.digest()


class PictureFile(_OfFile):
    """The path of a file, str or Path."""

    __slots__ = ()

    in_memory = False

    @property
    def name(self):
        return visible(self.path, keep="")

    @property
    def path(self):
        return str(self.item)

    def _content(self):
        with self._opened_file() as file:
            return file.read(os.fstat(file.fileno()).st_size)

    def _opened_file(self):
        return opened_file(self.item)

    @contextmanager
    def loading(self, max_pixels=MAX_PIXELS):
        with reading_errors(), self._opened_file() as file:
            n_bytes = os.fstat(file.fileno()).st_size
            content = file.read(n_bytes) if n_bytes <= _SMALL_FILE else None
        if content is None:
            with super().loading(max_pixels) as picture:
                yield picture
            return
        picture = FileContent(content)  # opened once, which is what costs most beside decoding
        with picture.reserving(max_pixels):
            yield picture

    def n_bytes(self):
        with reading_errors(), self._opened_file() as file:
            return file.seek(0, io.SEEK_END)

    def _place(self):
        return {"path": self.path, "modified": Path(self.item).stat().st_mtime}

    def file_state(self):
        try:
            return FileState(self.item)
        except (OSError, ValueError):
            return None  # reading it will tell why


class ParquetRow(_OfFile):
    """The name of a row in a Parquet file."""

    __slots__ = ()

    in_memory = False

    @property
    def name(self):
        return visible(self.item, keep="")

    @property
    def path(self):
        return self.item

    def check(self, max_pixels=MAX_PIXELS):
        with reading_errors(), _parquet_errors():
            check_parquet_row(*parse_parquet_row(self.item))

    def _content(self):
        with _parquet_errors():
            content = read_parquet_row(*parse_parquet_row(self.item))
        return _not_empty(content)


class FileContent(_OfFile):
    """The content of a file, as bytes, bytearray or memoryview."""

    __slots__ = ()

    @property
    def name(self):
        return f"<{len(self.item)} bytes>"

    def read(self, max_pixels=MAX_PIXELS):
        with reading_errors():  # looked at and reserved for by `decode`
            return self._read(max_pixels)

    def _content(self):
        return _not_empty(bytes(self.item))

    def loaded(self):
        return self

    def n_bytes(self):
        return len(self.item)

    def given_bytes(self):
        return bytes(self.item)


class PillowPicture(Picture):
    """An opened PIL image."""

    __slots__ = ()

    @property
    def name(self):
        name = getattr(self.item, "filename", "") or "PIL image"
        return f"<{name}, {self.item.width} x {self.item.height}, {self.item.mode}>"

    def _cost(self, max_pixels):
        image = self.item
        if self._is_on_disk() and not is_read(image.format):
            raise ImageReadError(
                f"is a {image.format} file, which is not read: where you trust it, call load() of "
                "the PIL image first"
            )
        declared = Declared(image.format or image.mode, image.width, image.height, 7)
        return check_limits(declared, 0, max_pixels)

    def _read(self, max_pixels):
        with _SHARED_PICTURE:  # the same lazily opened picture may stand in two rows
            if self._is_on_disk() and (content := self._file_behind()):
                decode(content, max_pixels)  # Pillow alone would not tell of all damage
            self.item.load()
        return pixels_of_image(self.item)

    def _is_on_disk(self):
        """Whether the pixels were not decoded yet."""
        return bool(getattr(self.item, "tile", None))

    def _file_behind(self):
        """Return the content of the file; None if the image is not the whole of that."""
        image = self.item
        if getattr(image, "decoderconfig", ()) or image.tell() not in (
            0,
            getattr(image, "_min_frame", 0),
        ):
            return None  # to be shrunk, or another frame
        file = image.fp
        try:
            place = file.tell()
            file.seek(0)
            content = file.read()
            file.seek(place)
        except (AttributeError, OSError, ValueError):
            return None
        return content

    def _header(self):
        return Header(self.item.width, self.item.height, self.item.mode, has_alpha(self.item))

    def given_bytes(self):
        return self.item.tobytes()


class PixelArray(Picture):
    """Pixel values, uint8."""

    __slots__ = ()

    @property
    def name(self):
        return f"<{self.item.dtype} array {self.item.shape}>"

    def _cost(self, max_pixels):
        check_array(self.item)
        height, width = self.item.shape[:2]
        return check_limits(Declared("array", width, height, 7), 0, max_pixels)

    def _read(self, max_pixels):
        return pixels_of_array(self.item)

    def _header(self):
        check_array(self.item)
        height, width, *channels = self.item.shape
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels[0] if channels else 1]
        return Header(width, height, mode, has_alpha=mode == "RGBA")

    def given_bytes(self):
        return np.ascontiguousarray(self.item).data


class NoPicture(_OfFile):
    """A missing value, or a thing of another type: reading it says so."""

    __slots__ = ()

    in_memory = False

    @property
    def name(self):
        return "<missing>" if is_missing(self.item) else f"<{type(self.item).__name__}>"

    def _content(self):
        if is_missing(self.item):
            raise ImageReadError("the value is missing")
        return super()._content()


def _not_empty(content):
    if not content:
        raise ImageReadError("the file is empty (0 bytes)")
    return content


@contextmanager
def _parquet_errors():
    try:
        yield
    except OSError as error:
        raise unopened(error) from error
    except ValueError as error:  # also pyarrow's own
        raise ImageReadError(f"cannot be read from its Parquet file, which {error}") from error
