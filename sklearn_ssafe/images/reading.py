"""From a file's bytes to pixels: whatever is decoded in this package is decoded here."""

import io

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin

from . import ifd
from .colours import rgb_pixels, upright
from .errors import ImageReadError
from .formats import avif, bmp, gif, heif, ico, jpeg, jpeg2000, png, ppm, psd, tiff, webp
from .formats.recognising import format_of
from .limits import MAX_PIXELS, check_limits, reserved

_FORMATS = {
    "AVIF": avif,
    "BMP": bmp,
    "GIF": gif,
    "HEIF": heif,
    "ICO": ico,
    "JPEG": jpeg,
    "JPEG2000": jpeg2000,
    "PNG": png,
    "PPM": ppm,
    "PSD": psd,
    "TIFF": tiff,
    "WEBP": webp,
}
_NOT_BY_PILLOW = (jpeg, ppm)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def look_at(file, max_pixels=MAX_PIXELS):
    """Return a file's module, what its header declares, and the memory in bytes it takes to read.

    What is of no format that is read, too large or obviously damaged is refused here, before any
    of it is decoded.
    """
    n_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    module = _FORMATS[format_of(file.read(64))]
    declared = module.inspect(file, n_bytes)
    return module, declared, check_limits(declared, n_bytes, max_pixels)


def open_lazily(file, max_pixels=MAX_PIXELS):
    """Open a picture's file as a PIL image, for what its header says."""
    module, _, _ = look_at(file, max_pixels)
    return module.opened(file)


def is_read_anew(content):
    """Whether versions before 0.10 made other pixels of a sound file."""
    try:
        module = _FORMATS[format_of(content[:64])]
        return hasattr(module, "is_read_anew") and module.is_read_anew(content)
    except Exception:  # reading it will tell why
        return False


def decode(content, max_pixels=MAX_PIXELS):
    """Return the pixels of a file's content: uint8 RGB, (height, width, 3), upright."""
    module, declared, cost = look_at(io.BytesIO(content), max_pixels)
    with reserved(cost):
        if module not in _NOT_BY_PILLOW:
            _refuse_filled_in_pixels(declared.format)
        if hasattr(module, "decode"):
            return module.decode(content, declared)
        image = module.opened(io.BytesIO(content))
        if image.width * image.height > declared.width * declared.height:
            raise ImageReadError(f"is damaged: the {declared.format} file has two sizes")
        image.load()
        turned = ifd.orientation(image.info.get("exif"), image.info.get("xmp"))
        return upright(rgb_pixels(image), turned)


def _refuse_filled_in_pixels(name):
    """Refuse to let Pillow invent the missing part of a truncated file.

    Another package in the process may have set Pillow's global switch; pixels that no camera and no
    generator made must not reach a detector.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise ImageReadError(
            f"this {name} file cannot be read safely while "
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES is set: set it back to False"
        )


def is_read(format):
    """Whether a PIL image's format is one of those that are read here."""
    return format in _FORMATS or format == "MPO"


def pixels_of_image(image):
    """Return the pixels of a loaded PIL image, as `decode` does."""
    pixels = rgb_pixels(image)
    exif = image.info.get("exif")
    if exif:
        return upright(pixels, ifd.orientation(exif, image.info.get("xmp")))
    try:
        return upright(pixels, image.getexif().get(ifd.ORIENTATION, 1))
    except Exception:  # damaged metadata is no reason to lose sound pixels
        return pixels


def decode_small_grey(content, short_side):
    """Return a file in grey and shrunk: uint8 (height, width), upright.

    JPEG files are decoded at a half, a quarter or an eighth of their size where that is enough.
    """
    module, _, cost = look_at(io.BytesIO(content))
    plain = jpeg.tidied(content) if module is jpeg else None
    if plain is None:
        return small_grey(decode(content), short_side)
    with reserved(cost):
        turned = jpeg.orientation_of(content)
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(plain))
        if image.mode in ("L", "RGB"):
            image.draft("L", (short_side, short_side))
        grey = image.convert("L")
        if turned in _UPRIGHT:
            grey = grey.transpose(_UPRIGHT[turned])
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
        return rgb_pixels(Image.fromarray(np.ascontiguousarray(pixels)))
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
