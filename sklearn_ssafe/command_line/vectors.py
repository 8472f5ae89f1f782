"""Vectors as files: Parquet, written bit by bit, and NumPy's ``.npz``."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..datasets.table_out import path_cell

_ROWS_AT_ONCE = 4096


class ParquetRows:
    """A Parquet file with the columns path, hash and embedding, written bit by bit.

    Parameters
    ----------
    path : Path
        Overwritten if it exists. It is there when all is written, or not at all.
    names : sequence of str, default=()
        What the numbers of an embedding are; kept as the file's metadata ``feature_name``, in JSON.

    Attributes
    ----------
    n_rows : int
        Rows added so far.
    """

    def __init__(self, path, names=()):
        self.n_rows = 0
        self._path = path
        self._about = {"feature_name": json.dumps(list(names))} if len(names) else None
        self._part = path.with_name(f".{path.name}.part")
        self._writer = None
        self._waiting = []

    def __enter__(self):
        return self

    def add(self, path, content_hash, embedding):
        """Add a row; `path`, `content_hash` and `embedding` may be None."""
        if path is not None:
            path = path_cell(path, self._path.parent, keep_absolute=True)
        self._waiting.append((path, content_hash, embedding))
        self.n_rows += 1
        if len(self._waiting) == _ROWS_AT_ONCE:
            self._write()

    def _write(self):
        paths, hashes, embeddings = zip(*self._waiting, strict=True) if self._waiting else ((),) * 3
        table = pa.table(
            {
                "path": pa.array(paths, pa.string()),
                "hash": pa.array(hashes, pa.string()),
                "embedding": pa.array(embeddings, pa.list_(pa.float32())),
            }
        ).replace_schema_metadata(self._about)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._part, table.schema)
        self._writer.write_table(table)
        self._waiting.clear()

    def __exit__(self, kind, error, trace):
        if kind is None:
            self._write()
        if self._writer is not None:
            self._writer.close()
            if kind is None:
                self._part.replace(self._path)
            else:
                self._part.unlink()


def write_npz(path, paths, features, names):
    """Write NumPy arrays ``path``, ``embedding`` and ``feature_name``.

    Parameters
    ----------
    path : Path
        Overwritten if it exists.
    paths : list of str
    features : ndarray of float32, shape (n_pictures, n_features)
    names : ndarray of str, shape (n_features,)
    """
    with path.open("wb") as file:
        np.savez(
            file,
            path=np.array([path_cell(each, path.parent, keep_absolute=True) for each in paths]),
            embedding=features,
            feature_name=np.array(names, dtype=str),
        )
