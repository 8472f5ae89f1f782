"""Embeddings in Parquet, in one file or many, read a block at a time whatever their number."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from ..encoding.progress import progress_bar
from ..images.local_files import is_url
from .rows import BLOCK_ROWS


def is_parquet(X):
    """Whether X is the path of a file or folder, or a pyarrow Dataset."""
    return isinstance(X, str | os.PathLike) or (
        hasattr(X, "get_fragments") and hasattr(X, "schema")
    )


@dataclass
class _Part:
    """One file: where its rows begin, and what the folders around it say about all of them."""

    path: str
    filesystem: object
    known: dict
    first_row: int
    group_sizes: list
    schema: object

    @property
    def n_rows(self):
        return sum(self.group_sizes)

    def __contains__(self, column):
        return column in self.schema.names or column in self.known

    def groups(self, rows=None):
        """List number, first row and size of its row groups that hold any of the sorted rows."""
        ends = self.first_row + np.cumsum([0, *self.group_sizes])
        places = ends if rows is None else np.searchsorted(rows, ends)
        return [
            (group, int(ends[group]), size)
            for group, size in enumerate(self.group_sizes)
            if places[group] < places[group + 1]
        ]


def holds_embeddings(path):
    """Whether a path is a Parquet file with a column ``embedding``, or a folder with files."""
    if path.is_dir():
        return next(_parquet_within(path), None) is not None
    if path.suffix.lower() != ".parquet":
        return False
    try:
        return "embedding" in EmbeddingFiles(path, embedding="embedding").columns
    except (ValueError, OSError):  # a table of pictures, or none
        return False


class EmbeddingFiles:
    """The rows of a Parquet data set, numbered through its files.

    Parameters
    ----------
    X : str, Path or pyarrow.dataset.Dataset
        A file; a folder, of which all ``.parquet`` files are read in the order of their paths; or a
        Dataset, in its own order.
    embedding : str, sequence of str or None, default=None
        The column of lists of numbers, or the columns of numbers. None: ``embedding``; without
        that the only column of lists; without that all columns of floats.
    fields : dict, default={}
        What else belongs to a row: its name here, and the name of a column or a value for each row.
        None is left out.
    verbose : bool or "auto", default=False
        Whether to show a bar while rows are read.

    Attributes
    ----------
    n_rows, width : int
    dtype : dtype
        float64 where a file has it, float32 otherwise.
    columns : list of str
        The columns of embeddings; `of_lists` says whether they are one column of lists.
    """

    def __init__(self, X, *, embedding=None, fields=None, verbose=False):
        self.verbose = verbose
        self._parts = [_opened(fragment) for fragment in _fragments(X)]
        for part, after in zip(self._parts, self._parts[1:], strict=False):
            after.first_row = part.first_row + part.n_rows
        self.n_rows = sum(part.n_rows for part in self._parts)
        fields = {name: given for name, given in (fields or {}).items() if given is not None}
        self._names = {name: given for name, given in fields.items() if isinstance(given, str)}
        self._arrays = {
            name: self._as_array(name, given)
            for name, given in fields.items()
            if name not in self._names
        }
        self.columns, self.of_lists = self._find_columns(embedding)
        kinds = [_kind_of(part.schema.field(n).type) for part in self._parts for n in self.columns]
        self.dtype = np.dtype(np.float64 if "double" in kinds else np.float32)
        self.width = self._find_width() if self.of_lists else len(self.columns)

    def _as_array(self, name, values):
        """Turn a value for each row into an Arrow array, of which parts are taken as of a file."""
        import pyarrow as pa

        values = np.asarray(values, dtype=object) if not hasattr(values, "dtype") else values
        try:
            array = pa.array(values, from_pandas=True)
        except (pa.ArrowException, TypeError) as error:
            raise ValueError(
                f"{name} has to be a column of values of one type, one for each row: {error}"
            ) from error
        _refuse_nested(array.type, name)
        if len(array) != self.n_rows:
            raise ValueError(
                f"{name} has {len(array)} values, and the Parquet data set {self.n_rows} rows: "
                "give a value for each row, or the name of a column"
            )
        return array

    def _find_columns(self, embedding):
        wanted = [embedding] if isinstance(embedding, str) else list(embedding or [])
        first = next((part for part in self._parts if part.n_rows), self._parts[0])
        if not wanted:
            wanted = _guess(first, set(self._names.values()))
        for part in self._parts:
            for name in [*wanted, *self._names.values()]:
                if name not in part or (name in wanted and name not in part.schema.names):
                    there = [*part.schema.names, *part.known]
                    raise ValueError(f"{part.path} has no column {name!r}; it has {_some(there)}")
            for name in self._names.values():
                if name in part.schema.names:
                    kind = part.schema.field(name).type
                    _refuse_nested(kind, f"the column {name!r} of {part.path}")
            for name in wanted:
                if not _kind_of(part.schema.field(name).type):
                    raise ValueError(
                        f"the column {name!r} of {part.path} holds "
                        f"{part.schema.field(name).type}, and numbers or lists of them are needed"
                    )
        types = [part.schema.field(name).type for part in self._parts for name in wanted]
        types = [kind for kind in types if str(kind) != "null"]  # nothing but missing values
        lists = [_is_list(kind) for kind in types]
        if any(lists) and (len(wanted) > 1 or not all(lists)):
            raise ValueError(
                f"embedding={_some(wanted)} holds lists and numbers: name one column of lists in "
                "all files, or several of numbers"
            )
        return wanted, all(lists)

    def _find_width(self):
        """Look for the first row that has an embedding, and count its numbers."""
        for part in self._parts:
            for _, batch in self._batches(part, self.columns):
                widths = _lengths(_storage(batch[self.columns[0]]))
                if widths.any():
                    return int(widths[widths > 0][0])
        raise ValueError("No row of the Parquet data set has an embedding: all are empty.")

    def blocks(self, doing, *, rows=None, embeddings=True, columns=None):
        """Yield row numbers, embeddings and a dict of fields as Arrow arrays, a block at a time.

        Embeddings are NaN where there are none, and None if they are not asked for. `rows`, which
        are sorted, are all that is yielded, and `columns` stand in for the fields, where given.
        """
        names = self._names if columns is None else {name: name for name in columns}
        arrays = self._arrays if columns is None else {}
        n_read = sum(size for part in self._parts for _, _, size in part.groups(rows))
        with progress_bar(n_read, doing, self.verbose, unit="row") as bar:
            of_parts = (
                self._blocks_of(part, rows, embeddings, names, arrays) for part in self._parts
            )
            for block in _read_ahead(chain.from_iterable(of_parts)):
                bar.update(len(block[0]))
                yield block if rows is None else _only(rows, *block)

    def _blocks_of(self, part, rows, embeddings, names, arrays):
        import pyarrow as pa

        stored = [name for name in names.values() if name in part.schema.names]
        for start, batch in self._batches(part, self.columns * embeddings + stored, rows):
            n = batch.num_rows
            fields = {field: values[start : start + n] for field, values in arrays.items()}
            for field, name in names.items():
                fields[field] = batch[name] if name in stored else pa.repeat(part.known[name], n)
            X = self._matrix(part, start, batch) if embeddings else None
            yield np.arange(start, start + n), X, fields

    def _batches(self, part, columns, rows=None):
        """Yield the number of the first row and the batch, of row groups that hold `rows`."""
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile

        groups = part.groups(rows)
        if not groups:
            return
        columns = list(dict.fromkeys(columns))
        # Little of the file at a time: a row group may be larger than the memory.
        buffer = 2**20 if len(columns) < 16 else 2**14
        how = {"filesystem": part.filesystem, "buffer_size": buffer, "pre_buffer": False}
        try:
            with ParquetFile(part.path, **how) as file:
                for group, start, size in groups:
                    if not columns:  # all that is asked for is known without the file
                        yield start, pa.RecordBatch.from_pydict({"": pa.nulls(size)})
                        continue
                    end = start + size
                    for batch in file.iter_batches(BLOCK_ROWS, row_groups=[group], columns=columns):
                        yield start, batch
                        start += batch.num_rows
                    if start != end:
                        raise pa.ArrowInvalid(f"{end - start} of {size} rows are not there")
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(part.path, error) from error

    def _matrix(self, part, start, batch):
        if not self.of_lists:
            columns = [batch[name].to_numpy(zero_copy_only=False) for name in self.columns]
            return np.column_stack(columns).astype(self.dtype, copy=False)
        lists = _storage(batch[self.columns[0]])
        lengths = _lengths(lists)
        wrong = np.flatnonzero((lengths != 0) & (lengths != self.width))
        if len(wrong):
            raise ValueError(
                f"row {start + wrong[0] - part.first_row} of {part.path} has an embedding of "
                f"{lengths[wrong[0]]} numbers, and rows before it have {self.width}"
            )
        if not lengths.any():
            return np.full((len(lists), self.width), np.nan, dtype=self.dtype)
        values = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, self.width)
        if len(values) == len(lists):
            return values.astype(self.dtype, copy=False)
        X = np.full((len(lists), self.width), np.nan, dtype=self.dtype)
        X[lengths > 0] = values
        return X

    def take(self, rows):
        """Return the embeddings of sorted rows, and a dict of lists of their fields."""
        X = np.empty((len(rows), self.width), dtype=self.dtype)
        fields = {name: [] for name in (*self._names, *self._arrays)}
        done = 0
        for numbers, some, there in self.blocks("reading chosen rows", rows=rows):
            X[done : done + len(numbers)] = some
            done += len(numbers)
            for name, values in there.items():
                fields[name] += values.to_pylist()
        return X, fields

    def columns_of(self, rows, names):
        """Return lists of what columns say of sorted rows; those that a file lacks are left out."""
        there = [name for name in names if all(name in part for part in self._parts)]
        values = {name: [] for name in there}
        for *_, columns in self.blocks("reading", rows=rows, embeddings=False, columns=there):
            for name in there:
                values[name] += columns[name].to_pylist()
        return values

    def other_columns(self):
        """Name the columns of text, numbers and dates that all files have beside embeddings."""
        from pyarrow import types

        first = self._parts[0]
        simple = [
            field.name
            for field in first.schema
            if not (types.is_nested(field.type) or types.is_binary(field.type))
            and not types.is_large_binary(field.type)
            and not hasattr(field.type, "storage_type")
        ]
        names = [name for name in [*simple, *first.known] if name not in self.columns]
        return [name for name in names if all(name in part for part in self._parts)]

    @property
    def metadata(self):
        """What the first file says about itself."""
        return self._parts[0].schema.metadata or {}


def _fragments(X):
    """List the files of a data set, of a folder in the order of their paths."""
    import pyarrow as pa
    import pyarrow.dataset as pads

    if not isinstance(X, str | os.PathLike):
        fragments = list(X.get_fragments())
        if not fragments or not all(isinstance(f, pads.ParquetFileFragment) for f in fragments):
            raise ValueError("X is a pyarrow Dataset that is not of Parquet files, or has none.")
        return fragments
    path = Path(X).expanduser()
    if not path.exists():
        advice = " For an address, give pyarrow.dataset.dataset(ADDRESS)." if is_url(X) else ""
        raise FileNotFoundError(f"There is no Parquet file or folder at {str(X)!r}.{advice}")
    files, how = [str(path)], {}
    if path.is_dir():
        within = sorted(file.relative_to(path).as_posix() for file in _parquet_within(path))
        within = [name for name in within if not any(p[0] in "._" for p in name.split("/"))]
        files = [str(path / name) for name in within if (path / name).is_file()]
        how = {"partitioning": "hive", "partition_base_dir": str(path)}
        if not files:
            raise ValueError(f"{path} holds no .parquet files.")
    try:
        return list(pads.dataset(files, format="parquet", **how).get_fragments())
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _parquet_within(folder):
    """Yield what ends in .parquet or .PARQUET, at any depth."""
    return (path for path in folder.rglob("*") if path.suffix.lower() == ".parquet")


def _opened(fragment):
    import pyarrow as pa
    import pyarrow.dataset as pads
    from pyarrow.parquet import ParquetFile

    try:
        # Not by the fragment, which would keep what it read: of many columns that is much.
        with ParquetFile(fragment.path, filesystem=fragment.filesystem) as file:
            about, schema = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(fragment.path, error) from error
    sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
    known = pads.get_partition_keys(fragment.partition_expression)
    return _Part(fragment.path, fragment.filesystem, known, 0, sizes, schema)


def _refuse_nested(kind, what):
    """Raise a ValueError where lists are given for what each row has one value of."""
    from pyarrow import types

    if types.is_nested(kind):
        raise ValueError(f"{what} holds {kind}, and one value for each row is needed")


def _unreadable(path, error):
    return ValueError(f"{path} cannot be read, is damaged, or is no Parquet file: {error}")


def _storage(array):
    """Take off what a library calls its lists, such as Ray's tensors."""
    return getattr(array, "storage", array)


