"""Asking a detector: a score of every picture, and whether it is called generated."""

import copy
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import logit
from sklearn.base import clone, is_outlier_detector
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from ..encoding.engine import find_unreadable
from ..encoding.failures import EncodingError, EncodingWarning


def log_odds(probability):
    """Return log(p / (1 - p)), finite also where rounding made p 0 or 1.

    Parameters
    ----------
    probability : float or ndarray of float

    Returns
    -------
    log_odds : float or ndarray of float
        Between -36 and 36.
    """
    smallest = np.finfo(np.float64).eps
    return logit(np.clip(probability, smallest, 1 - smallest))


def score_and_verdict(estimator, X, *, pos_label=1):
    """Ask a detector for its score and, at its own threshold, its verdict.

    Asking `predict_proba` and then `predict` would encode every picture twice. Here the steps of a
    pipeline before its classifier are run once; a search is asked through its best estimator, and a
    detector with a ``threshold_`` is asked for scores alone. Any other estimator that encodes
    inside itself is asked twice, which costs a second encoding where its cache is turned off.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or outlier detector, a pipeline that ends in one, or a search over, or a
        threshold on, such a pipeline.
    X : array-like of shape (n_samples,) or (n_samples, n_features)
        What it takes.
    pos_label : object, default=1
        The class called generated. An outlier detector has no classes: its outliers are generated.

    Returns
    -------
    score : ndarray of float, shape (n_samples,)
        Higher is more generated: the probability of `pos_label`, else the decision function. NaN
        for a row that the encoder gave up on (``on_error="nan"``).
    verdict : ndarray of bool, shape (n_samples,)
        Whether the detector calls it generated.

    Raises
    ------
    ValueError
        The detector has no class `pos_label`, or no scores.
    """
    rows = np.arange(len(X))
    score, verdict = np.full(len(X), np.nan), np.zeros(len(X), dtype=bool)
    steps, head = _steps_and_head(estimator)
    for step in steps:
        X = step.transform(X)
        given_up = _without_values(X)
        if given_up.all():
            return score, verdict
        if given_up.any():
            X, rows = _safe_indexing(X, np.flatnonzero(~given_up)), rows[~given_up]
    score[rows], verdict[rows] = _ask(head, X, pos_label)
    return score, verdict


def _steps_and_head(estimator):
    """Take an estimator apart: what turns pictures into features, and what classifies these."""
    if hasattr(estimator, "best_estimator_"):
        return _steps_and_head(estimator.best_estimator_)
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps[:-1] if step not in (None, "passthrough")]
        inner, head = _steps_and_head(estimator.steps[-1][1])
        return steps + inner, head
    if isinstance(estimator, FixedThresholdClassifier | TunedThresholdClassifierCV):
        steps, inner = _steps_and_head(getattr(estimator, "estimator_", estimator.estimator))
        head = copy.copy(estimator)
        head.estimator_ = inner
        return steps, head
    return [], estimator


def _without_values(X):
    """Say which rows are NaN throughout."""
    if not hasattr(X, "shape") or len(X.shape) != 2:
        return np.zeros(len(X), dtype=bool)
    values = np.asarray(X)
    if values.dtype.kind != "f":
        return np.zeros(len(X), dtype=bool)
    return np.isnan(values).all(axis=1)


def _ask(head, X, pos_label):
    if is_outlier_detector(head):
        return -np.asarray(head.decision_function(X)), np.asarray(head.predict(X)) == -1
    score = _score(head, X, pos_label)
    if hasattr(head, "threshold_"):
        return score, score > head.threshold_  # as SSAFEClassifier does
    return score, np.asarray(head.predict(X)) == pos_label


def _score(head, X, pos_label):
    classes = list(head.classes_)
    if pos_label not in classes:
        raise ValueError(
            f"the detector was fitted on the classes {np.asarray(classes).tolist()}, and "
            f"pos_label={pos_label!r} is none of them: give the one that means generated"
        )
    position = classes.index(pos_label)
    if hasattr(head, "predict_proba"):
        return np.asarray(head.predict_proba(X), dtype=float)[:, position]
    if not hasattr(head, "decision_function"):
        raise ValueError(
            f"{type(head).__name__} has neither predict_proba nor decision_function, so that it "
            "has no score to draw a curve of"
        )
    score = np.asarray(head.decision_function(X), dtype=float)
    if score.ndim == 2:
        return score[:, position]
    return score if position == 1 else -score


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


@dataclass(frozen=True)
class JudgedPictures:
    """What a detector says.

    Attributes
    ----------
    score : ndarray of float, shape (n_pictures,)
        Higher is more generated; NaN where there is none.
    called : ndarray of bool, shape (n_pictures,)
        Whether the detector calls it generated.
    reasons : dict of int to str
        Why there is no score, by row.
    """

    score: np.ndarray
    called: np.ndarray
    reasons: dict


def judge_pictures(detector, X, pictures, *, label):
    """Ask a fitted detector about pictures; one that cannot be read costs its own row.

    Parameters
    ----------
    detector : estimator
        Fitted. Nothing is fitted here.
    X : array-like of shape (n_pictures, ...)
        What it takes.
    pictures : list
        The pictures in `X`, to look for what is wrong with one.
    label : object
        The detector's class that means generated.

    Returns
    -------
    judged : JudgedPictures
        Scores and verdicts.

    Raises
    ------
    EncodingError
        No picture could be encoded.
    """
    n = len(pictures)
    score, called, reasons = np.full(n, np.nan), np.zeros(n, dtype=bool), {}
    rows = np.arange(n)
    while True:
        part = X if len(rows) == n else _safe_indexing(X, rows)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", EncodingWarning)  # told in `reasons`
                score[rows], called[rows] = score_and_verdict(detector, part, pos_label=label)
            break
        except EncodingError as error:
            failed = [] if error.failures is None else error.failures["row"].to_numpy()
            if len(failed) in (0, len(rows)):
                raise
            reasons |= dict(zip(rows[failed].tolist(), error.failures["reason"], strict=True))
            rows = np.delete(rows, failed)
    silent = np.setdiff1d(np.flatnonzero(np.isnan(score)), list(reasons))
    unreadable = find_unreadable([pictures[row] for row in silent], decode=True)
    for place, row in enumerate(silent.tolist()):
        reasons[row] = unreadable.get(place, "the detector gave no score")
    return JudgedPictures(score, called, dict(sorted(reasons.items())))
