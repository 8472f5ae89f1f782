"""Which label means "generated"."""

import numpy as np
from sklearn.utils.validation import column_or_1d


def is_generated(y, pos_label=None):
    """Turn labels of two classes into True (generated) and False (real).

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, both classes among them.
    pos_label : int, float, bool, str or None, default=None
        The label of generated pictures. None takes 1 where the labels are 0 and 1, -1 and 1, or
        bool.

    Returns
    -------
    generated : ndarray of bool, shape (n_samples,)
        Whether each label is `pos_label`.

    Raises
    ------
    ValueError
        There are not two classes, `pos_label` is none of them, or None does not tell.

    Examples
    --------
    >>> is_generated(["real", "fake", "real"], pos_label="fake")
    array([False,  True, False])
    """
    y = column_or_1d(y)
    classes = np.unique(y)
    if len(classes) != 2:
        raise ValueError(f"y must have two classes, got {classes.tolist()}")
    if pos_label is None:
        if classes.dtype.kind not in "biuf" or set(classes.tolist()) not in ({0, 1}, {-1, 1}):
            raise ValueError(
                f"y has the classes {classes.tolist()}: say with pos_label which one is generated"
            )
        pos_label = 1
    if pos_label not in classes.tolist():
        raise ValueError(f"pos_label={pos_label!r} is none of the classes {classes.tolist()}")
    return y == pos_label
