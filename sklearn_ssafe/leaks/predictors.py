"""Predicting the class from one property, and how strongly it goes with the class."""

import numpy as np
from scipy.sparse import csr_array
from scipy.special import xlogy
from scipy.stats import rankdata

from .result import NotRun

_MOST_KINDS = 32  # of values that have no order
_MOST_RANGES = 16
_PICTURES_PER_RANGE = 20
# A rarer value says nothing that five folds could confirm.
_FEWEST_PICTURES = 4
# Fewer pictures than this show nothing.
FEWEST_OF_A_CLASS = 10


def most_like_each_class(predictor, y):
    """Rows of the three pictures that are most like each class, real first."""
    everyone = np.arange(len(y))
    order = np.argsort(predictor.score(y, everyone, everyone), kind="stable")
    return [*order[y[order] == 0][:3], *order[::-1][y[order[::-1]] == 1][:3]]


def need_both_classes(y):
    """Raise NotRun if too few pictures of a class, of those that have the property, are known."""
    n_real, n_generated = int((y == 0).sum()), int((y == 1).sum())
    if min(n_real, n_generated) < FEWEST_OF_A_CLASS:
        raise NotRun(
            f"known for {n_real} real and {n_generated} generated pictures, and "
            f"{FEWEST_OF_A_CLASS} of each are needed"
        )


def sort_into_kinds(values, *, show=None):
    """Number the kinds of known values; return each value's number, and the kinds in words.

    `show` writes a number of which neighbours are alike. Without it a value is a kind, and rare
    values are one kind together.
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


# Pictures of the whole training part that a kind's own share is mixed with.
_PRIOR_WEIGHT = 2


class KindPredictor:
    """Score of a picture: the share of generated ones among training pictures of its kind.

    `rows` are the pictures whose kind is known, `code` their kinds, `names` the kinds in words.
    """

    def __init__(self, rows, code, names):
        self.rows, self.code, self.names = rows, code, names

    def auc(self, y, folds):
        """Cross-validate: the mean AUC of the folds that have both classes; NaN if none has."""
        y = y[self.rows]

        def score(train, test):
            n_kinds = len(self.names)
            size = np.bincount(self.code[train], minlength=n_kinds)
            generated = np.bincount(self.code[train], weights=y[train], minlength=n_kinds)
            share = (generated + _PRIOR_WEIGHT * y[train].mean()) / (size + _PRIOR_WEIGHT)
            return share[self.code[test]]

        return mean_auc_within_folds(y, [fold[self.rows] for fold in folds], score)

    def strength(self, labels):
        """Measure how strongly the kinds go with each column of labels (True for generated).

        The statistic G of the likelihood-ratio test of independence, ``2 n`` times the mutual
        information in nats.
        """
        labels = labels[self.rows].astype(np.float64)
        n_rows = len(labels)
        ends = self.code, np.arange(n_rows)
        members = csr_array((np.ones(n_rows), ends), shape=(len(self.names), n_rows))
        generated = members @ labels
        size = np.bincount(self.code, minlength=len(self.names))[:, None]
        real = size - generated
        n_generated = generated.sum(axis=0)
        cells = xlogy(generated, generated) + xlogy(real, real) - xlogy(size, size)
        margins = xlogy(n_generated, n_generated) + xlogy(
            n_rows - n_generated, n_rows - n_generated
        )
        return 2 * (cells.sum(axis=0) - margins + xlogy(n_rows, n_rows))

    def one_sided(self, y):
        """For each kind its pictures, or 0 if both classes have it."""
        n_kinds = len(self.names)
        size = np.bincount(self.code, minlength=n_kinds)
        generated = np.bincount(self.code, weights=y[self.rows], minlength=n_kinds)
        return np.where((generated == 0) | (generated == size), size, 0)


class MeanDifferencePredictor:
    """Score of a picture: how far it lies from the mean real towards the mean generated one.

    A linear discriminant that takes its columns for independent and uses the `n_best` that differ
    most between the classes of the training part.
    """

    def __init__(self, rows, features, n_best):
        self.rows, self.features = rows, features
        self.n_best = min(n_best, features.shape[1])

    def auc(self, y, folds):
        """Cross-validate; as `KindPredictor.auc`."""
        y = y[self.rows]
        return mean_auc_within_folds(
            y,
            [fold[self.rows] for fold in folds],
            lambda train, test: self.score(y, train, test),
        )

    def score(self, y, train, test):
        """Fit to the pictures `train`, and score the pictures `test`."""
        difference, variance = self._differences(train, y[train, None] == 1)
        difference, variance = difference[:, 0], variance[:, 0]
        best = np.argsort(-(difference**2) / variance, kind="stable")[: self.n_best]
        return self.features[test][:, best] @ (difference / variance)[best]

    def strength(self, labels):
        """Mean squared t of the best columns, for each column of labels."""
        labels = labels[self.rows]
        difference, variance = self._differences(np.arange(len(labels)), labels)
        n_generated = labels.sum(axis=0)
        n_pairs = n_generated * (len(labels) - n_generated) / len(labels)
        squared = difference**2 / variance * n_pairs
        return np.partition(squared, -self.n_best, axis=0)[-self.n_best :].mean(axis=0)

    def _differences(self, rows, labels):
        """Difference of the class means, and variance, of every column (and set of labels)."""
        features, labels = self.features[rows].astype(np.float32), labels.astype(np.float32)
        total = np.asarray(features.sum(axis=0))[:, None]
        squares = np.asarray((features * features).sum(axis=0))[:, None]
        variance = np.maximum(squares / len(rows) - (total / len(rows)) ** 2, 1e-6)
        generated, n_generated = features.T @ labels, labels.sum(axis=0)
        mean_real = (total - generated) / np.maximum(len(rows) - n_generated, 1)
        return generated / np.maximum(n_generated, 1) - mean_real, variance


def mean_auc_within_folds(y, folds, score):
    """Average the AUC over the folds that have both classes on both sides; NaN if none has."""
    aucs = []
    for fold in folds:
        for number in np.unique(fold):
            train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            if 0 < y[test].mean() < 1 and 0 < y[train].mean() < 1:
                aucs.append(_auc(y[test], score(train, test)))
    return float(np.mean(aucs)) if aucs else float("nan")


def _auc(y, score):
    """AUC from the ranks (Mann and Whitney), without the many checks of scikit-learn's."""
    n_generated = y.sum()
    wins = rankdata(score)[y == 1].sum() - n_generated * (n_generated + 1) / 2
    return wins / (n_generated * (len(y) - n_generated))
