"""What a user may pass as ``X``, turned into one plain list of pictures."""

from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import numpy as np
from PIL import Image

from .picture import Picture, as_picture

ACCEPTED = (
    "a 1-D sequence, a pandas or polars Series, a table with one column, or a 4-D uint8 array "
    "(n_images, height, width, channels) of: file paths (str or Path), bytes of a picture file, "
    "PIL images, or uint8 arrays (height, width), (height, width, 3) or (height, width, 4)"
)

_ONE_PICTURE = (str, bytes, bytearray, memoryview, Path, Image.Image, Picture)


def as_pictures(X):
    """Return the pictures of `X`, a list of `Picture`, one for each row.

    Nothing is opened or checked here: a bad one is found when it is read, so that one bad item
    never hides the others.
    """
    return [as_picture(item) for item in as_items(X)]


def as_items(X):
    """Return the items of `X` as the user gave them, as a list: for estimators not our own."""
    items = _list_of(X)
    if not items:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={np.shape(X)}) while a minimum of 1 is required: "
            "X holds no picture."
        )
    return items


def is_one_picture(item):
    """Whether an item is a picture for certain: an array may be anything."""
    return isinstance(item, _ONE_PICTURE)


def _list_of(X):
    if is_one_picture(X):
        raise TypeError(
            f"X is a single picture ({as_picture(X).name}), not a collection of pictures. "
            "Reshape your data: put it in a list, [X]."
        )
    if isinstance(X, np.ndarray):
        return _list_of_array(X)
    if hasattr(X, "to_pandas") and hasattr(X, "column_names"):  # a pyarrow table
        X = X.to_pandas()
    if hasattr(X, "columns") and hasattr(X, "shape"):  # a pandas or polars table
        return _only_column(X)
    if hasattr(X, "to_list"):  # a pandas or polars Series
        return X.to_list()
    if isinstance(X, Mapping | Set) or not isinstance(X, Sequence):
        if hasattr(X, "__array__"):
            return _list_of_array(np.asarray(X))
        raise TypeError(f"X is of type {type(X).__name__}. Pass {ACCEPTED}.")
    items = list(X)
    # A column written as nested rows, [["a.jpg"], ["b.jpg"]], as scikit-learn passes on.
    if items and all(issubclass(type(item), list | tuple) for item in items):
        widths = {len(item) for item in items}
        if widths != {1}:
            raise ValueError(_many_columns(max(widths)))
        items = [item[0] for item in items]
    return items


def _list_of_array(X):
    if X.dtype.kind in "OUST" or hasattr(X.dtype, "na_object"):
        if X.ndim == 2 and X.shape[1] == 1:
            X = X[:, 0]
        if X.ndim == 1:
            return X.tolist()
        if X.ndim == 2:
            raise ValueError(_many_columns(X.shape[1]))
        if X.ndim == 4:  # NumPy made one array of a list of pictures of one size
            return list(X.astype(np.uint8)) if _holds_bytes(X) else list(X)
    elif X.ndim == 4:
        return list(X)
    if X.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must hold pictures.")
    if X.ndim in (2, 3) and X.dtype == np.uint8:
        raise TypeError(
            f"X is one uint8 array of shape {X.shape}: a single picture, or a stack without "
            "channels. Put one picture in a list, [X]; give a stack of grey pictures as list(X)."
        )
    raise ValueError(
        f"Reshape your data: X is an array of shape {X.shape} and type {X.dtype}, which holds no "
        f"pictures. Pass {ACCEPTED}."
    )


def _holds_bytes(X):
    return all(isinstance(value, np.uint8 | int) and 0 <= value <= 255 for value in X.ravel())


def _only_column(table):
    if len(table.columns) != 1:
        raise ValueError(_many_columns(len(table.columns), list(table.columns)))
    name = table.columns[0]
    column = table.get_column(name) if hasattr(table, "get_column") else table[name]
    return column.to_list()


def _many_columns(n_columns, names=None):
    named = f" ({', '.join(map(str, names))})" if names else ""
    return (
        f"X has {n_columns} columns{named}, and one column of pictures is needed. Pass that column "
        "alone, or name it in a ColumnTransformer: "
        'ColumnTransformer([("image", FrozenEncoderTransformer(), "path"), ...]).'
    )
