"""The pictures that a page shows: which ones, under which names, how small."""

import base64
import io
import os

import numpy as np
from PIL import Image

from ..images.picture import printable
from ..images.reading import ImageReadError


def picture_names(pictures, show_paths, known=None):
    """Name each picture, without the folders that all of them share.

    Parameters
    ----------
    pictures : list of Picture
    show_paths : bool
        If False, a picture is its row and nothing else.
    known : array-like of int or None, default=None
        Rows that decide which folders are shared, so that a path that leads nowhere does not; None
        takes all.

    Returns
    -------
    names : list of str
        One a picture.

    Examples
    --------
    >>> from sklearn_ssafe.images.inputs import as_pictures
    >>> picture_names(as_pictures(["/home/x/set/real/a.jpg", "/home/x/set/fake/a.jpg"]), True)
    ['real/a.jpg', 'fake/a.jpg']
    >>> picture_names(as_pictures(["/home/x/set/real/a.jpg", b""]), False)
    ['row 0', 'row 1']
    """
    if not show_paths:
        return [f"row {row}" for row in range(len(pictures))]
    rows = range(len(pictures)) if known is None else known
    paths = [pictures[row].path for row in rows]
    shared = _shared_folder([path for path in paths if path is not None])
    return [
        f"row {row}: {picture.name}" if picture.path is None else picture.name.removeprefix(shared)
        for row, picture in enumerate(pictures)
    ]


def _shared_folder(paths):
    """Return the folder that all lie in, with the separator at its end, or nothing."""
    try:
        folder = os.path.commonpath({os.path.dirname(path) for path in paths})
    except ValueError:  # no path, several drives, or absolute ones beside relative ones
        return ""
    return printable(os.path.join(folder, "")) if folder else ""


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


def thumbnail(picture):
    """Make a small JPEG of a picture, as text that a page may hold.

    Parameters
    ----------
    picture : Picture

    Returns
    -------
    uri : str or None
        A ``data:`` address of about 8 kB; None if the picture cannot be read any more.
    """
    try:
        image = Image.fromarray(picture.read())
    except ImageReadError:
        return None
    image.thumbnail((_LONGER_SIDE, _LONGER_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
