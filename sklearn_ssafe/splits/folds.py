"""Folds that keep whole generators and whole sources of real pictures together."""

from numbers import Integral

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..missing import is_missing


def keep_together(*labels):
    """Number the groups of pictures that must not be torn apart.

    Two pictures belong together if they share any of the labels, directly or through other
    pictures.

    Parameters
    ----------
    *labels : array-like of shape (n_samples,)
        For example generator, source and scene. ``None``, NaN and ``""`` mean "no label" and bind
        nothing.

    Returns
    -------
    groups : ndarray of int, shape (n_samples,)
        Numbers from 0, in order of first appearance.

    Examples
    --------
    >>> keep_together(["sdxl", "sdxl", "", ""], ["a", "b", "b", "c"])
    array([0, 0, 0, 1])
    """
    check_consistent_length(*labels)
    n_samples = len(labels[0])
    picture, node = [], []
    n_nodes = 0
    for values in labels:
        numbers = {}
        for row, value in enumerate(values):
            if is_missing(value) or value == "":
                continue
            picture.append(row)
            node.append(n_nodes + numbers.setdefault(value, len(numbers)))
        n_nodes += len(numbers)
    size = n_samples + n_nodes
    # 32 bits: SciPy 1.11 takes no others here, and goes on with wrong groups.
    ends = np.array(picture, dtype=np.int32), np.array(node, dtype=np.int32) + np.int32(n_samples)
    links = coo_array(
        (np.ones(len(picture), dtype=bool), ends),
        shape=(size, size),
    )
    component = connected_components(links, directed=False)[1][:n_samples]
    _, first, number = np.unique(component, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


class GeneratorGroupKFold(BaseCrossValidator):
    """K-fold that holds out whole groups, with both classes in every fold.

    Give generators and sources of real pictures as groups (`keep_together` makes them): every fold
    then tests on generators **and** on real sources that the training part has never seen.
    scikit-learn's `GroupKFold` may make a fold of real pictures alone, where no ranking metric is
    defined.

    Groups are dealt to folds from the largest to the smallest, each to the fold that is furthest
    from its share, so folds have nearly equal numbers of each class where the groups allow it.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds; at most the number of groups in the rarer class.
    shuffle : bool, default=False
        Whether groups of equal size are dealt in random order.
    random_state : int, RandomState instance or None, default=None
        Used when `shuffle` is True.

    Examples
    --------
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> groups = ["camera", "camera", "phone", "phone", "sdxl", "sdxl", "glide", "glide"]
    >>> for train, test in GeneratorGroupKFold(n_splits=2).split(y, y, groups):
    ...     print(test)
    [0 1 6 7]
    [2 3 4 5]
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012  (scikit-learn's convention)

    def __init__(self, n_splits=5, *, shuffle=False, random_state=None):
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : ignored
            For scikit-learn's sake.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return self.n_splits

    def _iter_test_indices(self, X=None, y=None, groups=None):
        if y is None or groups is None:
            raise ValueError(
                "GeneratorGroupKFold needs y and groups: pass groups=..., one label a picture that "
                "names its generator or, for a real picture, its source"
            )
        if not isinstance(self.n_splits, Integral) or self.n_splits < 2:
            raise ValueError(f"n_splits must be a whole number from 2 up, got {self.n_splits!r}")
        y = column_or_1d(y)
        check_consistent_length(y, groups)
        if type_of_target(y) != "binary" or len(np.unique(y)) != 2:
            raise ValueError(f"y must have two classes, got {np.unique(y).tolist()}")
        fold = self._deal(y, groups)
        for number in range(self.n_splits):
            yield np.flatnonzero(fold == number)

    def _deal(self, y, groups):
        classes, y = np.unique(y, return_inverse=True)
        group, names = numbered(groups)
        counts = np.zeros((len(names), 2))
        np.add.at(counts, (group, y), 1)
        for label, n_groups in zip(classes, (counts > 0).sum(axis=0), strict=True):
            if n_groups < self.n_splits:
                raise ValueError(
                    f"n_splits={self.n_splits} folds need at least as many groups of every class, "
                    f"and class {label} has {n_groups}"
                )
        counts /= counts.sum(axis=0)  # a class's share, so that a rare class weighs as much
        order = np.arange(len(names))
        if self.shuffle:
            check_random_state(self.random_state).shuffle(order)
        order = order[np.argsort(-counts[order].max(axis=1), kind="stable")]
        held = np.zeros((self.n_splits, 2))
        fold_of = np.empty(len(names), dtype=int)
        for name in order:
            # The fold where this group's classes are scarcest.
            fold_of[name] = np.argmin(held @ counts[name])
            held[fold_of[name]] += counts[name]
        if (held == 0).any():
            raise ValueError(
                f"the groups cannot be dealt into {self.n_splits} folds with both classes in each, "
                "because some hold both classes: take fewer folds"
            )
        return fold_of[group]


def numbered(groups):
    """Number the groups in the order of their names; a picture without one is one of its own."""
    labels = [
        ("", row) if is_missing(label) else (f"{type(label).__name__} {label}", -1)
        for row, label in enumerate(groups)
    ]
    names = sorted(set(labels))
    number = {name: position for position, name in enumerate(names)}
    return np.array([number[label] for label in labels]), names
