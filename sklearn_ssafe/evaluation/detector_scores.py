"""One way to fit and to score whatever tells generated pictures from real ones."""

import numpy as np
from sklearn.base import clone, is_outlier_detector

from .verdicts import score_and_verdict


def fit_detector(estimator, X, y):
    """Fit a clone.

    Parameters
    ----------
    estimator : estimator
        A classifier, or an outlier detector, which is not shown `y`.
    X : array-like of shape (n_samples, ...)
        Training part.
    y : array-like of shape (n_samples,)
        Its labels.

    Returns
    -------
    fitted : estimator
        The clone.
    """
    return clone(estimator).fit(X) if is_outlier_detector(estimator) else clone(estimator).fit(X, y)


def detector_scores(fitted, X, positive):
    """Score pictures, higher meaning more likely generated.

    Parameters
    ----------
    fitted : estimator
        From `fit_detector`.
    X : array-like of shape (n_samples, ...)
        What to score.
    positive : label
        The label of generated pictures.

    Returns
    -------
    score : ndarray of float, shape (n_samples,)
        The probability of `positive`, else the decision value for it; for an outlier detector
        ``-score_samples(X)``.
    """
    if is_outlier_detector(fitted):
        return -fitted.score_samples(X)
    column = list(fitted.classes_).index(positive)
    if hasattr(fitted, "predict_proba"):
        return fitted.predict_proba(X)[:, column]
    return fitted.decision_function(X) * (1 if column == 1 else -1)


def scores_and_own_threshold(fitted, X, positive):
    """Score pictures, and find the score from which a classifier says "generated".

    Parameters
    ----------
    fitted : classifier
        From `fit_detector`.
    X : array-like of shape (n_samples, ...)
        What to score; encoded once.
    positive : label
        The label of generated pictures.

    Returns
    -------
    score : ndarray of float, shape (n_samples,)
        As from `detector_scores`.
    threshold : float
        A probability of 0.5, or a decision value of 0, where that is what `predict` does. For a
        classifier that chose another threshold in training, the lowest score that it calls
        generated here.
    """
    score, called = score_and_verdict(fitted, X, pos_label=positive)
    usual = 0.5 if hasattr(fitted, "predict_proba") else 0.0
    lowest = score[called].min(initial=np.inf)
    for threshold in (usual, lowest):
        if np.array_equal(score >= threshold, called):
            return score, float(threshold)
    return score, usual  # its predictions do not follow its scores, as with SVC's probabilities
