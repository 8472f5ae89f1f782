"""Which of two labels means "generated"."""

import numpy as np
from sklearn.utils.validation import column_or_1d

from .datasets.labels import GENERATED_WORDS, REAL_WORDS


def is_generated(y, pos_label=None):
    """Turn labels of two classes into True (generated) and False (real).

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, both classes among them.
    pos_label : int, float, bool, str or None, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.

    Returns
    -------
    generated : ndarray of bool, shape (n_samples,)
        Whether each label means "generated".

    Raises
    ------
    ValueError
        There are not two classes, `pos_label` is none of them, or None does not tell.

    Examples
    --------
    >>> is_generated(["real", "fake", "real"])
    array([False,  True, False])
    >>> is_generated(["taken", "made", "taken"], pos_label="made")
    array([False,  True, False])
    """
    y = column_or_1d(y)
    classes = np.unique(y)
    if len(classes) != 2:
        found = "1 class" if len(classes) == 1 else f"{len(classes)} classes"
        raise ValueError(
            f"y must have two classes, real and generated pictures, and has {found}: "
            f"{classes.tolist()[:10]}"
        )
    return y == generated_label(classes, pos_label)


def generated_label(classes, pos_label=None):
    """Say which of two labels means "generated".

    Parameters
    ----------
    classes : ndarray of shape (2,)
        The labels, sorted.
    pos_label : object, default=None
        As for `is_generated`.

    Returns
    -------
    label : object
        One of `classes`.

    Raises
    ------
    ValueError
        `pos_label` is no label, or is needed and missing.
    """
    labels = classes.tolist()
    if pos_label is not None:
        if pos_label not in labels:
            raise ValueError(f"pos_label={pos_label!r} is none of the labels {labels}")
        return pos_label
    if not isinstance(labels[0], str):
        return labels[1]
    words = [label.lower() for label in labels]
    generated = [k for k, word in enumerate(words) if word in GENERATED_WORDS]
    real = [k for k, word in enumerate(words) if word in REAL_WORDS]
    if len(generated) == 1:
        return labels[generated[0]]
    if len(real) == 1 and not generated:
        return labels[1 - real[0]]
    raise ValueError(
        f"which of the labels {labels} means generated? Say so, such as pos_label={labels[1]!r}"
    )
