"""The pictures that a page shows: which ones, under which names, how small."""

import base64
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from ..images.inputs import describe
from ..images.reading import ImageReadError, read_image


def picture_names(items, show_paths, known=None):
    """Name each picture, without the folders that all of them share.

    Parameters
    ----------
    items : list
        As `as_image_list` returns them.
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
    >>> picture_names(["/home/x/set/real/a.jpg", "/home/x/set/fake/a.jpg"], True)
    ['real/a.jpg', 'fake/a.jpg']
    >>> picture_names(["/home/x/set/real/a.jpg", b""], False)
    ['row 0', 'row 1']
    """
    if not show_paths:
        return [f"row {row}" for row in range(len(items))]
    rows = range(len(items)) if known is None else known
    shared = _shared_folder([items[row] for row in rows if _is_path(items[row])])
    return [
        describe(item).removeprefix(shared) if _is_path(item) else f"row {row}: {describe(item)}"
        for row, item in enumerate(items)
    ]


def _is_path(item):
    return isinstance(item, str | Path)


def _shared_folder(paths):
    """Return the folder that all lie in, with the separator at its end, or nothing."""
    try:
        folder = os.path.commonpath({os.path.dirname(path) for path in paths})
    except ValueError:  # no path, several drives, or absolute ones beside relative ones
        return ""
    return describe(os.path.join(folder, "")) if folder else ""


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
