"""The score from which a fitted detector calls a picture generated, and where that came from."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from sklearn.base import is_outlier_detector
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class OperatingThreshold:
    """Where a detector draws the line.

    Attributes
    ----------
    value : float
        As people are told it.
    lowest_called : float
        A picture is called generated exactly if its score is this or more: `value`, or the next
        number above it for a detector that calls generated what scores more than `value`.
    origin : str
        Where it came from, in words.
    followed : bool
        Whether the detector's verdicts are those of any threshold on its scores.
    """

    value: float
    lowest_called: float
    origin: str
    followed: bool


def operating_threshold(detector, score, called):
    """Find the threshold that a detector's verdicts follow. Nothing is chosen here.

    Parameters
    ----------
    detector : estimator
        Fitted.
    score : ndarray of float, shape (n_samples,)
        Its scores, higher for generated.
    called : ndarray of bool, shape (n_samples,)
        Its verdicts.

    Returns
    -------
    threshold : OperatingThreshold
        Of the detector as it was fitted.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> head = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    >>> operating_threshold(head, np.array([0.4, 0.6]), np.array([False, True])).value
    0.5
    """
    head = last_step(detector)
    value, origin = _as_fitted(head)
    lowest = score[called].min() if called.any() else np.nextafter(score.max(), np.inf)
    for candidate in (value, np.nextafter(value, np.inf), lowest):
        if np.array_equal(score >= candidate, called):
            shown = lowest if candidate == lowest else value
            return OperatingThreshold(float(shown), float(candidate), origin, True)
    return OperatingThreshold(value, value, origin, False)


def last_step(detector):
    """Return what gives the verdict: a pipeline's last step, a search's best estimator.

    Parameters
    ----------
    detector : estimator
        Fitted.

    Returns
    -------
    head : estimator
        Fitted.
    """
    if hasattr(detector, "best_estimator_"):
        return last_step(detector.best_estimator_)
    if isinstance(detector, Pipeline):
        return last_step(detector.steps[-1][1])
    return detector


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
        f"({'probability' if usual else 'decision value'} {usual:g}); nobody chose it"
    )


def _of_a_classifier_with_threshold(head):
    point = getattr(head, "operating_point_", None)
    if point is None:
        return "given when the detector was made, not chosen from data"
    text = (
        f"chosen in training so that at most {_percent(point.target_fpr)} of real pictures are "
        f"accused, from the out-of-fold scores of {point.n_real:,} real training pictures "
        f"({point.n_false:,} of them accused"
    )
    level = 0.95 if point.confidence is None else point.confidence
    return f"{text}; upper bound {_percent(point.fpr_upper_bound)} at {100 * level:g} % confidence)"


def _percent(share):
    return f"{100 * share:.3g} %"
