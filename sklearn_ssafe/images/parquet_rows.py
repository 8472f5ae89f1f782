"""Pictures inside Parquet shards, named like files: ``SHARD.parquet#COLUMN/ROW``."""

import functools
import os
import re
import stat
import threading
from collections import OrderedDict

_NAME = re.compile(r"(?P<shard>.+\.parquet)#(?P<column>[^/#]+)/(?P<row>\d+)", re.DOTALL)
# Rows decoded at once, and how many such pieces of a shard stay in memory: neighbouring rows are
# asked for together, by several threads.
_ROWS_AT_ONCE = 16
_PIECES = 4
_OPEN_SHARDS = 4


def parquet_row_name(shard, column, row):
    """Name the picture in one row of a Parquet file."""
    return f"{shard}#{column}/{row}"


def parse_parquet_row(name):
    """Take a picture's name apart."""
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    return match and (match["shard"], match["column"], int(match["row"]))


def check_parquet_row(shard, column, row):
    """See that a row is there, without reading it."""
    _open(shard).find(column, row)


def read_parquet_row(shard, column, row):
    """Read the content of the picture in one row.

    Rows read in their order cost one pass over the shard, of which a row group at most is in
    memory. A row out of order costs reading its row group from the beginning.
    """
    value = _open(shard).read(column, row)
    if isinstance(value, dict):
        value = value.get("bytes")
    return value or b""


def _open(path):
    status = os.stat(path)  # a file written anew is another file
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("is a folder, pipe, socket or device")
    return _shard(os.path.abspath(path), status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=_OPEN_SHARDS)
def _shard(path, mtime_ns, size):
    return _Shard(path)


class _Shard:
    """One Parquet file, read forwards in small pieces."""

    def __init__(self, path):
        from pyarrow.parquet import ParquetFile

        self._file = ParquetFile(path)
        self._lock = threading.Lock()
        metadata = self._file.metadata
        self._group_sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        self._columns = set(self._file.schema_arrow.names)
        self._pieces = OrderedDict()  # (column, group, piece) -> its values
        self._reading = None, None  # which (column, group), and the iterator over its pieces

    def find(self, column, row):
        """Return the row's group and its place in there."""
        if column not in self._columns:
            raise ValueError(f"has no column {column!r}; it has {sorted(self._columns)}")
        place = row
        for group, size in enumerate(self._group_sizes):
            if place < size:
                return group, place
            place -= size
        raise ValueError(f"has {sum(self._group_sizes)} rows, and none with number {row}")

    def read(self, column, row):
        group, place = self.find(column, row)
        number, offset = divmod(place, _ROWS_AT_ONCE)
        with self._lock:
            if (column, group, number) not in self._pieces:
                self._read_piece(column, group, number)
            return self._pieces[column, group, number][offset].as_py()

    def _read_piece(self, column, group, number):
        where, pieces = self._reading
        if where != (column, group) or self._next > number:
            pieces = self._file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=[column])
            self._reading, self._next = ((column, group), pieces), 0
        while self._next <= number:
            piece = next(pieces).column(0)
            self._pieces[column, group, self._next] = piece
            self._next += 1
            while len(self._pieces) > _PIECES:
                self._pieces.popitem(last=False)
