"""What chance alone would find: folds, shuffled labels, and a correction for many checks."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

_N_FOLDS = 5
_N_REPEATS = 4


def number_groups(groups):
    """Number the groups; a picture without one ("") is a group of its own."""
    numbers = {}
    keys = [label if label != "" else ("", row) for row, label in enumerate(groups)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])


def draw_folds(y, group, rng):
    """Deal whole groups to five folds, four times over; the number of each picture's fold.

    Fewer folds where there are fewer groups; an empty list where nothing can be held out.
    """
    n_groups = group.max() + 1
    alone = n_groups == len(group)
    n_splits = min(_N_FOLDS, n_groups, *np.bincount(y, minlength=2))
    folds = []
    if n_splits < 2:
        return folds
    for _ in range(_N_REPEATS):
        fold = np.empty(len(y), dtype=int)
        splitter = (StratifiedKFold if alone else StratifiedGroupKFold)(
            n_splits, shuffle=True, random_state=rng.randint(2**31)
        )
        for number, (_, test) in enumerate(splitter.split(y, y, None if alone else group)):
            fold[test] = number
        folds.append(fold)
    return folds


def shuffle_labels(y, group, n_permutations, rng):
    """Shuffle the labels as the groups allow: a column a shuffle, the true labels first.

    Pictures of a group belong together, so groups of one class exchange their labels as wholes; in
    a group with both classes, as that of a scene and its generated copy, labels are exchanged
    within the group.
    """
    sizes, generated = np.bincount(group), np.bincount(group, weights=y)
    mixed = (generated > 0) & (generated < sizes)
    inside = np.flatnonzero(mixed[group])
    inside = inside[np.argsort(group[inside], kind="stable")]
    blocks = np.split(inside, np.flatnonzero(np.diff(group[inside])) + 1)
    pure = np.flatnonzero(~mixed)
    label_of = generated > 0
    labels = np.empty((len(y), n_permutations + 1), dtype=bool)
    labels[:, 0] = y
    for draw in range(1, n_permutations + 1):
        shuffled = label_of.copy()
        shuffled[pure] = rng.permutation(label_of[pure])
        labels[:, draw] = shuffled[group]
        for block in blocks:
            labels[block, draw] = rng.permutation(y[block])
    return labels


def adjusted_p_values(strength):
    """Correct for the number of checks, by the largest deviation that shuffled labels give.

    The step-down maxT procedure (P. H. Westfall and S. S. Young, "Resampling-based multiple
    testing", 1993, algorithm 4.1), on strengths in units of their own spread. It keeps the chance
    of any false alarm in the whole audit, and takes into account that checks depend on each other.
    `strength` has a row for each check and a column for each shuffle, the true labels first.
    """
    spread = strength.std(axis=1, keepdims=True)
    centred = strength - strength.mean(axis=1, keepdims=True)
    deviation = np.divide(centred, spread, out=np.zeros_like(strength), where=spread > 1e-9)
    order = np.argsort(-deviation[:, 0], kind="stable")
    # The largest deviation of this check and all weaker ones, in every shuffle.
    largest = np.maximum.accumulate(deviation[order][::-1], axis=0)[::-1]
    p_sorted = (largest >= deviation[order, :1] - 1e-12).mean(axis=1)
    p_values = np.empty(len(strength))
    p_values[order] = np.maximum.accumulate(p_sorted)
    return p_values
