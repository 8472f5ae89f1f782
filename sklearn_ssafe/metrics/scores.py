"""Asking a detector: a score of every picture, whether it is called generated, from which score."""

import copy
import warnings
from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.special import logit
from sklearn.base import clone, is_outlier_detector
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from ..encoding.engine import find_unreadable
from ..encoding.failures import EncodingError, EncodingWarning
from ..labels import is_generated


def log_odds(probability):
    """Return log(p / (1 - p)), finite (within 36) also where rounding made p 0 or 1."""
    smallest = np.finfo(np.float64).eps
    return logit(np.clip(probability, smallest, 1 - smallest))


def score_and_verdict(estimator, X, *, pos_label=1):
    """Return the score of each picture (NaN where there is none), and whether it is called.

    Asking `predict_proba` and then `predict` would encode every picture twice. Here what comes
    before the classifier is run once. An estimator that encodes inside itself is asked twice,
    unless it has a `threshold_`.
    """
    head, X, rows, score = _up_to_the_head(estimator, X)
    verdict = np.zeros(len(score), dtype=bool)
    if len(rows):
        score[rows] = detector_scores(head, X, pos_label)
        verdict[rows] = _verdict(head, X, score[rows], pos_label)
    return score, verdict


def detector_scores(estimator, X, pos_label=1):
    """Return the score of each picture, higher for generated, as `score_and_verdict` does.

    The probability of `pos_label`, else its decision value. Of an outlier detector
    ``-decision_function(X)``, so that its own threshold is 0.
    """
    if is_outlier_detector(estimator):
        return -np.asarray(estimator.decision_function(X), dtype=float)
    classes = list(estimator.classes_)
    if pos_label not in classes:
        raise ValueError(
            f"the detector was fitted on the classes {np.asarray(classes).tolist()}, and "
            f"pos_label={pos_label!r} is none of them: give the one that means generated"
        )
    position = classes.index(pos_label)
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X), dtype=float)[:, position]
    if not hasattr(estimator, "decision_function"):
        raise ValueError(
            f"{type(estimator).__name__} has neither predict_proba nor decision_function, so that "
            "it has no score to draw a curve of"
        )
    score = np.asarray(estimator.decision_function(X), dtype=float)
    if score.ndim == 2:
        return score[:, position]
    return score if position == 1 else -score


def last_step(estimator):
    """Return what gives the verdict: of a pipeline its last step, of a search its best, and so on.

    A threshold around a pipeline is returned around the pipeline's last step.
    """
    return _steps_and_head(estimator)[1]


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


def _up_to_the_head(estimator, X):
    """Run what comes before the head; rows that an encoder gave up on (all NaN) are left out."""
    rows, score = np.arange(len(X)), np.full(len(X), np.nan)
    steps, head = _steps_and_head(estimator)
    for step in steps:
        X = step.transform(X)
        given_up = _without_values(X)
        if given_up.any():
            X, rows = _safe_indexing(X, np.flatnonzero(~given_up)), rows[~given_up]
        if not len(rows):
            break
    return head, X, rows, score


def _without_values(X):
    if not hasattr(X, "shape") or len(X.shape) != 2:
        return np.zeros(len(X), dtype=bool)
    values = np.asarray(X)
    if values.dtype.kind != "f":
        return np.zeros(len(X), dtype=bool)
    return np.isnan(values).all(axis=1)


def _verdict(head, X, score, pos_label):
    if is_outlier_detector(head):
        return np.asarray(head.predict(X)) == -1
    if hasattr(head, "threshold_"):
        return score >= head.threshold_
    return np.asarray(head.predict(X)) == pos_label


def fit_detector(estimator, X, y):
    """Fit a clone; an outlier detector is not shown `y`."""
    return clone(estimator).fit(X) if is_outlier_detector(estimator) else clone(estimator).fit(X, y)


@dataclass(frozen=True)
class OperatingThreshold:
    """Where a detector draws the line: `value` as people are told it, `origin` where it came from.

    A picture is called generated exactly if its score is `lowest_called` or more: `value`, or the
    next number above it for a classifier whose `predict` has ties on the real side. If not
    `followed`, the verdicts are those of no threshold on the scores.
    """

    value: float
    lowest_called: float
    origin: str
    followed: bool


def operating_threshold(detector, score, called):
    """Find the threshold that a detector's verdicts follow. Nothing is chosen here."""
    value, origin = _as_fitted(last_step(detector))
    lowest = score[called].min() if called.any() else np.nextafter(score.max(), np.inf)
    for candidate in (value, np.nextafter(value, np.inf), lowest):
        if np.array_equal(score >= candidate, called):
            shown = lowest if candidate == lowest else value
            return OperatingThreshold(float(shown), float(candidate), origin, True)
    return OperatingThreshold(value, value, origin, False)


def _as_fitted(head):
    usual = 0.5 if hasattr(head, "predict_proba") else 0.0
    if is_outlier_detector(head):
        share = getattr(head, "contamination", getattr(head, "nu", None))
        known = f" ({share!r} of the training pictures)" if isinstance(share, Real) else ""
        return 0.0, f"the outlier detector's own, from its training pictures{known}"
    if hasattr(head, "threshold_"):
        return float(head.threshold_), _of_a_classifier_with_threshold(head)
    if isinstance(head, TunedThresholdClassifierCV):
        return float(head.best_threshold_), (
            f"tuned for {head.scoring!r} by cross-validation within the training pictures"
        )
    if isinstance(head, FixedThresholdClassifier) and head.threshold != "auto":
        return float(head.threshold), "set beforehand, whatever the data"
    return usual, (
        f"the usual one of {type(head).__name__} "
        f"({'probability' if usual else 'decision value'} {usual:g}), not chosen by anybody"
    )


def _of_a_classifier_with_threshold(head):
    point = getattr(head, "operating_point_", None)
    if point is None:
        return "given when the detector was made, not chosen from data"
    sources = f"of {point.n_groups:,} sources " if point.n_groups else ""
    done = getattr(head, "recalibration_", None)
    if done is None:
        when, whose = "chosen in training", "the out-of-fold scores of {} real training pictures"
    else:
        when, whose = f"moved on {done.date}", "the scores of {} real pictures of the user's own"
    text = (
        f"{when} so that at most {_percent(point.target_fpr)} of real pictures are called "
        f"generated, from {whose.format(f'{point.n_real:,}')} {sources}({point.n_false:,} of them "
        "called generated"
    )
    level = 0.95 if point.confidence_level is None else point.confidence_level
    return f"{text}; upper bound {_percent(point.fpr_upper_bound)} at {100 * level:g} % confidence)"


def _percent(share):
    return f"{100 * share:.3g} %"


@dataclass(frozen=True)
class JudgedPictures:
    """What a detector says: `score` (NaN where there is none), `called`, and `reasons` by row."""

    score: np.ndarray
    called: np.ndarray
    reasons: dict


def judge_pictures(detector, X, pictures, *, label):
    """Ask a fitted detector about pictures; one that cannot be read costs its own row.

    `pictures` are those in `X`, to look for what is wrong with one. An EncodingError says that
    none could be encoded.
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


def scores_and_threshold(estimator, X, y, *, pos_label=None, threshold=None, **_):
    """Ask a detector; where no threshold is given, take its own."""
    positive = y[is_generated(y, pos_label)][0]
    if threshold is not None:
        return detector_scores(estimator, X, positive), threshold
    score, called = score_and_verdict(estimator, X, pos_label=positive)
    return score, operating_threshold(estimator, score, called).lowest_called
