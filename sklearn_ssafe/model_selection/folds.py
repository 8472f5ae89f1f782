"""Folds that hold out whole generators and whole sources of real pictures."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..labels import is_generated, numbered
from ..public import public


@public("sklearn_ssafe")
class GeneratorGroupKFold(BaseCrossValidator):
    """K-fold that holds out whole groups, with both classes in every fold.

    Give generators and sources of real pictures as groups (`keep_together` makes them): every fold
    then tests on generators **and** on real sources that the training part has never seen.
    scikit-learn's `GroupKFold` may make a fold of real pictures alone, where no ranking metric is
    defined.

    Groups are dealt to folds from the largest to the smallest, each to the fold that is furthest
    from its share, so folds have nearly equal numbers of each class where the groups allow it. If
    that leaves a fold without a class, each fold is begun with a group of both classes or with one
    of each: the folds are found wherever there are any.

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
        fold_of, held = _deal_to_scarcest(order, counts, self.n_splits, {})
        if (held == 0).any():
            seeds = _one_of_each_class(order, counts, self.n_splits)
            fold_of, held = _deal_to_scarcest(order, counts, self.n_splits, seeds)
        return fold_of[group]


def _deal_to_scarcest(order, counts, n_splits, seeds):
    """Deal the seeds, then groups in this order to the fold where their classes are scarcest."""
    held = np.zeros((n_splits, 2))
    fold_of = np.empty(len(counts), dtype=int)
    for name in [*seeds, *(name for name in order if name not in seeds)]:
        fold_of[name] = seeds.get(name, np.argmin(held @ counts[name]))
        held[fold_of[name]] += counts[name]
    return fold_of, held


def _one_of_each_class(order, counts, n_splits):
    """Say which groups begin the folds, so that each has both classes, where that can be.

    A fold needs a group of both classes, or one of each. So there are at most as many folds as
    groups of both classes, and pairs of groups of one class each.
    """
    both, *alone = (
        [name for name in order if tuple(counts[name] > 0) == has]
        for has in ((True, True), (True, False), (False, True))
    )
    n_pairs = max(0, n_splits - len(both))
    if n_pairs > min(map(len, alone)):
        raise ValueError(
            f"the groups cannot be dealt into {n_splits} folds with both classes in each, because "
            f"{len(both)} groups hold both classes, and only {min(map(len, alone))} pairs can be "
            f"made of the others: take {len(both) + min(map(len, alone))} folds or fewer"
        )
    seeds = {name: fold for side in alone for fold, name in enumerate(side[:n_pairs])}
    return seeds | {name: n_pairs + k for k, name in enumerate(both[: n_splits - n_pairs])}


@public("sklearn_ssafe")
class LeaveOneGeneratorOut(BaseCrossValidator):
    """One fold for each generator, with real sources held out beside it.

    Give one group a picture: its generator or, for a real picture, its source. Every test fold has
    one generator and at least one real source, and its training part has neither. Pictures that
    are near-duplicates, or show one scene, stay in one fold if `keep_together` made the groups;
    generators that it joined are held out together.

    The real sources are dealt to the folds from the largest to the smallest, each to the fold with
    the fewest real pictures. Where there are fewer sources than generators, a source is tested in
    more than one fold, as nearly equally often as can be. The folds are a partition of the
    pictures, as `sklearn.model_selection.cross_val_predict` wants them, if there are enough
    sources.

    Parameters
    ----------
    {pos_label}

    See Also
    --------
    sklearn_ssafe.GeneratorGroupKFold : Fewer folds, several generators in each.
    sklearn_ssafe.labels.keep_together : Makes one group of several labels.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> groups = ["camera", "phone", "phone", "sdxl", "sdxl", "glide"]
    >>> for train, test in LeaveOneGeneratorOut().split(y, y, groups):
    ...     print(test)
    [1 2 5]
    [0 3 4]

    With `cross_validate`:

    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import cross_validate
    >>> X = [[0]] * 6
    >>> result = cross_validate(
    ...     DummyClassifier(), X, y, groups=groups, cv=LeaveOneGeneratorOut(), scoring="roc_auc"
    ... )
    >>> result["test_score"].tolist()
    [0.5, 0.5]
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012  (scikit-learn's convention)

    def __init__(self, pos_label=None):
        self.pos_label = pos_label

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds, which is that of the generators.

        Parameters
        ----------
        X : ignored
            For scikit-learn's sake.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        groups : array-like of shape (n_samples,)
            The generator, or the source of a real picture.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return len(self._units(y, groups)[1])

    def _iter_test_masks(self, X=None, y=None, groups=None):
        group, held_out, sources, n_real = self._units(y, groups)
        for with_it in _deal(held_out, sources, n_real):
            yield np.isin(group, with_it)

    def _units(self, y, groups):
        if y is None or groups is None:
            raise ValueError(
                "LeaveOneGeneratorOut needs y and groups: pass groups=..., one label a picture "
                "that names its generator or, for a real picture, its source"
            )
        check_consistent_length(y, groups)
        generated = is_generated(y, self.pos_label)
        group, names = numbered(groups)
        n_generated = np.bincount(group, generated, len(names))
        n_real = np.bincount(group, ~generated, len(names))
        # A scene photographed and generated is held out whole, with whatever it was joined to.
        held_out = np.flatnonzero(n_generated)
        sources = np.flatnonzero(n_generated == 0)
        for found, word in ((n_generated, "generator"), (n_real, "real source")):
            if (n := np.count_nonzero(found)) < 2:
                raise ValueError(
                    f"LeaveOneGeneratorOut needs at least two {word}s, one to train on and one to "
                    f"hold out; groups tell {n} apart. Pictures whose group is None are taken one "
                    "by one, which helps where all come from one place"
                )
        if not len(sources) and (n_real[held_out] == 0).any():
            raise ValueError(
                "LeaveOneGeneratorOut: every real picture shares a group with a generated one, and "
                "some generators have none of them, so there is nothing to test these against"
            )
        return group, held_out, sources, n_real


def _deal(held_out, sources, n_real):
    """Return the groups tested in each fold: one of `held_out`, and sources."""
    folds = [[unit] for unit in held_out]
    held = n_real[held_out].copy()
    by_size = sources[np.argsort(-n_real[sources], kind="stable")]
    for source in by_size:
        fold = int(np.argmin(held))
        folds[fold].append(source)
        held[fold] += n_real[source]
    without = [fold for fold in range(len(folds)) if held[fold] == 0]
    # Every source was dealt once; the folds left take them in turn, so none is used much more.
    for turn, fold in enumerate(without):
        folds[fold].append(by_size[turn % len(by_size)])
    return folds
