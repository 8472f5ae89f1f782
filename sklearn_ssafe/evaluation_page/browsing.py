"""The part of a page in which people browse: all pictures, by score, name and verdict."""

import json
from pathlib import Path

import numpy as np

from ..images.threads import map_ahead, worker_threads
from ..results import all_visible, plain
from .pictures import small_jpeg

_AHEAD = 16


def picture_table(names, *, score, verdict, label=None, name=None, reason=None):
    """Lay out what the page knows of each picture, one list a column, in plain types.

    ``verdict``, ``label`` and ``name`` are places in the lists ``verdicts``, ``labels`` and
    ``names``, so that ten thousand pictures are half a megabyte. `label` and `name` may be None.
    """
    table = {"picture": list(names), "score": [_short(each) for each in score]}
    for column, values in (("verdict", verdict), ("label", label), ("name", name)):
        known, places = ([], None) if values is None else np.unique(values, return_inverse=True)
        table[column] = places
        table[f"{column}s"] = list(known)
    table["reason"] = reason or {}
    return all_visible(plain(table))


def table_as_json(table, folder=None, without=()):
    """Return the table as the page's script reads it; it may stand inside HTML as it is.

    `folder` holds a thumbnail for each row, named after it, but for the rows in `without`.
    """
    text = json.dumps({**table, "folder": folder, "without": sorted(without)}, allow_nan=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def save_page(path, render, pictures, verbose):
    """Write a page, and thumbnails of `pictures` beside it where they are given.

    ``render(folder=, without=)`` returns the page.
    """
    path = Path(path).expanduser()
    beside = {}
    if pictures is not None:
        folder = path.with_name(f"{path.stem}_thumbnails")
        without = write_thumbnails(pictures, folder, verbose)
        beside = {"folder": folder.name, "without": without}
    # Names of files need not be Unicode.
    path.write_bytes(render(**beside).encode("utf-8", "backslashreplace"))
    return path


def write_thumbnails(pictures, folder, verbose):
    """Write a small JPEG for each picture; return the rows of those that cannot be read."""
    from ..encoding.progress import progress_bar

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    without = []
    bar = progress_bar(len(pictures), "thumbnails", verbose)
    with bar, worker_threads(None) as threads:
        for row, content in enumerate(map_ahead(threads, small_jpeg, pictures, _AHEAD)):
            if content is None:
                without.append(row)
            else:
                (folder / f"{row}.jpg").write_bytes(content)
            bar.update(1)
    return without


def _short(score):
    """Six digits, or None where there is no score."""
    return float(f"{score:.6g}") if np.isfinite(score) else None
