"""One loop that scores what was held out, and the figures of these scores."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import check_cv

from ..labels import held_out_groups, names_of
from ..public import public
from .folds import GeneratorGroupKFold


@public("sklearn_ssafe.exceptions")
class CannotSplitError(ValueError):
    """There are too few pictures, or all of a class belong together, so none can be held out."""


@public("sklearn_ssafe.model_selection")
@dataclass(repr=False)
class HeldOutScores:
    """Scores of pictures by classifiers that were not trained on them.

    Attributes
    ----------
    y : ndarray of int, shape (n_scores,)
        1 for generated.
    score : ndarray of float, shape (n_scores,)
        Higher for generated, by a classifier that was not trained on the picture, nor on what
        `held_out` names.
    fold : ndarray of int, shape (n_scores,)
        The fold in which the picture was tested. Scores of different folds come from different
        classifiers and are not compared with each other.
    held_out : str
        What was held out, in words.
    row : ndarray of int, shape (n_scores,)
        Which picture each score belongs to. One that was tested in several folds has several.
    """

    y: np.ndarray
    score: np.ndarray
    fold: np.ndarray
    held_out: str
    row: np.ndarray | None = None

    def __post_init__(self):
        if self.row is None:
            self.row = np.arange(len(self.y))

    def __repr__(self):
        n_generated, n_folds = int(np.sum(self.y == 1)), len(np.unique(self.fold))
        return (
            f"<HeldOutScores of {len(self.y) - n_generated:,} real and {n_generated:,} generated "
            f"pictures in {n_folds} folds; held out: {self.held_out}>"
        )

    def figures_by_name(self, names, called):
        """Summarise the scores by generator and by real source.

        Parameters
        ----------
        names : ndarray of str, shape (n_scores,)
            Generator or real source of each picture, ``""`` where unknown.
        called : ndarray of bool, shape (n_scores,)
            Whether the picture is called generated.

        Returns
        -------
        table : pandas.DataFrame
            One row for each generator and each real source, the worst first, with the columns
            ``class``, ``name``, ``pictures``, ``called_generated`` (the share: the true-positive
            rate of a generator, the false-positive rate of a real source) and ``auc`` (a
            generator's pictures against the real pictures of the same fold; averaged over folds
            with their numbers of pictures as weights; NaN for a real source).
        """
        rows = []
        for label, word in ((1, "generated"), (0, "real")):
            for value in np.unique(names[self.y == label]):
                mine = (self.y == label) & (names == value)
                rows.append(
                    {
                        "class": word,
                        "name": value or "(unnamed)",
                        "pictures": int(mine.sum()),
                        "called_generated": float(called[mine].mean()),
                        "auc": self._auc_within_folds(mine) if label else np.nan,
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

    def _auc_within_folds(self, mine):
        aucs, weights = [], []
        for number in np.unique(self.fold[mine]):
            chosen = (self.fold == number) & (mine | (self.y == 0))
            aucs.append(roc_auc_score(self.y[chosen], self.score[chosen]))
            weights.append((mine & (self.fold == number)).sum())
        return float(np.average(aucs, weights=weights))

    def fold_averages(self, threshold=0.5):
        """Average over folds what is computed within each.

        Parameters
        ----------
        threshold : float, default=0.5
            A picture with this score or more is called generated.

        Returns
        -------
        averages : dict of str to (float, float)
            Mean and standard deviation over folds of ``"auc"`` and of ``"balanced_accuracy"``.
        """
        aucs, accuracies = [], []
        for number in np.unique(self.fold):
            y, score = self.y[self.fold == number], self.score[self.fold == number]
            aucs.append(roc_auc_score(y, score))
            accuracies.append(balanced_accuracy_score(y, score >= threshold))
        return {
            "auc": (float(np.mean(aucs)), float(np.std(aucs))),
            "balanced_accuracy": (float(np.mean(accuracies)), float(np.std(accuracies))),
        }


def make_folds(y, *, generator=None, source=None, groups=None, cv=5, labels=None):
    """Return (train, test) pairs, what they hold out in words, and what is kept together.

    `y` is 1 for generated; an int as `cv` is the most folds to make, of whole generators and whole
    real sources; `labels` are what a splitter of the user's is given in place of `y`.
    """
    units, names = held_out_groups(y, generator, source, groups), names_of(y, generator, source)
    if cv is None or isinstance(cv, Integral):
        for label, word in ((0, "real"), (1, "generated")):
            if (y == label).sum() < 2:
                raise CannotSplitError(
                    f"{(y == label).sum()} {word} pictures: at least two of each class are needed"
                )
        n_units = min(len(np.unique(units[y == label])) for label in (0, 1))
        if n_units < 2:
            raise CannotSplitError(
                "the pictures cannot be split: all of one class belong to one group. Give more "
                "groups, or leave the groups out"
            )
        cv = GeneratorGroupKFold(min(5 if cv is None else cv, n_units))
    labels = y if labels is None else labels
    folds = list(check_cv(cv, labels, classifier=True).split(y, labels, units))
    return folds, what_is_held_out(y, names, folds), units


def what_is_held_out(y, names, folds):
    """Say in words what no fold both trains on and tests."""
    words = []
    for label, unit in ((1, "generator"), (0, "real source")):
        known = np.where(y == label, names, "")
        n_names = len(set(known) - {""})
        shared = set()
        for train, test in folds:
            shared |= set(known[train]) & set(known[test]) - {""}
        if n_names > 1 and not shared:
            words.append(f"whole {unit}s")
            continue
        told = f"{len(shared)} of {n_names} {unit}s are both trained on and tested"
        if n_names < 2:
            told = f"there is one {unit} only" if n_names else f"no {unit} is named"
        words.append(f"single pictures or groups ({told})")
    return f"generated: {words[0]}; real: {words[1]}"


def score_held_out(fit_and_score, y, folds, held_out):
    """Score what each fold holds out. The scores are in the order of folds.

    `fit_and_score` takes the rows to train on and the rows to test, and returns the latter's
    scores.
    """
    score = [np.asarray(fit_and_score(train, test), dtype=float) for train, test in folds]
    row = np.concatenate([test for _, test in folds])
    fold = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])
    return HeldOutScores(y[row], np.concatenate(score), fold, held_out, row)


def score_folds(fit_and_score, y, *, generator=None, source=None, groups=None, cv=5):
    """Score every picture once, by a classifier trained without its generator and its source."""
    folds, held_out, _ = make_folds(y, generator=generator, source=source, groups=groups, cv=cv)
    scores = score_held_out(fit_and_score, y, folds, held_out)
    order = np.argsort(scores.row, kind="stable")
    by_row = (getattr(scores, name)[order] for name in ("y", "score", "fold"))
    return HeldOutScores(*by_row, held_out, scores.row[order])


@public("sklearn_ssafe.model_selection")
def held_out_scores(head, features, y, *, generator=None, source=None, groups=None, cv=5):
    """Cross-validate a classifier with whole generators and whole real sources held out.

    Parameters
    ----------
    head : estimator
        A classifier with `predict_proba`; cloned for every fold.
    features : ndarray of shape (n_samples, n_features)
        Rows of a frozen encoder, which learned nothing from them.
    y : array-like of int, shape (n_samples,)
        0 real, 1 generated.
    generator, source : array-like of str, shape (n_samples,), or None, default=None
        What made each generated picture, where each real one comes from; ``""`` where unknown.
    groups : array-like of shape (n_samples,) or None, default=None
        Further labels of pictures that belong together, such as scenes.
    {cv}

    Returns
    -------
    scores : HeldOutScores
        In the order of the rows.

    Raises
    ------
    CannotSplitError
        A class has fewer than two pictures, or all of its pictures belong together.
    """
    y = np.asarray(y)

    def fit_and_score(train, test):
        fitted = clone(head).fit(features[train], y[train])
        return fitted.predict_proba(features[test])[:, list(fitted.classes_).index(1)]

    return score_folds(fit_and_score, y, generator=generator, source=source, groups=groups, cv=cv)


@public("sklearn_ssafe.model_selection")
def held_out_table(scores, *, generator=None, source=None):
    """Summarise out-of-fold scores by generator and by real source.

    Parameters
    ----------
    scores : HeldOutScores
        From `held_out_scores`.
    generator, source : array-like of str, shape (n_samples,), or None, default=None
        As given there.

    Returns
    -------
    table : pandas.DataFrame
        As from `HeldOutScores.figures_by_name`; a picture with a score of 0.5 or more is called
        generated.
    """
    names = names_of(scores.y, generator, source)
    return scores.figures_by_name(names, scores.score >= 0.5)
