"""A user's columns, checked and brought to one form."""

import numpy as np
import pandas as pd


def tidy_table(tabular, n_samples):
    """Check the user's columns, and make a pandas table of them.

    Parameters
    ----------
    tabular : pandas or polars table, or array of shape (n_samples, n_columns)
        The columns.
    n_samples : int
        How many pictures there are.

    Returns
    -------
    table : pandas.DataFrame, n_samples rows
        Numbered rows, columns named by words, missing words as "(missing)".
    """
    table = as_table(tabular, "table", n_samples)
    for name in table.columns:
        if not is_number(table[name], name):
            table[name] = table[name].astype(object).where(table[name].notna(), "(missing)")
    return table


def as_table(values, name, n_samples):
    """Make a pandas table with numbered rows and columns named by words.

    Parameters
    ----------
    values : pandas or polars table, Series, or array of shape (n_samples, n_columns)
        What was given.
    name : str
        What messages call it.
    n_samples : int
        How many pictures there are.

    Returns
    -------
    table : pandas.DataFrame, n_samples rows
        The same values.

    Raises
    ------
    ValueError
        For another number of rows, or two columns of one name.
    """
    if hasattr(values, "to_pandas"):
        values = values.to_pandas()
    if isinstance(values, pd.Series):
        values = values.to_frame()
    if not isinstance(values, pd.DataFrame):
        values = np.asarray(values)
        if values.ndim != 2:
            raise ValueError(f"{name!r} must be a table, got an array of shape {values.shape}")
        values = pd.DataFrame(values, columns=[f"{name}_{i}" for i in range(values.shape[1])])
    if len(values) != n_samples:
        raise ValueError(f"{name!r} has {len(values)} rows for {n_samples} pictures")
    table = values.reset_index(drop=True)
    table.columns = [str(column) for column in table.columns]
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"{name!r} has more than one column called {twice!r}")
    return table


def is_number(column, name):
    """Say whether a column holds numbers; otherwise it must hold words.

    Parameters
    ----------
    column : pandas.Series
        The column.
    name : str
        What messages call it.

    Returns
    -------
    number : bool
        True for numbers and bool, False for words.

    Raises
    ------
    ValueError
        It holds neither.
    """
    if pd.api.types.is_numeric_dtype(column):  # bool, too
        return True
    if column.map(lambda value: isinstance(value, str) or pd.isna(value)).all():
        return False
    raise ValueError(
        f"column {name!r} of the table holds {column.dtype} values, neither numbers nor words. "
        "Turn dates into numbers such as days, and leave other things out"
    )
