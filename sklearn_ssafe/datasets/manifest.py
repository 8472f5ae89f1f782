"""load_manifest: labelled pictures from a CSV, TSV, Excel or Parquet table."""

import re
import warnings
from difflib import get_close_matches
from pathlib import Path

from ..labels import fill_groups, parse_labels
from ..public import public
from .labelled_images import as_bunch
from .table_in import read_table
from .table_out import path_of_cell

_OPTIONAL = ("generator", "source", "group")


@public("sklearn_ssafe.datasets")
def load_manifest(
    path,
    *,
    path_column="path",
    label_column="label",
    target_column=None,
    encoding=None,
    return_X_y=False,
):
    """Read a table with one picture and its label a row.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.tsv`` or ``.txt`` (comma, semicolon, tab or bar), ``.xlsx`` (the first sheet
        that is not hidden) or ``.parquet``.
    path_column : str, default="path"
        Column with the pictures' paths. Relative ones begin at the folder of the table; ``~`` is
        the home folder.
    label_column : str, default="label"
        Column with the labels. Generated: 1, true, generated, fake, ai, synthetic, artificial.
        Real: 0, false, real, photo, photograph, natural, nature, authentic. Capitals do not matter.
    target_column : str or None, default=None
        Column with numbers to be predicted in place of labels. The table then needs no labels, and
        `label_column` is an ordinary column.
    encoding : str or None, default=None
        Encoding of a text table, such as "cp932". None: UTF-8, UTF-16 with its byte-order mark, or
        Windows-1252 with a warning.
    return_X_y : bool, default=False
        Whether to return only ``(X, y)``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X : ndarray of object, shape (n_samples,)
            Paths as `str`, in the order of the table. Whether the files exist is not looked at:
            that is for the reader of the pictures, which reports every bad file at once.
        y : ndarray of int, shape (n_samples,)
            0 for real, 1 for generated; or the numbers of `target_column`, as float, NaN where a
            cell is empty.
        generator, source : ndarray of str, shape (n_samples,)
            As in the table; "" where the table has none.
        groups : ndarray of str, shape (n_samples,)
            What must stay on one side of a split: column ``group`` where it is filled in,
            otherwise the source of a real picture and the generator of a generated one, otherwise
            the row alone.
        frame : pandas.DataFrame, n_samples rows
            Columns path, label, generator, source and group as above, then all other columns of
            the table: numbers, truth values and ISO dates where a column holds nothing else, text
            otherwise. One of them whose name is taken gets ``_in_file`` appended.
        row_numbers : ndarray of int, shape (n_samples,)
            Which row of the file each is, as a spreadsheet counts them.
        target_names : list of str
            ``["real", "generated"]``, or the name of the target column.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    ImportError
        If the package that reads this kind of table is missing.
    ValueError
        If the table is of another kind, is empty, lacks a column or has two of one name, has a
        label not listed above or a target that is no number, or if it cannot be told for certain
        what it holds, see the notes.

    Warns
    -----
    UserWarning
        If a path is empty or stands in several rows; all rows are kept. If a text table is not
        UTF-8.

    See Also
    --------
    load_image_folder : Read pictures from ``real`` and ``generated`` folders.
    load_images : Choose by what the path is.

    Notes
    -----
    Names of columns are compared without regard to capitals and surrounding spaces.

    Names of generators, sources and groups are text whatever the kind of table: 0001, 01 and 1 are
    three, and NA, None and null are names. Only an empty cell is missing. In a column of numbers
    NA, NaN, None and null, and Excel's errors, are missing as well. A number with a leading zero
    is text. A date is written as 2026-01-31. Of a formula its value is taken.

    Refused, with the place named: hidden rows, merged cells, a formula without a value, a value
    beside or below the table where no heading is, names that Excel has rounded, a row of more
    values than headings, a quotation mark that is never closed, and files that unpack to more than
    real tables do.

    An apostrophe before ``=``, ``+``, ``-`` or ``@`` is not part of a name: this package writes
    it, so that no spreadsheet takes a name for a formula.
    """
    file = Path(path).expanduser()
    columns = {"path_column": path_column, "label_column": label_column}
    table = read_table(file, **columns, encoding=encoding)
    if table.empty:
        raise ValueError(f"{file.name} has no rows. One row for each picture is needed.")
    path_column = _find_column(table, path_column, file, "path_column")
    optional = {name: _match(table, name, file) for name in _OPTIONAL}
    if target_column is None:
        label_column = _find_column(table, label_column, file, "label_column")
        # 1.0 is what pandas writes for a 1 in a column with gaps.
        labels = [re.sub(r"^([01])\.0$", r"\1", label) for label in table[label_column]]
        labels = parse_labels(labels, f"column {label_column!r} of {file.name}", table.index)
    else:
        label_column = _find_column(table, target_column, file, "target_column")
        labels = _as_targets(table[label_column], label_column, file)

    standard = {
        "path": [path_of_cell(cell, file.parent) for cell in table[path_column]],
        "label": labels,
    }
    for name, column in optional.items():
        standard[name] = [""] * len(table) if column is None else table[column].tolist()
    is_generated = labels if target_column is None else [bool(g) for g in standard["generator"]]
    given = {name: standard[name] for name in _OPTIONAL}
    standard["group"] = fill_groups(label=is_generated, **given)
    _warn_duplicates(standard["path"], standard["label"], table, file)

    others = table.drop(columns=[c for c in (path_column, label_column, *optional.values()) if c])
    others = others.rename(columns={name: f"{name}_in_file" for name in standard})
    if not others.columns.is_unique:
        twice = others.columns[others.columns.duplicated()][0]
        raise ValueError(f"{file.name} has a column {twice!r} already: rename it.")
    data = as_bunch({**standard, **{name: others[name].array for name in others}})
    data.row_numbers = table.index.to_numpy()
    if target_column is not None:
        data.target_names = [label_column]
    return (data.X, data.y) if return_X_y else data


