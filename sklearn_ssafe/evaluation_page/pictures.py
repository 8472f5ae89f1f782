"""The pictures that a page shows: which ones, under which names, how small."""

import base64
import io
import os

import numpy as np
from PIL import Image

from ..images.errors import ImageReadError
from ..images.threads import map_ahead, worker_threads
from ..results import visible


def picture_names(pictures, show_paths, known=None):
    """Name each picture, without the folders that all of them share.

    The rows in `known` decide which these are, so that a path that leads nowhere does not. Without
    `show_paths` a picture is its row and nothing else.

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
    return visible(os.path.join(folder, ""), keep="") if folder else ""


_LONGER_SIDE = 200
_QUALITY = 80
_AHEAD = 16


def confident_errors(generated, called, score):
    """Rows of real pictures called generated, and of missed ones; the most confident come first."""
    false_positives = np.flatnonzero(~generated & called)
    missed = np.flatnonzero(generated & ~called)
    return {
        "false_positives": false_positives[np.argsort(-score[false_positives], kind="stable")],
        "missed": missed[np.argsort(score[missed], kind="stable")],
    }


def make_thumbnails(pictures):
    """Make small JPEGs as ``data:`` addresses of about 8 kB; None for what cannot be read."""
    with worker_threads(None) as threads:
        contents = list(map_ahead(threads, small_jpeg, pictures, _AHEAD))
    return [None if content is None else _as_address(content) for content in contents]


def _as_address(content):
    return "data:image/jpeg;base64," + base64.b64encode(content).decode()


def small_jpeg(picture):
    """Make a small JPEG, of about 8 kB; None of what cannot be read."""
    try:
        image = Image.fromarray(picture.read())
    except ImageReadError:
        return None
    image.thumbnail((_LONGER_SIDE, _LONGER_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