def _lengths(lists):
    """Count the numbers of each list; 0 where it is missing."""
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_null(lists.type):
        return np.zeros(len(lists), dtype=np.int64)
    return pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)


def _is_list(kind):
    from pyarrow import types

    kind = getattr(kind, "storage_type", kind)
    return (
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_null(kind)
    )


def _kind_of(kind):
    """Name the numbers of a column or of its lists, "null" where all are missing, or ""."""
    from pyarrow import types

    kind = getattr(kind, "storage_type", kind)
    if _is_list(kind) and not types.is_null(kind):
        kind = kind.value_type
    is_number = types.is_floating(kind) or types.is_integer(kind) or types.is_null(kind)
    return str(kind) if is_number else ""


def _guess(part, taken):
    """Find the columns of embeddings in a file."""
    from pyarrow import types

    fields = [field for field in part.schema if field.name not in taken]
    if any(field.name == "embedding" for field in fields):
        return ["embedding"]
    lists = [
        field.name
        for field in fields
        if _is_list(field.type) and _kind_of(field.type) not in ("", "null")
    ]
    floats = [field.name for field in fields if types.is_floating(field.type)]
    if len(lists) > 1 or not (lists or floats):
        raise ValueError(
            f"{part.path} has {'several columns' if lists else 'no column'} of lists of numbers, "
            f"and none called 'embedding': say which it is, such as embedding="
            f"{(lists or ['NAME'])[0]!r}. It has {_some(part.schema.names)}"
        )
    return lists or floats


def _some(names):
    names = list(names)
    return f"{names[:20]}{' ...' if len(names) > 20 else ''}"


def _only(rows, numbers, X, fields):
    """Keep the wanted rows of a block."""
    low, high = np.searchsorted(rows, [numbers[0], numbers[-1] + 1])
    places = rows[low:high] - numbers[0]
    return (
        numbers[places],
        None if X is None else X[places],
        {name: values.take(places) for name, values in fields.items()},
    )


def _read_ahead(items):
    """Yield items while the next one is read by another thread."""
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item
