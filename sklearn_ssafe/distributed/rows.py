"""Rows of a data set: the pictures in them, and what is put beside them."""

import os

import numpy as np
import pandas as pd
import pyarrow as pa

from ..images.local_files import is_url
from ..images.picture import as_picture


def pictures_in(table, column, folder):
    """Return the `Picture` of each row; relative paths begin at `folder`."""
    return [as_picture(_item(value, folder)) for value in _values(table, column)]


def with_paths(ray, table):
    """Make a data set of a table with a column ``path``, in which there may be names of any bytes.

    Arrow has texts of UTF-8 only: Ray keeps a column with others as objects of Python.
    """
    paths = pd.Series(list(table["path"]), index=table.index, dtype=object)
    return ray.data.from_pandas(table.assign(path=paths))


def _values(table, column):
    """Return the values of a column as Python has them."""
    check_picture_column(table.column_names, column)
    values = table[column]
    if isinstance(values.type, pa.BaseExtensionType):  # Ray's arrays, and objects of Python
        from ray.data.block import BlockAccessor

        values = BlockAccessor.for_block(table.select([column])).to_numpy(column)
        return list(values)
    return values.to_pylist()


def _item(value, folder):
    """Return what a picture is made of: a path, content or pixels."""
    if isinstance(value, dict):  # as Hugging Face's data sets hold pictures
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str) and value and not is_url(value):
        return os.path.join(folder, value)
    return value


def check_picture_column(known, column):
    """See that the column of pictures is there."""
    if column not in known:
        raise ValueError(
            f"the data set has no column {column!r} of pictures: name the one of its columns that "
            f"holds them, {', '.join(known)}"
        )


def check_new_columns(known, names):
    """Refuse to put a column where there is one of this name."""
    if taken := [name for name in names if name in known]:
        raise ValueError(
            f"the data set has a column {taken[0]!r} already, and it would be written there: "
            "rename it, ds.rename_columns, or give the new column another name"
        )


def with_columns(table, columns):
    """Return the table with further columns, a dict of arrays."""
    check_new_columns(table.column_names, columns)
    for name, values in columns.items():
        table = table.append_column(name, values)
    return table


def vectors(features):
    """Return a column of vectors: null where one is not finite."""
    values = pa.array(np.ascontiguousarray(features, dtype=np.float32).reshape(-1))
    missing = pa.array(~np.isfinite(features).all(axis=1))
    return pa.FixedSizeListArray.from_arrays(values, features.shape[1], mask=missing)


def texts(n_rows, by_row):
    """Return a column of texts, null in the rows that are not in the dict."""
    return pa.array([by_row.get(row) for row in range(n_rows)], pa.string())
