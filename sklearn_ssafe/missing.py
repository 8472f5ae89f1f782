"""Missing values, as lists, NumPy, pandas and polars write them."""

import math
from numbers import Real


def is_missing(value):
    """Say whether a value stands for "nothing here".

    Parameters
    ----------
    value : object
        One item of a column.

    Returns
    -------
    missing : bool
        True for ``None``, NaN, ``NaT`` and ``pandas.NA``.
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Real) and math.isnan(value)