def manifest_paths(path, *, path_column="path"):
    """Read the paths of a table that may have no labels."""
    file = Path(path).expanduser()
    table = read_table(file, path_column=path_column)
    column = _find_column(table, path_column, file, "path_column")
    return [path_of_cell(cell, file.parent) for cell in table[column]]


def manifest_rows(path, columns):
    """Read the paths of a table that may have no labels, and some of its other columns."""
    file = Path(path).expanduser()
    table = read_table(file)
    path_column = _find_column(table, "path", file, "path_column")
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(
            f"{file.name} has no column {missing[0]!r}, which the detector judges together with "
            f"the picture; it has {list(table.columns)}."
        )
    return [path_of_cell(cell, file.parent) for cell in table[path_column]], table[list(columns)]


def _as_targets(column, name, file):
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    wrong = column[numbers.isna() & column.notna() & (column != "")]
    if len(wrong):
        raise ValueError(
            f"{len(wrong)} of {len(column)} values in column {name!r} of {file.name} are no "
            f"numbers, first {wrong.iloc[0]!r} in row {wrong.index[0]}. Repair or empty these "
            "cells."
        )
    if numbers.isna().all():
        raise ValueError(f"column {name!r} of {file.name} has no number in any row.")
    return numbers.tolist()


def _match(table, name, file):
    """Find the table's own spelling of a column, or None; two that might be meant are an error."""
    found = [column for column in table.columns if column.lower() == name.strip().lower()]
    if len(found) > 1:
        raise ValueError(
            f"{file.name} has the columns {' and '.join(map(repr, found))}, which differ in "
            "capitals alone: rename or remove all but one."
        )
    return found[0] if found else None


def _find_column(table, name, file, parameter):
    column = _match(table, name, file)
    if column is None:
        found = list(table.columns)
        close = get_close_matches(name.lower(), [c.lower() for c in found], n=1)
        hint = f" Did you mean {_match(table, close[0], file)!r}?" if close else ""
        if "Unnamed: 0" in found and not close:
            hint = " Its first column has no heading, as an index has none: give it one."
        raise ValueError(
            f"{file.name} has no column {name!r}; it has {found}.{hint} "
            f"Rename the column, or give its name as {parameter}."
        )
    return column


def _warn_duplicates(paths, labels, table, file):
    places = {}
    for place, path in enumerate(paths):
        places.setdefault(path, []).append(place)
    if empty := places.pop("", []):
        _warn(
            f"{file.name}: {len(empty)} of {len(paths)} rows have no path, the first is row "
            f"{table.index[empty[0]]}. They are kept, and have no picture."
        )
    repeated = {path: found for path, found in places.items() if len(found) > 1}
    if repeated:
        n_conflicts = sum(len({labels[k] for k in found}) > 1 for found in repeated.values())
        path, found = next(iter(repeated.items()))
        _warn(
            f"{file.name}: {len(repeated)} path(s) stand in more than one row, {n_conflicts} of "
            f"them with both labels, for example {path!r} in rows "
            f"{' and '.join(str(table.index[k]) for k in found[:2])}. All rows are kept; a picture "
            "on both sides of a split makes scores too good."
        )


def _warn(message):
    warnings.warn(message, UserWarning, stacklevel=4)
