"""From bytes to pixels: whatever is decoded in this package is decoded here."""

import functools
import io
from contextlib import contextmanager

import numpy as np
import simplejpeg
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from ..public import public

_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevm", b"hevs", b"mif1", b"msf1")


@public("sklearn_ssafe.exceptions")
class ImageReadError(ValueError):
    """One picture could not be read; the message says why."""


@contextmanager
def reading_errors():
    """Turn whatever a decoder raises into the one error that costs one row and not the run."""
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


def decode(content):
    """Return the pixels of a file's content: uint8 RGB, (height, width, 3), upright."""
    with open_lazily(io.BytesIO(content)) as image:
        if image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB"):
            pixels = _decode_jpeg(content, image)
            if pixels is not None:
                return pixels
        _refuse_filled_in_pixels(image)
        return pixels_of_image(image)


def open_lazily(file):
    """Open a picture's file: header only."""
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
    orientation = _orientation(image)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _orientation(image):
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata is no reason to lose sound pixels
        return 1


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


def pixels_of_image(image):
    """Return the pixels of a PIL image, as `decode` does."""
    if image.width == 0 or image.height == 0:
        raise ImageReadError(f"the picture is empty ({image.width} x {image.height} pixels)")
    return _upright(np.array(to_rgb(image), dtype=np.uint8), image)


def decode_small_grey(image, short_side):
    """Return an opened file in grey and shrunk: uint8 (height, width), upright.

    JPEG files are decoded at a half, a quarter or an eighth of their size where that is enough.
    """
    if image.mode in ("L", "RGB"):
        image.draft("L", (short_side, short_side))
    # Asking PNG would decode the file twice, and programs do not turn PNG files.
    orientation = 1 if image.format == "PNG" else _orientation(image)
    grey = image.convert("L") if image.format == "JPEG" else to_rgb(image).convert("L")
    if orientation in _UPRIGHT:
        grey = grey.transpose(_UPRIGHT[orientation])
    return _shrunk(grey, short_side)


def small_grey(pixels, short_side):
    """Return RGB pixels in grey and shrunk: uint8 (height, width)."""
    return _shrunk(Image.fromarray(pixels).convert("L"), short_side)


def _shrunk(grey, short_side):
    factor = short_side / min(grey.size)
    if factor < 1:
        width, height = (max(1, round(side * factor)) for side in grey.size)
        grey = grey.resize((width, height), Image.Resampling.BOX)
    return np.asarray(grey)


def pixels_of_array(pixels):
    """Return the pixels of an array of any accepted shape, as `decode` does."""
    check_array(pixels)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 1:
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    if pixels.shape[2] == 4:
        return np.array(to_rgb(Image.fromarray(np.ascontiguousarray(pixels), "RGBA")))
    return np.ascontiguousarray(pixels)


def check_array(pixels):
    """Raise an ImageReadError where an array is no picture."""
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


def to_rgb(image):
    """Convert a picture of any mode to RGB; what is transparent becomes white."""
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
