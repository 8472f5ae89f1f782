"""Score and verdict of a fitted detector, with each picture encoded once."""

import copy

import numpy as np
from sklearn.base import is_outlier_detector
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing


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
