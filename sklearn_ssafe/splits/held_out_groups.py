"""What must not be torn apart: whole generators and whole sources of real pictures."""

import numpy as np

from ..missing import is_missing
from .folds import keep_together


def held_out_groups(y, generator=None, source=None, groups=None):
    """Say which pictures are kept together; what cannot be held out is split by picture.

    Parameters
    ----------
    y : ndarray of int, shape (n_samples,)
        0 real, 1 generated.
    generator, source : array-like of str, shape (n_samples,), or None, default=None
        Labels, ``""`` or missing where unknown.
    groups : array-like of shape (n_samples,) or None, default=None
        Further labels of pictures that belong together, such as scenes.

    Returns
    -------
    numbers : ndarray of int, shape (n_samples,)
        Equal for pictures that are kept together.
    held_out : str
        What is held out, in words.
    """
    name = names_of(y, generator, source)
    # A generator and a real source of the same name are two things.
    name = np.array(
        [f"{side} {label}" if label else "" for side, label in zip(y, name, strict=True)],
        dtype=object,
    )
    group = known_labels(len(y), groups)
    words = []
    for value, unit in ((1, "generator"), (0, "real source")):
        mine = y == value
        n_names = len(np.unique(name[mine & (name != "")]))
        if n_names > 1:
            words.append(f"whole {unit}s")
        else:
            told = f"there is one {unit} only" if n_names else f"no {unit} is named"
            words.append(f"single pictures or groups ({told})")
            name[mine] = ""
            if len(np.unique(group[mine])) < 2:
                group[mine] = ""
    return keep_together(name, group), f"generated: {words[0]}; real: {words[1]}"


def names_of(y, generator=None, source=None):
    """Name where each picture comes from.

    Parameters
    ----------
    y : ndarray of int, shape (n_samples,)
        0 real, 1 generated.
    generator, source : array-like of str, shape (n_samples,), or None, default=None
        Labels, ``""`` or missing where unknown.

    Returns
    -------
    names : ndarray of str, shape (n_samples,)
        The generator of a generated picture, or where it has none its source; the source of a
        real one; ``""`` where unknown.
    """
    n = len(y)
    return np.where(y == 1, known_labels(n, generator, source), known_labels(n, source))


def known_labels(n_samples, *columns):
    """Take each row's first label that is known.

    Parameters
    ----------
    n_samples : int
    *columns : array-like of shape (n_samples,) or None
        The earlier come first.

    Returns
    -------
    labels : ndarray of str, shape (n_samples,)
        ``""`` where no column has one.
    """
    known = np.full(n_samples, "", dtype=object)
    for column in columns:
        if column is not None:
            values = ["" if is_missing(value) else str(value) for value in column]
            known = np.where(known == "", np.array(values, dtype=object), known)
    return known
