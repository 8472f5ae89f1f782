"""The rows of a benchmark whose labels are in tables beside folders of pictures."""

from collections import Counter

import pandas as pd

from ...labels import parse_labels
from ..folders import picture_suffixes, pictures_below
from ..table_in import read_table

_NAME, _LABEL = "image_name", "label"
_ENDING = "labels"


def read_label_tables(layout, root):
    """Find the pictures that the tables name; and those that no table names."""
    rows, others = [], []
    tables = sorted(path for path in root.rglob(f"*{_ENDING}.csv") if path.is_file())
    for table in tables:
        folder = table.parent / "images"
        if folder.is_dir():
            labelled, rest = _read_table(layout, table, folder)
            rows += labelled
            others += rest
    return pd.DataFrame(rows), others


def _read_table(layout, table, folder):
    names, labels = _names_and_labels(layout, table)
    pictures = pictures_below(folder, picture_suffixes())
    by_name = {picture.stem: picture for picture in pictures}
    by_name |= {picture.name: picture for picture in pictures}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise ValueError(
            f"{layout.name} is incomplete: {len(missing)} of the {len(names)} pictures in "
            f"{str(table)!r} are not in {str(folder)!r}, for example {missing[0]!r}."
        )
    found = [by_name[name] for name in names]
    if twice := [name for name, n in Counter(found).items() if n > 1]:
        name = names[found.index(twice[0])]
        raise ValueError(f"{name!r} stands in {str(table)!r} more than once: keep one row of it.")
    part = table.stem.removesuffix(_ENDING).rstrip("_")  # "", "val", "val_hard"
    facts = {
        "generator": "",
        "source": "",
        "split": part.partition("_")[0] or "train",
        "subset": part or table.parent.name,
    }
    rows = [
        {"path": str(picture), "label": label, **facts}
        for picture, label in zip(found, labels, strict=True)
    ]
    return rows, sorted(set(pictures) - set(found))


def _names_and_labels(layout, table):
    rows = read_table(table, path_column=_NAME)
    lacking = [name for name in (_NAME, _LABEL) if name not in rows]
    if lacking:
        raise ValueError(
            f"{str(table)!r} has no column {', '.join(lacking)}.\n"
            f"Expected for {layout.name}:\n{layout.shape}"
        )
    labels = parse_labels(rows[_LABEL].tolist(), f"column {_LABEL!r} of {str(table)!r}", rows.index)
    return rows[_NAME].tolist(), labels
