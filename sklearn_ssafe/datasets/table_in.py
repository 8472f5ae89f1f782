"""A table in: CSV, TSV, Excel and Parquet alike, names as the text that was written."""

import csv
import io
import re
import warnings
from collections import Counter
from itertools import chain, count

from ..labels import as_name
from .table_out import name_of_cell
from .workbook import TableRefused, read_workbook

_TEXT = (".csv", ".tsv", ".txt")
SUFFIXES = (*_TEXT, ".xlsx", ".parquet")
NAMES = ("path", "label", "generator", "source", "group", "domain")

_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
_MOST_BYTES, _FIRST_BYTES = 2**30, 2**16
_SEPARATORS = ",;\t|"
# What Excel writes, and reads, above the heading.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?(?:\r\n?|\n)', re.IGNORECASE)
_BLANK_LINES = re.compile(r"(?:[ \t]*(?:\r\n?|\n))*")
_LINE_END = re.compile(r"\r\n?|\n")

# A leading zero is part of a name: 007 is no number.
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?", re.ASCII)
# Missing in a column whose other values are numbers, and nowhere else.
_NO_NUMBER = {"na", "n/a", "nan", "-nan", "none", "null"} | {
    *("#n/a", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!")
}
_EXACT = 2**53  # from here on not every integer is a float


def read_table(file, *, path_column="path", label_column="label", encoding=None):
    """Read a table; the index has the numbers of its rows as a spreadsheet shows them.

    Columns called as in `NAMES` or as the two named are text, "" where there is none; the others
    are what `typed` makes of them, or of the type that a Parquet file gives them. Rows without any
    value are left out.
    """
    import pandas as pd

    _check_file(file)
    path_column = _tidy(path_column).lower()
    are_names = {*NAMES, path_column, _tidy(label_column).lower()}

    def is_name(heading):
        return heading is not None and _tidy(heading).lower() in are_names

    headings, columns, rows, decimal = _read(file, are_names, is_name, encoding)
    columns = [
        _blanks_as_none(column) if isinstance(column, list) else column for column in columns
    ]
    there = {}
    for heading, column in zip(_headings(headings, columns, file), columns, strict=True):
        if heading is None:
            continue
        if not is_name(heading):
            there[heading] = typed(column, decimal) if isinstance(column, list) else column
        elif heading.lower() == path_column:  # a file may have spaces at its ends
            there[heading] = pd.Series([text or "" for text in column], dtype=object)
        else:
            names = [name_of_cell(text.strip()) if text else "" for text in column]
            there[heading] = pd.Series(names, dtype=object)
    table = pd.DataFrame(there).set_axis(pd.Index(rows, name="row"))
    filled = [table[name] != "" if is_name(name) else table[name].notna() for name in table]
    return table[pd.concat(filled, axis=1).any(axis=1)] if filled and rows else table


def _read(file, are_names, is_name, encoding):
    """Return headings, columns of text (or of Parquet's own types), row numbers, decimal sign."""
    kind = file.suffix.lower()
    try:
        if kind in _TEXT:
            return _read_text(file, are_names, encoding)
        if kind == ".xlsx":
            return *read_workbook(file, is_name), "."
        return *_read_parquet(file, is_name), "."
    except ImportError as error:
        package = {".xlsx": "openpyxl", ".parquet": "pyarrow"}[kind]
        raise ImportError(
            f"{file.name} is read with {package}, which is not installed. "
            f"Run `pip install {package}`, or save the table as CSV."
        ) from error
    except TableRefused as error:
        raise ValueError(f"{file.name} is not read: {error}.") from None
    except (MemoryError, PermissionError, Warning):
        raise
    except Exception as error:  # whatever the readers make of a damaged file
        raise ValueError(f"{file.name} is damaged, or no {kind} file: {error}") from error


def _check_file(file):
    if not file.is_file():
        raise FileNotFoundError(f"There is no table at {str(file)!r}.")
    if file.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{file.name} is not a kind of table that is read here: "
            "give a .csv, .tsv, .txt, .xlsx or .parquet file."
        )
    if file.suffix.lower() in _TEXT and not file.stat().st_size:
        raise ValueError(f"{file.name} is empty. Columns path and label are needed.")


def _blanks_as_none(column):
    return [text if text and text.strip() else None for text in column]


def _tidy(heading):
    return name_of_cell(" ".join(str(heading).split()))


def _headings(headings, columns, file):
    """Name every column; None is one without heading and values, which is left out."""
    tidy = ["" if heading is None else _tidy(heading) for heading in headings]
    for heading, n_columns in Counter(filter(None, tidy)).items():
        if n_columns > 1:
            raise ValueError(
                f"{file.name} has {n_columns} columns called {heading!r}: "
                "rename or remove all but one."
            )
    for number, column in enumerate(columns):
        if not tidy[number]:
            is_empty = isinstance(column, list) and not any(column)
            tidy[number] = None if is_empty else _free_name(f"Unnamed: {number}", tidy)
    return tidy


