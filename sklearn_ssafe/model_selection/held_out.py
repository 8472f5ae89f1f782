"""One loop that scores what was held out, and the figures of these scores."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from ..labels import held_out_groups, names_of
from ..public import public
from .folds import GeneratorGroupKFold


def figures_by_name(scores, names, called):
    """Summarise out-of-fold scores by generator and by real source.

    Parameters
    ----------
    scores : HeldOutScores
        From `score_folds`.
    names : ndarray of str, shape (n_samples,)
        Where each picture comes from, as `names_of` tells it.
    called : ndarray of bool, shape (n_samples,)
        Which pictures are called generated.

    Returns
    -------
    table : pandas.DataFrame
        One row for each generator and each real source, the worst first, with the columns
        ``class``, ``name``, ``pictures``, ``called_generated`` (the share: the true-positive rate
        of a generator, the false-positive rate of a real source) and ``auc`` (a generator's
        pictures against the real pictures of the same fold; averaged over folds with their numbers
        of pictures as weights; NaN for a real source).
    """
    y, score, fold = scores.y, scores.score, scores.fold
    rows = []
    for label, word in ((1, "generated"), (0, "real")):
        for value in np.unique(names[y == label]):
            mine = (y == label) & (names == value)
            rows.append(
                {
                    "class": word,
                    "name": value or "(unnamed)",
                    "pictures": int(mine.sum()),
                    "called_generated": float(called[mine].mean()),
                    "auc": _auc_within_folds(y, score, fold, mine) if label else np.nan,
                }
            )
    table = pd.DataFrame(rows)
    worst = np.where(table["class"] == "generated", table["auc"], -table["called_generated"])
    return (
        table.assign(_worst=worst)
        .sort_values(["class", "_worst", "name"], kind="stable")
        .drop(columns="_worst")
        .reset_index(drop=True)
    )


def _auc_within_folds(y, score, fold, mine):
    aucs, weights = [], []
    for number in np.unique(fold[mine]):
        chosen = (fold == number) & (mine | (y == 0))
        aucs.append(roc_auc_score(y[chosen], score[chosen]))
        weights.append((mine & (fold == number)).sum())
    return float(np.average(aucs, weights=weights))


@public("sklearn_ssafe.exceptions")
class CannotSplitError(ValueError):
    """There are too few pictures, or all of a class belong together, so none can be held out."""


@public("sklearn_ssafe.model_selection")
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


@public("sklearn_ssafe.model_selection")
def held_out_scores(head, features, y, *, generator, source, groups=None, n_splits=5):
    """Cross-validate a classifier with whole generators and whole real sources held out.

    Parameters
    ----------
    head : estimator
        A classifier with `predict_proba`; cloned for every fold.
    features : ndarray of shape (n_samples, n_features)
        Rows of a frozen encoder, which learned nothing from them.
    y : array-like of int, shape (n_samples,)
        0 real, 1 generated.
    generator, source : array-like of str, shape (n_samples,)
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
    ValueError
        A class has fewer than two pictures.
    """
    y = np.asarray(y)

    def fit_and_score(train, test):
        fitted = clone(head).fit(features[train], y[train])
        return fitted.predict_proba(features[test])[:, list(fitted.classes_).index(1)]

    return score_folds(
        fit_and_score, y, generator=generator, source=source, groups=groups, n_splits=n_splits
    )


@public("sklearn_ssafe.model_selection")
def held_out_table(scores, *, generator, source):
    """Summarise out-of-fold scores by generator and by real source.

    Parameters
    ----------
    scores : HeldOutScores
        From `held_out_scores`.
    generator, source : array-like of str, shape (n_samples,)
        As given there.

    Returns
    -------
    table : pandas.DataFrame
        One row for each generator and each real source, the worst first, with the columns
        ``class``, ``name``, ``pictures``, ``called_generated`` (share with a score of 0.5 or
        more: the true-positive rate of a generator, the false-positive rate of a real source) and
        ``auc`` (a generator's pictures against the real pictures of the same fold; averaged over
        folds with their numbers of pictures as weights; NaN for a real source).
    """
    return figures_by_name(scores, names_of(scores.y, generator, source), scores.score >= 0.5)


def fold_averages(scores):
    """Average over folds what is computed within each.

    Parameters
    ----------
    scores : HeldOutScores
        From `held_out_scores`.

    Returns
    -------
    averages : dict of str to (float, float)
        Mean and standard deviation over folds of ``"auc"`` and of ``"balanced_accuracy"`` at a
        threshold of 0.5.
    """
    aucs, accuracies = [], []
    for number in np.unique(scores.fold):
        tested = scores.fold == number
        aucs.append(roc_auc_score(scores.y[tested], scores.score[tested]))
        accuracies.append(balanced_accuracy_score(scores.y[tested], scores.score[tested] >= 0.5))
    return {
        "auc": (float(np.mean(aucs)), float(np.std(aucs))),
        "balanced_accuracy": (float(np.mean(accuracies)), float(np.std(accuracies))),
    }
