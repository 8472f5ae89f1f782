"""From every colour mode to upright 8-bit RGB, without a second copy of the whole picture."""

import numpy as np
from PIL import Image, ImageCms

_PIXELS_AT_ONCE = 1 << 18
_SIXTEEN_BITS = 0xFFFF


def rgb_pixels(image, *, key=None, white=_SIXTEEN_BITS, inverted=False):
    """Return the pixels of a loaded PIL image: uint8 RGB, what is transparent on white.

    Parameters
    ----------
    image : PIL.Image.Image
        Of any mode.
    key : int, tuple of int or None
        The value, as `image` has it, that stands for a transparent pixel.
    white : int
        The value of white where `image` has integers of more than 8 bits.
    inverted : bool
        Whether the least value of grey integers or floats is white.

    Returns
    -------
    pixels : ndarray of uint8, shape (height, width, 3)
        C-contiguous.
    """
    width, height = image.size
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _PIXELS_AT_ONCE // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = image.crop((0, top, width, bottom))
        part = pixels[top:bottom]
        part[:] = _band_to_rgb(band, white, inverted)
        if key is not None:
            values = np.asarray(band)
            is_key = values == key if values.ndim == 2 else (values == key).all(axis=2)
            part[is_key] = 255
    return pixels


def to_rgb(image):
    """Convert a small picture of any mode to a PIL image in RGB; what is transparent is white."""
    return Image.fromarray(rgb_pixels(image))


def _band_to_rgb(image, white, inverted):
    if image.mode.startswith("I") or image.mode == "F":
        grey = _to_8_bit_grey(np.asarray(image), white)
        return (255 - grey if inverted else grey)[:, :, None]
    if image.mode == "LAB":
        image = ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    if image.mode in ("La", "RGBa"):  # alpha already multiplied in
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        picture = image.convert("RGBA")
        canvas = Image.new("RGBA", picture.size, "white")
        image = Image.alpha_composite(canvas, picture)
    return np.asarray(image.convert("RGB"))


def _to_8_bit_grey(values, white):
    low, high = values.min(), values.max()
    if values.dtype.kind == "f":
        if not (low >= 0 and high <= 1):  # also refuses NaN
            raise ValueError(
                f"float pixels from {low:g} to {high:g} have no defined white: scale them to 0..1, "
                "or save the picture with 8 or 16 bits"
            )
        return np.round(values * 255).astype(np.uint8)
    if low < 0 or high > white:
        raise ValueError(
            f"{8 * values.itemsize}-bit pixels from {low} to {high} have no defined white: save "
            "the picture with 8 or 16 bits"
        )
    # The high byte, as Pillow itself takes it from 16-bit colour files.
    return (values >> (int(white).bit_length() - 8)).astype(np.uint8)


def upright(pixels, orientation):
    """Undo the camera's rotation, EXIF 2.3 tag 0x0112 (values 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
