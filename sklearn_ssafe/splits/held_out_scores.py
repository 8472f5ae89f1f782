"""Scores of pictures by a classifier that has seen neither their generator nor their source."""

from dataclasses import dataclass

import numpy as np

from .folds import GeneratorGroupKFold
from .held_out_groups import held_out_groups


class CannotSplitError(ValueError):
    """There are too few pictures, or all of a class belong together, so none can be held out."""


@dataclass
class HeldOutScores:
    """Out-of-fold scores.

    Attributes
    ----------
    y : ndarray of int, shape (n_samples,)
        1 for generated.
    score : ndarray of float, shape (n_samples,)
        Probability of "generated", by a classifier that saw neither the picture's generator nor its
        source.
    fold : ndarray of int, shape (n_samples,)
        The fold in which the picture was tested. Scores of different folds come from different
        classifiers and are not compared with each other.
    held_out : str
        What was kept together, in words.
    """

    y: np.ndarray
    score: np.ndarray
    fold: np.ndarray
    held_out: str


def score_folds(fit_and_score, y, *, generator=None, source=None, groups=None, n_splits=5):
    """Score every picture by a classifier trained without its generator and its source.

    Parameters
    ----------
    fit_and_score : callable
        Takes the rows to train on and the rows to test on (two arrays of int), and returns the
        scores of the latter.
    y : ndarray of int, shape (n_samples,)
        0 real, 1 generated.
    generator, source : array-like of str, shape (n_samples,), or None, default=None
        Labels, ``""`` where unknown.
    groups : array-like of shape (n_samples,) or None, default=None
        Further labels of pictures that belong together, such as scenes.
    n_splits : int, default=5
        Most folds to make; fewer where there are fewer generators or sources.

    Returns
    -------
    scores : HeldOutScores
        One score for each row.

    Raises
    ------
    CannotSplitError
        A class has fewer than two pictures, or all of its pictures belong together.
    """
    for label, word in ((0, "real"), (1, "generated")):
        if (y == label).sum() < 2:
            raise CannotSplitError(
                f"{(y == label).sum()} {word} pictures: at least two of each class are needed"
            )
    kept, held_out = held_out_groups(y, generator, source, groups)
    n_units = min(len(np.unique(kept[y == label])) for label in (0, 1))
    if n_units < 2:
        raise CannotSplitError(
            "the pictures cannot be split: all of one class belong to one group. Give more groups, "
            "or leave the group column out"
        )
    folds = GeneratorGroupKFold(min(n_splits, n_units))
    score = np.empty(len(y))
    fold = np.empty(len(y), dtype=int)
    for number, (train, test) in enumerate(folds.split(y, y, kept)):
        score[test] = fit_and_score(train, test)
        fold[test] = number
    return HeldOutScores(y, score, fold, held_out)
