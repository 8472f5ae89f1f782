"""Labels of pictures, however they are given, in one form."""

import numpy as np

from ...missing import is_missing


def as_classes(y, pos_label=None):
    """Turn any two labels into 0 and 1.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    pos_label : object, default=None
        The label of generated pictures; None takes 1, and then no other label than 0 and 1 is
        understood.

    Returns
    -------
    y : ndarray of int, shape (n_samples,)
        0 real, 1 generated.

    Raises
    ------
    ValueError
        There are more than two labels, or none of them is known to mean generated.
    """
    y = np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"y must be one column of labels, got an array of shape {y.shape}")
    classes = list(dict.fromkeys(y.tolist()))
    if pos_label is None:
        if not set(classes) <= {0, 1}:
            raise ValueError(
                f"y must hold 0 (real) and 1 (generated), got {classes[:5]}: say by pos_label "
                "which label means generated"
            )
        pos_label = 1
    elif pos_label not in classes:
        raise ValueError(f"pos_label={pos_label!r} is no label in y, which has {classes[:5]}")
    if len(classes) > 2:
        raise ValueError(f"y must have two classes, got {classes[:5]}")
    return (y == pos_label).astype(int)


def as_names(values, n_samples):
    """Turn a column of names into text.

    Parameters
    ----------
    values : array-like of shape (n_samples,), or None
    n_samples : int

    Returns
    -------
    names : ndarray of object, shape (n_samples,)
        "" where there is none.
    """
    names = np.full(n_samples, "", dtype=object)
    if values is not None:
        names[:] = ["" if is_missing(value) else str(value) for value in values]
    return names
