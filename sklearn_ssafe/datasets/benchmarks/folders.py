"""The rows of a benchmark that lies in folders."""

from pathlib import Path

import pandas as pd

from ..folders import picture_suffixes, pictures_below


def read_folders(layout, root):
    """Find the pictures of a benchmark."""
    places, rows, others = {}, [], []
    for picture in pictures_below(root, picture_suffixes()):
        folder = picture.parent
        if folder not in places:
            places[folder] = layout.place(folder.relative_to(root).as_posix())
        if places[folder] is None:
            others.append(picture)
        else:
            rows.append({"path": str(picture), **places[folder]})
    return pd.DataFrame(rows), others


def find_root(layout, root):
    """Look for a folder below that fits the layout, where the one given does not."""
    candidates = [Path(root).resolve().parent, *sorted(root.glob("*")), *sorted(root.glob("*/*"))]
    for candidate in candidates:
        folders = [
            entry
            for depth in ("*", "*/*", "*/*/*")
            for entry in candidate.glob(depth)
            if entry.is_dir()
        ]
        found = [layout.place(folder.relative_to(candidate).as_posix()) for folder in folders]
        if any(facts and _is_known(layout, facts) for facts in found):
            return candidate
    return None


def _is_known(layout, facts):
    return not layout.subsets or facts["subset"] in layout.subsets
