"""The pictures that a detector is wrong about and sure of."""

import base64
import io

import numpy as np
from PIL import Image

from ..images.reading import ImageReadError, read_image

_LONGER_SIDE = 200
_QUALITY = 80


def confident_mistakes(generated, called, score, n_most):
    """Choose real pictures of the highest and generated ones of the lowest scores.

    Parameters
    ----------
    generated, called : ndarray of bool, shape (n_pictures,)
        What each picture is, and what it is called.
    score : ndarray of float, shape (n_pictures,)
        Higher is more generated.
    n_most : int
        At most so many of either kind.

    Returns
    -------
    rows : dict of str to ndarray of int
        ``accused``, real pictures called generated, and ``missed``, generated ones called real;
        the surest mistake first.
    """
    accused = np.flatnonzero(~generated & called)
    missed = np.flatnonzero(generated & ~called)
    return {
        "accused": accused[np.argsort(-score[accused], kind="stable")][:n_most],
        "missed": missed[np.argsort(score[missed], kind="stable")][:n_most],
    }


def thumbnail(item):
    """Make a small JPEG of a picture, as text that a page may hold.

    Parameters
    ----------
    item : object
        A picture as `read_image` takes it.

    Returns
    -------
    uri : str or None
        A ``data:`` address of about 8 kB; None if the picture cannot be read any more.
    """
    try:
        image = Image.fromarray(read_image(item))
    except ImageReadError:
        return None
    image.thumbnail((_LONGER_SIDE, _LONGER_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
