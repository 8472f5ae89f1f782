"""Every colour mode that Pillow knows, as 8-bit RGB."""

import functools
import io
import re
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from ..labels import is_missing
from ..public import public
from .inputs import describe
from .parquet_rows import check_parquet_row, parse_parquet_row, read_parquet_row


def to_rgb(image):
    """Convert a picture of any mode to RGB.

    Parameters
    ----------
    image : PIL.Image.Image
        Left unchanged.

    Returns
    -------
    rgb : PIL.Image.Image
        Mode RGB, same size. Transparent pixels are composited on white.

    Raises
    ------
    ValueError
        The picture's numbers have no defined white: 32-bit integers beyond 16 bits, or floats
        outside 0 to 1.
    """
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bit_grey(image)
    if image.mode == "LAB":
        return ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    if image.mode in ("La", "RGBa"):  # alpha already multiplied in
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return image.convert("RGB")


def _to_8_bit_grey(image):
    values = np.asarray(image)
    low, high = values.min(), values.max()
    if image.mode == "F":
        if not (low >= 0 and high <= 1):  # also refuses NaN
            raise ValueError(
                f"float pixels from {low:g} to {high:g} have no defined white: scale them to 0..1, "
                "or save the picture with 8 or 16 bits"
            )
        return Image.fromarray(np.round(values * 255).astype(np.uint8))
    if low < 0 or high > 65535:
        raise ValueError(
            f"32-bit pixels from {low} to {high} have no defined white: save the picture with 8 or "
            "16 bits"
        )
    # The high byte, as Pillow itself takes it from 16-bit colour files.
    return Image.fromarray((values.astype(np.uint16) >> 8).astype(np.uint8))


_URL = re.compile(r"^([a-z][a-z0-9+.-]+://|data:image/)", re.IGNORECASE)
_ORIENTATION = 0x0112  # the EXIF tag
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevm", b"hevs", b"mif1", b"msf1")
_SHARED_PICTURE = threading.Lock()


@public("sklearn_ssafe.exceptions")
class ImageReadError(ValueError):
    """One picture could not be read; the message says why."""


def read_image(item):
    """Read one picture as an RGB array.

    The EXIF orientation is applied. Transparent pixels are composited on white. Palette, grey,
    CMYK and 16-bit pictures become 8-bit RGB (16-bit values keep their high byte). Of an animation
    the first frame is taken. Embedded colour profiles are not applied, as in the preprocessing
    that the encoders were trained with.

    Parameters
    ----------
    item : str, Path, bytes, PIL.Image.Image or ndarray of uint8
        A file's path, a file's content, an opened picture, or pixel values of shape
        (height, width), (height, width, 1), (height, width, 3) or (height, width, 4).

    Returns
    -------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values, 0 to 255, C-contiguous.

    Raises
    ------
    ImageReadError
        The picture is missing, empty, truncated, of an unknown format, or a URL.
    """
    with _every_error_as_image_read_error():
        if isinstance(item, np.ndarray):
            return _from_array(item)
        if isinstance(item, Image.Image):
            with _SHARED_PICTURE:  # the same lazily opened picture may stand in two rows
                item.load()
            return _from_pillow(item)
        return _from_bytes(_content(item))


def check_image(item):
    """Look at one picture without decoding it, to see that it is there and is a picture.

    Costs a fraction of a millisecond. Finds what is missing, empty, a URL, or no picture; a file
    that breaks off in the middle is found by `read_image` alone.

    Parameters
    ----------
    item : object
        As for `read_image`.

    Raises
    ------
    ImageReadError
        With the same reason that `read_image` would give.
    """
    with _every_error_as_image_read_error():
        if isinstance(item, np.ndarray):
            _check_array(item)
        elif row := parse_parquet_row(item):
            with _every_parquet_error_explained():
                check_parquet_row(*row)
        elif isinstance(item, str | Path):
            with _opened_file(item) as file:
                _open(file).close()
        elif not isinstance(item, Image.Image):
            _open(io.BytesIO(_content(item))).close()


@contextmanager
def open_picture(item):
    """Open the file of one picture, for whoever wants less than `read_image`: header, thumbnail.

    Parameters
    ----------
    item : str, Path or bytes
        A file's path or a file's content.

    Yields
    ------
    image : PIL.Image.Image
        Not decoded yet.
    file : binary file
        The same file, for what Pillow does not read.

    Raises
    ------
    ImageReadError
        As `read_image` does; so does everything that goes wrong while the picture is open.
    """
    with _every_error_as_image_read_error():
        if isinstance(item, str | Path):
            with _opened_file(item) as file, _open(file) as image:
                yield image, file
        else:
            file = io.BytesIO(_content(item))
            with _open(file) as image:
                yield image, file


@contextmanager
def _every_error_as_image_read_error():
    """Turn whatever a decoder raises into the one error that costs one row and not the run.

    Every kind of damage is met in its own way: struct.error, SyntaxError, MemoryError ...
    """
    try:
        yield
    except ImageReadError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageReadError(
            f"is too large: {error}. Where you trust it, raise PIL.Image.MAX_IMAGE_PIXELS"
        ) from error
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        raise ImageReadError(f"could not be decoded: {reason}") from error


# Where the bytes come from ---------------------------------------------------------------------


def read_content(item):
    """Read the content of a picture's file.

    Parameters
    ----------
    item : str, Path or bytes
        As for `read_image`.

    Returns
    -------
    content : bytes

    Raises
    ------
    ImageReadError
        The file is missing or empty, or the item is no file.
    """
    with _every_error_as_image_read_error():
        return _content(item)