def _free_name(name, taken):
    names = chain([name], (f"{name}.{number}" for number in count(1)))
    return next(each for each in names if each not in taken)


# Text tables


def _read_text(file, are_names, encoding):
    import pandas as pd

    text = _decoded(file, encoding).removeprefix("\ufeff")
    line = _SEPARATOR_LINE.match(text)
    blank = _BLANK_LINES.match(text, line.end() if line else 0)
    first = 1 + len(_LINE_END.findall(text, 0, blank.end()))
    text = text[blank.end() :]
    separator = line[1] if line else _find_separator(text, are_names)
    try:
        table = pd.read_csv(
            io.StringIO(text, newline=""),
            sep=separator,
            header=None,
            dtype=object,
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,
        )
    except pd.errors.EmptyDataError:
        raise TableRefused("it is empty. Columns path and label are needed") from None
    except pd.errors.ParserError as error:
        raise TableRefused(_parser_message(str(error), first)) from None
    columns = [[None if cell != cell else cell for cell in table[name]] for name in table.columns]
    headings = [column[0] for column in columns]
    rows = list(range(first + 1, first + len(table)))
    return headings, [column[1:] for column in columns], rows, "," if separator == ";" else "."


def _decoded(file, encoding):
    size = file.stat().st_size
    if size > _MOST_BYTES:
        raise TableRefused(
            f"its {size:,} bytes are more than is read as text: save it as Parquet, or split it"
        )
    with file.open("rb") as opened:
        raw = opened.read(_FIRST_BYTES)
        marked = next((name for mark, name in _MARKS.items() if raw.startswith(mark)), None)
        encoding = encoding or marked
        _refuse_zero_bytes(raw, encoding)
        raw += opened.read(_MOST_BYTES)
    if encoding is not None:
        return _decode(raw, encoding)
    _refuse_zero_bytes(raw, encoding)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        raise TableRefused(
            "it is neither UTF-8 nor Windows-1252: save it as UTF-8 (in Excel: CSV UTF-8), or say "
            "what it is, such as encoding='cp932' for Japanese"
        ) from None
    warnings.warn(
        f"{file.name} is not UTF-8, and is read as Windows-1252, the encoding of Western Europe. "
        "If names look wrong, save it as UTF-8 (in Excel: CSV UTF-8), or give its encoding, such "
        "as encoding='cp932' for Japanese.",
        UserWarning,
        stacklevel=6,
    )
    return text


def _refuse_zero_bytes(raw, encoding):
    if encoding is None and b"\0" in raw:
        raise TableRefused(
            "it holds zero bytes, as no text does; if it is UTF-16, give encoding='utf-16-le'"
        )


def _decode(raw, encoding):
    try:
        return raw.decode(encoding)
    except LookupError:
        raise TableRefused(f"encoding={encoding!r} is none that Python knows") from None
    except UnicodeDecodeError as error:
        raise TableRefused(f"it is not text in {encoding}: {error.reason}") from None


def _find_separator(text, are_names):
    """Find what parts the heading so that most of the known names are in it, or most columns."""
    beginning = text[:_FIRST_BYTES]

    def found(separator):
        lines = io.StringIO(beginning, newline="")  # a heading in quotes may hold line ends
        parts = next(csv.reader(lines, delimiter=separator, skipinitialspace=True), [])
        return len(are_names & {_tidy(part).lower() for part in parts}), len(parts)

    return max(_SEPARATORS, key=found)


