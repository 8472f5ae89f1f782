"""load_manifest: labelled pictures from a CSV, TSV, Excel or Parquet table."""

import os
import re
import warnings
from difflib import get_close_matches
from pathlib import Path

from ..labels import fill_groups, parse_labels
from ..public import public
from .labelled_images import as_bunch

_OPTIONAL = ("generator", "source", "group")
_ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")  # the last decodes whatever there is


@public("sklearn_ssafe.datasets")
def load_manifest(
    path, *, path_column="path", label_column="label", target_column=None, return_X_y=False
):
    """Read a table with one picture and its label a row.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.tsv`` or ``.txt`` (comma, semicolon, tab or bar; UTF-8, UTF-16 or
        Windows-1252), ``.xlsx`` (first sheet; needs openpyxl) or ``.parquet`` (needs pyarrow).
    path_column : str, default="path"
        Column with the pictures' paths. Relative ones begin at the folder of the table.
    label_column : str, default="label"
        Column with the labels. Generated: 1, true, generated, fake, ai, synthetic, artificial.
        Real: 0, false, real, photo, photograph, natural, nature, authentic. Capitals do not matter.
    target_column : str or None, default=None
        Column with numbers to be predicted in place of labels. The table then needs no labels, and
        `label_column` is an ordinary column.
    return_X_y : bool, default=False
        Whether to return only ``(X, y)``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X : ndarray of object, shape (n_samples,)
            Paths as `str`, in the order of the table. Whether the files exist is not looked at:
            that is for the reader of the pictures, which reports every bad file at once.
        y : ndarray of int, shape (n_samples,)
            0 for real, 1 for generated; or the numbers of `target_column`, as float.
        generator, source : ndarray of str, shape (n_samples,)
            As in the table; "" where the table has none.
        groups : ndarray of str, shape (n_samples,)
            What must stay on one side of a split: column ``group`` where it is filled in,
            otherwise the source of a real picture and the generator of a generated one, otherwise
            the row alone.
        frame : pandas.DataFrame, n_samples rows
            Columns path, label, generator, source and group as above, then all other columns of
            the table as they are. One of them whose name is taken gets ``_in_file`` appended.
        target_names : list of str
            ``["real", "generated"]``, or the name of the target column.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    ImportError
        If the package that reads this kind of table is missing.
    ValueError
        If the table is of another kind, is empty, lacks a column, has a label not listed above or
        a target that is no number.

    Warns
    -----
    UserWarning
        If a path stands in several rows. All of them are kept.

    See Also
    --------
    load_image_folder : Read pictures from ``real`` and ``generated`` folders.
    load_images : Choose by what the path is.

    Notes
    -----
    Names of columns are compared without regard to capitals and surrounding spaces.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"There is no manifest at {str(path)!r}.")
    table = _read_table(file, path_column)
    table.columns = [str(name).strip() for name in table.columns]
    if table.empty:
        raise ValueError(f"{file.name} has no rows. One row for each picture is needed.")
    path_column = _find_column(table, path_column, file, "path_column")
    if target_column is None:
        label_column = _find_column(table, label_column, file, "label_column")
        labels = parse_labels(_as_text(table[label_column]), f"column {label_column!r}")
    else:
        label_column = _find_column(table, target_column, file, "target_column")
        labels = _as_targets(table[label_column], label_column, file)
    optional = {name: _match(table, name) for name in _OPTIONAL}

    standard = {
        "path": _resolve(_as_text(table[path_column]), file.parent),
        "label": labels,
    }
    for name, column in optional.items():
        standard[name] = [""] * len(table) if column is None else _as_text(table[column])
    is_generated = labels if target_column is None else [bool(g) for g in standard["generator"]]
    given = {name: standard[name] for name in _OPTIONAL}
    standard["group"] = fill_groups(label=is_generated, **given)
    _warn_duplicates(standard["path"], standard["label"], file)

    others = table.drop(columns=[c for c in (path_column, label_column, *optional.values()) if c])
    others = others.rename(columns={name: f"{name}_in_file" for name in standard})
    data = as_bunch({**standard, **{name: others[name].array for name in others}})
    if target_column is not None:
        data.target_names = [label_column]
    return (data.X, data.y) if return_X_y else data


def manifest_paths(path, *, path_column="path"):
    """Read the paths of a table that may have no labels."""
    file = Path(path).expanduser()
    table = _read_table(file, path_column)
    table.columns = [str(name).strip() for name in table.columns]
    column = _find_column(table, path_column, file, "path_column")
    return _resolve(_as_text(table[column]), file.parent)


def _read_table(file, path_column):
    from zipfile import BadZipFile

    import pandas as pd

    kind = file.suffix.lower()
    try:
        if kind in (".csv", ".tsv", ".txt"):
            return _read_text_table(file, path_column)
        if kind == ".xlsx":
            return pd.read_excel(file, engine="openpyxl")
        if kind == ".parquet":
            return pd.read_parquet(file, engine="pyarrow")
    except ImportError as error:
        package = {".xlsx": "openpyxl", ".parquet": "pyarrow"}[kind]
        raise ImportError(
            f"{file.name} is read with {package}, which is not installed. "
            f"Run `pip install {package}`, or save the table as CSV."
        ) from error
    except pd.errors.EmptyDataError:
        raise ValueError(f"{file.name} is empty. Columns path and label are needed.") from None
    except (ValueError, BadZipFile) as error:
        raise ValueError(f"{file.name} is damaged, or no {kind} file: {error}") from error
    raise ValueError(
        f"{file.name} is not a kind of table that is read here: "
        "give a .csv, .tsv, .txt, .xlsx or .parquet file."
    )


def _read_text_table(file, path_column):
    """Read separated values; the separator is the one the header has most of."""
    import pandas as pd

    raw = file.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = next(name for name in _ENCODINGS if _decodes(raw, name))
    header = raw.decode(encoding).lstrip().partition("\n")[0]
    separator = max(",;\t|", key=header.count)
    # Everything as text first: a folder or generator called 007 must stay so.
    table = pd.read_csv(
        file, sep=separator, encoding=encoding, dtype=str, skipinitialspace=True, index_col=False
    )
    as_text = {path_column.lower(), *_OPTIONAL}
    for name in table.columns:
        if str(name).strip().lower() not in as_text:
            table[name] = _as_numbers(table[name], decimal="," if separator == ";" else ".")
    return table


def _decodes(raw, encoding):
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _as_numbers(column, decimal):
    """Turn a column of text into numbers where every value of it is one."""
    import pandas as pd

    for text in (column, column.str.replace(decimal, ".", regex=False)):
        try:
            return pd.to_numeric(text)
        except ValueError:
            continue
    return column


def _as_text(column):
    """Values as text, "" where there is none; 1.0 from a spreadsheet reads "1"."""
    missing = column.isna()
    return [
        "" if is_missing else re.sub(r"^(-?\d+)\.0$", r"\1", str(value).strip())
        for value, is_missing in zip(column, missing, strict=True)
    ]


def _as_targets(column, name, file):
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    if numbers.isna().any():
        row = int(numbers.isna().to_numpy().argmax())
        raise ValueError(
            f"{int(numbers.isna().sum())} of {len(column)} values in column {name!r} of "
            f"{file.name} are no numbers, first {column.iloc[row]!r} in data row {row + 1}. "
            "Repair or leave out these rows."
        )
    return numbers.tolist()


def _match(table, name):
    """Find the table's own spelling of a column, or None."""
    if name in table.columns:
        return name
    return next((c for c in table.columns if c.lower() == name.lower()), None)