def _content(item):
    if isinstance(item, bytes | bytearray | memoryview):
        content = bytes(item)
    elif row := parse_parquet_row(item):
        with _every_parquet_error_explained():
            content = read_parquet_row(*row)
    elif isinstance(item, str | Path):
        with _opened_file(item) as file:
            content = file.read()
    elif is_missing(item):
        raise ImageReadError("the value is missing")
    else:
        raise ImageReadError(
            f"cannot read a picture from {describe(item)}: expected a path, bytes, a PIL image or "
            "a uint8 array"
        )
    if not content:
        raise ImageReadError("the file is empty (0 bytes)")
    return content


@contextmanager
def _every_parquet_error_explained():
    try:
        yield
    except OSError as error:
        raise _unopened(error) from error
    except ValueError as error:  # also pyarrow's own
        raise ImageReadError(f"cannot be read from its Parquet file, which {error}") from error


@contextmanager
def _opened_file(item):
    path = _local_path(item)
    try:
        # Reading a pipe or a device may never end.
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ImageReadError("is a pipe, socket or device, not a picture file")
        file = path.open("rb")
    except OSError as error:
        raise _unopened(error) from error
    with file:
        yield file


def _local_path(item):
    if isinstance(item, str):
        if _URL.match(item):
            raise ImageReadError("is a URL, and pictures are never fetched: download it first")
        if not item:
            raise ImageReadError("the path is empty")
    return Path(item)


def _unopened(error):
    if isinstance(error, FileNotFoundError):
        return ImageReadError("no such file")
    if isinstance(error, IsADirectoryError):
        return ImageReadError("is a folder, not a picture file")
    if isinstance(error, PermissionError):
        return ImageReadError("permission denied")
    return ImageReadError(f"cannot be opened: {error.strerror or error}")


# From bytes to pixels --------------------------------------------------------------------------


def _from_bytes(content):
    with _open(io.BytesIO(content)) as image:
        if image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB"):
            pixels = _decode_jpeg(content, image)
            if pixels is not None:
                return pixels
        _refuse_filled_in_pixels(image)
        return _from_pillow(image)


def _open(file):
    """Open a picture lazily: header only."""
    _register_plugins()
    try:
        return Image.open(file)
    except UnidentifiedImageError as error:
        file.seek(0)
        head = file.read(32)
        if not head:
            raise ImageReadError("the file is empty (0 bytes)") from error
        raise ImageReadError(_unknown_format(head)) from error


def _unknown_format(head):
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return 'is a HEIC picture, which needs the extra "heif": pip install "sklearn-ssafe[heif]"'
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "is an AVIF picture, which this Pillow cannot read: pip install --upgrade pillow"
    return f"is no picture that Pillow can identify (it begins with {head[:8]!r})"


@functools.cache
def _register_plugins():
    """Let Pillow read HEIC and, before Pillow 11.3, AVIF where the user installed a plugin."""
    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener()
    try:
        import pillow_avif  # noqa: F401  (registers itself)
    except ImportError:
        pass


def _decode_jpeg(content, opened):
    """Decode by simplejpeg, or return None where Pillow has to decide.

    Strict mode refuses whatever is not quite regular, down to a stray byte between markers. Pillow
    then says whether the file is sound, except where pixels are missing, which Pillow would fill
    with grey if only the end marker is there.
    """
    colorspace = "GRAY" if opened.mode == "L" else "RGB"
    try:
        pixels = simplejpeg.decode_jpeg(content, colorspace, strict=True)
    except ValueError as error:
        if "premature end" in str(error).lower():
            raise ImageReadError(f"is truncated: {error}") from error
        return None
    if pixels.shape[:2] != (opened.height, opened.width):
        return None
    if colorspace == "GRAY":
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    return _upright(pixels, opened)


def _upright(pixels, image):
    """Undo the camera's rotation, EXIF 2.3 tag 0x0112 (values 1 to 8)."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata is no reason to lose sound pixels
        orientation = 1
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _refuse_filled_in_pixels(image):
    """Refuse to let Pillow invent the missing part of a truncated file.

    Another package in the process may have set Pillow's global switch; pixels that no camera and no
    generator made must not reach a detector.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise ImageReadError(
            f"this {image.format} file cannot be read safely while "
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES is set: set it back to False"
        )


def _from_pillow(image):
    if image.width == 0 or image.height == 0:
        raise ImageReadError(f"the picture is empty ({image.width} x {image.height} pixels)")
    return _upright(np.array(to_rgb(image), dtype=np.uint8), image)


# From an array to pixels -----------------------------------------------------------------------


def _from_array(pixels):
    _check_array(pixels)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 1:
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    if pixels.shape[2] == 4:
        return np.array(to_rgb(Image.fromarray(np.ascontiguousarray(pixels), "RGBA")))
    return np.ascontiguousarray(pixels)


def _check_array(pixels):
    if pixels.dtype != np.uint8:
        raise ImageReadError(
            f"is a {pixels.dtype} array: give uint8 values from 0 to 255, for floats from 0 to 1 "
            "np.round(255 * x).astype(np.uint8)"
        )
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4)):
        raise ImageReadError(
            f"is an array of shape {pixels.shape}: expected (height, width), (height, width, 3) or "
            "(height, width, 4), channels last"
        )
    if 0 in pixels.shape:
        raise ImageReadError(f"the picture is empty (array of shape {pixels.shape})")
