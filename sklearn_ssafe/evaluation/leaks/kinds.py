"""Values of a property, sorted into few kinds without a look at the labels."""

import numpy as np

_MOST_KINDS = 32  # of values that have no order
_MOST_RANGES = 16
_PICTURES_PER_RANGE = 20
# A rarer value says nothing that five folds could confirm.
_FEWEST_PICTURES = 4


def sort_into_kinds(values, *, show=None):
    """Number the kinds of some values.

    Parameters
    ----------
    values : list
        One known value a picture.
    show : callable or None, default=None
        For numbers, of which neighbours are alike: writes one in words. None: a value is a kind,
        and rare values are one kind together.

    Returns
    -------
    code : ndarray of int, shape (n_values,)
        Number of each value's kind.
    names : list of str
        The kinds in words.
    """
    return _categories(values) if show is None else _ranges(np.asarray(values, dtype=float), show)


def _categories(values):
    names, code, count = np.unique(list(map(str, values)), return_inverse=True, return_counts=True)
    frequent = np.argsort(-count, kind="stable")[:_MOST_KINDS]
    frequent = frequent[count[frequent] >= _FEWEST_PICTURES]
    number = np.full(len(names), len(frequent))
    number[frequent] = np.arange(len(frequent))
    kinds = [str(names[kind]) or "none" for kind in frequent]
    return number[code], kinds + ["any other"] * (len(frequent) < len(names))


def _ranges(values, show):
    """Cut numbers into ranges of like many pictures; a frequent number is a range of its own."""
    unique, code, count = np.unique(values, return_inverse=True, return_counts=True)
    n_ranges = int(np.clip(len(values) // _PICTURES_PER_RANGE, 2, _MOST_RANGES))
    alone = count >= len(values) / n_ranges
    if len(unique) <= n_ranges:
        alone[:] = True
    rest = np.flatnonzero(~alone)
    range_of = np.empty(len(unique), dtype=int)
    range_of[alone] = np.arange(alone.sum())
    names = [show(value) for value in unique[alone]]
    if len(rest):
        n_rest = max(2, n_ranges - int(alone.sum()))
        reached = (np.cumsum(count[rest]) - count[rest] / 2) / count[rest].sum()
        bins = np.unique((reached * n_rest).astype(int), return_inverse=True)[1]
        range_of[rest] = alone.sum() + bins
        for number in range(bins.max() + 1):
            inside = unique[rest[bins == number]]
            ends = show(inside[0]), show(inside[-1])
            names.append(" to ".join(dict.fromkeys(ends)))
    return range_of[code], names
