"""Scores of pictures whose generator and source the detector has not seen, and their summary."""

import numpy as np
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from ..splits.by_name import figures_by_name
from ..splits.held_out_groups import names_of
from ..splits.held_out_scores import HeldOutScores, score_folds

__all__ = ["HeldOutScores", "fold_averages", "held_out_scores", "held_out_table"]


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
