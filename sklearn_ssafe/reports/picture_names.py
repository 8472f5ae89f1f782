"""What pictures are called in a report that others may read."""

import os
from pathlib import Path

from ..images.inputs import describe


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
