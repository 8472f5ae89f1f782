"""What is said, and kept, when some pictures cannot be encoded."""

import pandas as pd

from ..images.errors import ImageReadError
from ..public import public

_MOST_NAMED = 20


@public("sklearn_ssafe.exceptions")
class EncodingWarning(UserWarning):
    """Some pictures could not be encoded, and their rows are NaN."""


@public("sklearn_ssafe.exceptions")
class EncodingError(ValueError):
    """Some pictures could not be encoded.

    Attributes
    ----------
    failures : pandas.DataFrame
        Every bad picture: columns ``row`` (position in X, from 0), ``path`` and ``reason``.
    features : ndarray of float32, shape (n_samples, n_features), or None
        The rows that were encoded before the error was raised, NaN elsewhere; None when the error
        came before any encoding.
    """

    def __init__(self, message, failures=None, features=None):
        super().__init__(message)
        self.failures = failures
        self.features = features

    def __reduce__(self):  # so that the tables survive the way back from a worker process
        return type(self), (str(self), self.failures, self.features)


def failures_table(pictures, reasons):
    """Tabulate the bad pictures."""
    rows = sorted(reasons)
    return pd.DataFrame(
        {
            "row": pd.Series(rows, dtype="int64"),
            "path": pd.Series([_name_of(pictures[row]) for row in rows], dtype=object),
            "reason": pd.Series([reasons[row] for row in rows], dtype=object),
        }
    )


def _name_of(picture):
    """Return a picture's name, whatever the item does when it is asked."""
    try:
        return picture.name
    except Exception:
        return f"<{type(picture.item).__name__}>"


def reason_of(error):
    """Say why a picture could not be read, whatever was raised."""
    if isinstance(error, ImageReadError):
        return str(error)
    try:
        return f"could not be read: {type(error).__name__}: {error}"
    except Exception:
        return f"could not be read: {type(error).__name__}"


def failures_message(table, n_items, labels=None):
    """Say how many pictures failed, and which; `labels` are the rows as the user calls them."""
    if len(table) == n_items:
        lines = [f"None of the {n_items} pictures could be encoded:"]
    else:
        lines = [f"{len(table)} of {n_items} pictures could not be encoded:"]
    for failure in table.head(_MOST_NAMED).itertuples():
        row = failure.row if labels is None else labels[failure.row]
        lines.append(f"  row {row}: {failure.path}: {failure.reason}")
    if len(table) > _MOST_NAMED:
        lines.append(f"  ... and {len(table) - _MOST_NAMED} more")
    return "\n".join(lines)