def _parser_message(message, first):
    """Say in words what pandas' parser found; `first` is the row of the heading."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        expected, row, saw = map(int, found.groups())
        return (
            f"its row {row + first - 1} has {saw} values for {expected} columns. Put values that "
            "hold the separator in quotes"
        )
    if found := re.search(r"EOF inside string starting at row (\d+)", message):
        return f"a quotation mark in its row {int(found[1]) + first} is never closed"
    return message


# Parquet


_MOST_VALUES = 100_000_000
_MOST_TEXT = 2**31


def _read_parquet(file, is_name):
    import pyarrow as pa
    from pyarrow import types
    from pyarrow.parquet import ParquetFile

    with ParquetFile(file) as opened:
        about, schema = opened.metadata, opened.schema_arrow
    if about.num_rows * max(1, about.num_columns) > _MOST_VALUES:
        raise TableRefused(
            f"its {about.num_rows:,} rows of {about.num_columns} columns are more than is read: "
            "split it"
        )
    # Of whole groups: to ask for the sizes of damaged columns ends the process within pyarrow.
    groups = range(about.num_row_groups)
    _check_size(sum(about.row_group(group).total_byte_size for group in groups))
    texts = [
        field.name
        for field in schema
        if types.is_string(field.type) or types.is_large_string(field.type)
    ]
    # The dictionary alone, not each of its words again in every row.
    parts, n_bytes = [schema.empty_table()] if not groups else [], 0
    with ParquetFile(file, read_dictionary=texts) as opened:
        for group in groups:
            parts.append(opened.read_row_group(group))
            n_bytes += parts[-1].get_total_buffer_size()
            _check_size(n_bytes)
    table = pa.concat_tables(parts)
    headings = [None if name.startswith("__index_level_") else name for name in schema.names]
    columns = [
        _column_of(column, field, is_name(heading))
        for column, field, heading in zip(table.columns, schema, headings, strict=True)
    ]
    return headings, columns, list(range(table.num_rows))


def _check_size(n_bytes):
    if n_bytes > _MOST_BYTES:
        raise TableRefused(
            f"it holds {n_bytes:,} bytes, more than is read as a table: leave out its largest "
            "column. Pictures inside of it are named FILE.parquet#COLUMN/ROW"
        )


def _column_of(column, field, is_name):
    """Return a list of text, or a pandas Series of the column's own type."""
    import pyarrow as pa
    from pyarrow import types

    kind = field.type
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind):
        texts = _dictionary_texts(column)
        if is_name:
            return texts
        import pandas as pd

        return pd.Series([None if text is None else name_of_cell(text) for text in texts])
    if types.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    if not is_name:
        return column.to_pandas()
    simple = (
        types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_temporal(kind)
        or types.is_null(kind)
    )
    if not simple:
        raise TableRefused(f"its column {field.name!r} holds {kind} values, and names are needed")
    return [_name_of_value(value) for value in column.to_pylist()]


def _dictionary_texts(column):
    """Return the text of each row, one object for all rows that have the same."""
    import pyarrow as pa

    texts = []
    n_signs = 0
    for chunk in column.chunks:
        if not isinstance(chunk, pa.DictionaryArray):
            chunk = chunk.dictionary_encode()
        words = chunk.dictionary.to_pylist()
        found = [None if place is None else words[place] for place in chunk.indices.to_pylist()]
        n_signs += sum(len(text) for text in found if text is not None)
        if n_signs > _MOST_TEXT:
            raise TableRefused(f"one of its columns holds more than {_MOST_TEXT:,} signs")
        texts += found
    return texts


def _name_of_value(value):
    """Write a number, a truth value or a date as CSV and Excel have it."""
    import datetime

    name = as_name(value)
    return name.removesuffix(" 00:00:00") if isinstance(value, datetime.datetime) else name


# Columns that are no names


def typed(column, decimal="."):
    """Make numbers, truth values or dates of a column of text where all of it is that.

    Examples
    --------
    >>> typed(["1", None, "NA", "2.5"]).tolist()
    [1.0, nan, nan, 2.5]
    >>> typed(["1", "02"]).tolist(), typed(["yes", "NA"]).tolist()
    (['1', '02'], ['yes', 'NA'])
    """
    import numpy as np
    import pandas as pd

    column = [None if text is None else text.strip() for text in column]
    present = [text for text in column if text is not None]
    numbers = _numbers(column, decimal)
    if numbers is not None:
        return pd.Series(numbers)
    if not present:
        return pd.Series(np.full(len(column), np.nan))
    if len(present) == len(column) and all(text.lower() in ("true", "false") for text in present):
        return pd.Series([text.lower() == "true" for text in column])
    if all(map(_DATE.fullmatch, present)):
        try:
            return pd.Series(pd.to_datetime(column, format="ISO8601"))
        except ValueError:
            pass
    return pd.Series([None if text is None else name_of_cell(text) for text in column])


def _numbers(column, decimal):
    """Return a list of int or float, or None where a value is no number."""
    texts = [None if text is None or text.lower() in _NO_NUMBER else text for text in column]
    if decimal != "." and not any("." in text for text in texts if text is not None):
        texts = [None if text is None else text.replace(decimal, ".") for text in texts]
    present = [text for text in texts if text is not None]
    if not present or not all(map(_NUMBER.fullmatch, present)):
        return None
    are_integers = all(map(_INTEGER.fullmatch, present))
    if are_integers and len(present) == len(texts):
        return [int(text) for text in texts]
    # An integer that no float is: a number of somebody's, not a quantity.
    if any(text.isdigit() and int(text) >= _EXACT for text in present):
        return None
    return [float("nan") if text is None else float(text) for text in texts]