def _find_column(table, name, file, parameter):
    column = _match(table, name)
    if column is None:
        found = list(table.columns)
        close = get_close_matches(name.lower(), [c.lower() for c in found], n=1)
        hint = f" Did you mean {_match(table, close[0])!r}?" if close else ""
        raise ValueError(
            f"{file.name} has no column {name!r}; it has {found}.{hint} "
            f"Rename the column, or give its name as {parameter}."
        )
    return column


def _resolve(paths, folder):
    return [_resolve_one(path, folder) for path in paths]


def _resolve_one(path, folder):
    # A URL and an empty cell are left alone: the reader of the pictures says what is wrong.
    if not path or re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path):
        return path
    if "\\" in path and os.sep == "/" and not (folder / path).exists():
        path = path.replace("\\", "/")  # a table made on Windows
    return str(folder / path)


def _warn_duplicates(paths, labels, file):
    labels_of = {}
    for path, label in zip(paths, labels, strict=True):
        labels_of.setdefault(path, []).append(label)
    repeated = {path: found for path, found in labels_of.items() if len(found) > 1}
    if repeated:
        n_conflicts = sum(len(set(found)) > 1 for found in repeated.values())
        warnings.warn(
            f"{file.name}: {len(repeated)} path(s) stand in more than one row, "
            f"{n_conflicts} of them with both labels, for example {next(iter(repeated))!r}. "
            "All rows are kept; a picture on both sides of a split makes scores too good.",
            UserWarning,
            stacklevel=3,
        )
