"""One way to fit and to score whatever tells generated pictures from real ones."""

import numpy as np
from sklearn.base import clone, is_outlier_detector


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


def own_threshold(fitted, X, score, positive):
    """Find the score from which a classifier's `predict` says "generated".

    Parameters
    ----------
    fitted : classifier
        From `fit_detector`.
    X : array-like of shape (n_samples, ...)
        The pictures that were scored.
    score : ndarray of float, shape (n_samples,)
        Their scores.
    positive : label
        The label of generated pictures.

    Returns
    -------
    threshold : float
        A probability of 0.5, or a decision value of 0, where that is what `predict` does. For a
        classifier that chose another threshold in training, the lowest score that it calls
        generated here.
    """
    usual = 0.5 if hasattr(fitted, "predict_proba") else 0.0
    called = fitted.predict(X) == positive
    lowest = score[called].min(initial=np.inf)
    for threshold in (usual, lowest):
        if np.array_equal(score >= threshold, called):
            return float(threshold)
    return usual  # its predictions do not follow its scores, as with SVC's probabilities
