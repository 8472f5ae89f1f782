"""Changes of size: resizing with several filters, cropping."""

import numpy as np
from PIL import Image


def resize(image, strength, rng=None, *, filter):
    """Resize both sides by the factor `strength`; the picture keeps its new size.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values.
    strength : float
        New side over old side; the new side is rounded, 1 pixel at least.
    rng : ignored
        Nothing here is random.
    filter : PIL.Image.Resampling
        Pillow widens it when it makes a picture smaller, so that nothing is skipped (but for
        NEAREST).

    Returns
    -------
    resized : ndarray of uint8, shape (new_height, new_width, 3)
    """
    height, width = (max(1, round(side * strength)) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), filter))


def crop(image, strength, rng):
    """Cut out a part whose sides are `strength` times those of the picture; do not resize it.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values.
    strength : float
        New side over old side, up to 1; the new side is rounded, 1 pixel at least.
    rng : numpy.random.Generator
        Where the part's place comes from; all places are equally likely.

    Returns
    -------
    part : ndarray of uint8, shape (new_height, new_width, 3)
    """
    sides = [max(1, round(side * strength)) for side in image.shape[:2]]
    top, left = (
        int(rng.integers(old - new + 1)) for old, new in zip(image.shape[:2], sides, strict=True)
    )
    return np.ascontiguousarray(image[top : top + sides[0], left : left + sides[1]])
