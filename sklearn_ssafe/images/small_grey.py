"""A picture as a small grey one: enough for its composition, and several times as fast."""

import numpy as np
from PIL import Image

from .modes import to_rgb
from .reading import open_picture, read_image

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


def read_small_grey(item, short_side=256):
    """Read a picture in grey, shrunk.

    JPEG files are decoded at a half, a quarter or an eighth of their size where that is enough:
    pixels for looking for copies and marks, not for a detector.

    Parameters
    ----------
    item : str, Path, bytes, PIL.Image.Image or ndarray of uint8
        As for `read_image`.
    short_side : int, default=256
        Of the result, in pixels. A smaller picture keeps its size.

    Returns
    -------
    grey : ndarray of uint8, shape (height, width)
        Upright.

    Raises
    ------
    ImageReadError
        As `read_image` does.
    """
    if isinstance(item, np.ndarray | Image.Image):
        return _shrink(Image.fromarray(read_image(item)).convert("L"), short_side)
    with open_picture(item) as (image, _):
        if image.mode in ("L", "RGB"):
            image.draft("L", (short_side, short_side))
        orientation = _orientation(image)
        grey = image.convert("L") if image.format == "JPEG" else to_rgb(image).convert("L")
        if orientation in _UPRIGHT:
            grey = grey.transpose(_UPRIGHT[orientation])
        return _shrink(grey, short_side)


def _orientation(image):
    if image.format == "PNG":
        return 1  # asking would decode the file twice, and programs do not turn PNG files
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata is no reason to lose sound pixels
        return 1


def _shrink(grey, short_side):
    factor = short_side / min(grey.size)
    if factor < 1:
        width, height = (max(1, round(side * factor)) for side in grey.size)
        grey = grey.resize((width, height), Image.Resampling.BOX)
    return np.asarray(grey)
