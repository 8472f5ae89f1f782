"""One picture, from wherever it comes, as one RGB array.

Two decoders give the same pixels: simplejpeg for ordinary JPEG files, because it is several
times faster, and Pillow for everything else and for every file that simplejpeg hesitates on.
"""

import functools
import io
import re
import threading
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from .inputs import describe
from .modes import to_rgb

_URL = re.compile(r"^([a-z][a-z0-9+.-]+://|data:image/)", re.IGNORECASE)
_ORIENTATION = 0x0112  # the EXIF tag
_SHARED_PICTURE = threading.Lock()


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
    try:
        if isinstance(item, np.ndarray):
            return _from_array(item)
        if isinstance(item, Image.Image):
            with _SHARED_PICTURE:  # the same lazily opened picture may stand in two rows
                item.load()
            return _from_pillow(item)
        return _from_bytes(read_content(item))
    except ImageReadError:
        raise
    # A decoder meets every kind of damage in its own way (struct.error, SyntaxError, ...), and
    # one bad picture must cost one row, never the run.
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        raise ImageReadError(f"could not be decoded: {reason}") from error


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
    if isinstance(item, np.ndarray):
        _check_array(item)
    elif isinstance(item, str | Path):
        path = _local_path(item)
        try:
            with path.open("rb") as file:
                _open(file).close()
        except OSError as error:
            raise _unopened(error) from error
    elif not isinstance(item, Image.Image):
        _open(io.BytesIO(read_content(item))).close()


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
    if isinstance(item, bytes | bytearray | memoryview):
        content = bytes(item)
    elif isinstance(item, str | Path):
        try:
            content = _local_path(item).read_bytes()
        except OSError as error:
            raise _unopened(error) from error
    elif item is None or item != item or str(item) == "<NA>":  # None, NaN, NaT, pandas.NA
        raise ImageReadError("the value is missing")
    else:
        raise ImageReadError(
            f"cannot read a picture from {describe(item)}: expected a path, bytes, a PIL image or "
            "a uint8 array"
        )
    if not content:
        raise ImageReadError("the file is empty (0 bytes)")
    return content


def _local_path(item):
    if isinstance(item, str):
        if _URL.match(item):
            raise ImageReadError("is a URL, and pictures are never fetched: download it first")
        if not item:
            raise ImageReadError("the path is empty")
    return Path(item)


def _unopened(error):
    if isinstance(error, ImageReadError):
        return error
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
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ImageReadError(f"could not be decoded: {error}") from error


def _unknown_format(head):
    if head[4:8] == b"ftyp" and head[8:12] in (
        b"heic",
        b"heix",
        b"hevc",
        b"mif1",
        b"msf1",
        b"heim",
    ):
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

    Strict mode refuses whatever is not quite regular, down to a stray byte between markers.
    Pillow then says whether the file is sound, so both decoders accept the same files.
    """
    colorspace = "GRAY" if opened.mode == "L" else "RGB"
    try:
        pixels = simplejpeg.decode_jpeg(content, colorspace, strict=True)
    except ValueError:
        return None
    if pixels.shape[:2] != (opened.height, opened.width):
        return None
    if colorspace == "GRAY":
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    return np.ascontiguousarray(_oriented(pixels, opened.getexif().get(_ORIENTATION, 1)))


def _oriented(pixels, orientation):
    """Undo the camera's rotation, EXIF 2.3 tag 0x0112 (values 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


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
    upright = ImageOps.exif_transpose(image)
    return np.array(to_rgb(upright), dtype=np.uint8)


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
