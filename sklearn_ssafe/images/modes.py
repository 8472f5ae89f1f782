"""Every colour mode that Pillow knows, as 8-bit RGB."""

import numpy as np
from PIL import Image, ImageCms


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
