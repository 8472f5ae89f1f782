"""Thresholds: for a false-positive rate, from training pictures, and which one a detector has."""

import math
import warnings
from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.stats import beta
from sklearn.base import is_outlier_detector
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GroupKFold,
    KFold,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from ..model_selection.folds import GeneratorGroupKFold
from ..public import public
from .scores import detector_scores, fit_detector


@public("sklearn_ssafe.metrics")
@dataclass
class OperatingPoint:
    """A threshold, and what it means for real pictures.

    Attributes
    ----------
    threshold : float
        Pictures that score more are called generated.
    target_fpr : float
        The share of real pictures that may be called generated.
    confidence : float or None
        How sure that promise was to be.
    n_real : int
        Real pictures that were looked at.
    n_false : int
        How many of them are called generated.
    fpr_upper_bound : float
        Upper end of the one-sided Clopper-Pearson interval of the false-positive rate at
        `confidence` (95 % where that is None).
    n_real_needed : int
        With fewer real pictures, not even one that calls none of them generated can promise
        `target_fpr`.
    """

    threshold: float
    target_fpr: float
    confidence: float | None
    n_real: int
    n_false: int
    fpr_upper_bound: float
    n_real_needed: int

    @property
    def fpr(self):
        """The share of the real pictures looked at that are called generated."""
        return self.n_false / self.n_real

    @property
    def promised(self):
        """Whether the upper bound keeps to the target."""
        return self.fpr_upper_bound <= self.target_fpr


@public("sklearn_ssafe.exceptions")
class TooFewRealPicturesWarning(UserWarning):
    """There are too few real pictures to promise the false-positive rate that was asked for."""


@public("sklearn_ssafe.metrics")
def threshold_for_fpr(scores, target_fpr, *, confidence=0.95):
    """Find the lowest threshold that accuses few enough real pictures.

    The lowest threshold at which so few of the real pictures score more that the upper bound of
    their rate [1]_ is at most `target_fpr`. Where there are too few real pictures for any
    threshold to do so, it is the highest score of a real picture, and a warning says how many are
    needed.

    Parameters
    ----------
    scores : array-like of shape (n_real,)
        Scores of **real** pictures, higher for "generated", by a classifier that was not trained
        on them, nor on others from the same source.
    target_fpr : float
        Share of real pictures that may be called generated, between 0 and 1.
    confidence : float or None, default=0.95
        Probability with which the rate is at most `target_fpr` for pictures drawn like these. None
        promises nothing: the share among these pictures alone is at most `target_fpr`.

    Returns
    -------
    point : OperatingPoint
        The threshold, and what it means.

    Raises
    ------
    ValueError
        There is no score, or one is not finite.

    Warns
    -----
    TooFewRealPicturesWarning
        The promise cannot be made with so few pictures.

    Notes
    -----
    The bound takes pictures to be independent. Those of one camera or collection are not, so it
    holds for pictures like these, and not for the next collection.

    References
    ----------
    .. [1] Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case
       of the binomial", Biometrika 26 (1934).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe.metrics import threshold_for_fpr
    >>> scores = np.random.default_rng(0).random(1000)
    >>> point = threshold_for_fpr(scores, 0.01)
    >>> point.n_false, round(point.fpr_upper_bound, 4), point.n_real_needed
    (4, 0.0091, 299)
    >>> threshold_for_fpr(scores, 0.01, confidence=None).n_false
    10
    """
    scores = np.sort(np.asarray(scores, dtype=float))[::-1]
    if not len(scores) or not np.isfinite(scores).all():
        raise ValueError("a threshold needs finite scores of at least one real picture")
    n = len(scores)
    # The first real picture that must not be accused is the one after this many.
    allowed = np.arange(math.floor(target_fpr * n + 1e-9) + 1)
    allowed = allowed[allowed < n]
    if confidence is not None:
        allowed = allowed[upper_bound(allowed, n, confidence) <= target_fpr]
    threshold = scores[allowed[-1]] if len(allowed) else scores[0]
    n_false = int((scores > threshold).sum())  # fewer than allowed where scores are equal
    level = 0.95 if confidence is None else confidence
    point = OperatingPoint(
        threshold=float(threshold),
        target_fpr=float(target_fpr),
        confidence=confidence,
        n_real=n,
        n_false=n_false,
        fpr_upper_bound=float(upper_bound(n_false, n, level)),
        n_real_needed=real_pictures_needed(target_fpr, level),
    )
    if confidence is not None and not point.promised:
        warnings.warn(
            f"{n} real pictures are too few to promise a false-positive rate of {target_fpr:g} "
            f"with {confidence:.0%} confidence: at least {point.n_real_needed} are needed. The "
            "threshold is the highest score among them, and the upper bound of the rate is "
            f"{point.fpr_upper_bound:.2g}.",
            TooFewRealPicturesWarning,
            stacklevel=2,
        )
    return point


def upper_bound(n_false, n_real, confidence):
    """Return the one-sided Clopper-Pearson upper bound of a rate.

    Parameters
    ----------
    n_false : int or ndarray of int
        How often it happened.
    n_real : int
        Out of how many.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    bound : float or ndarray of float
        The rate at which so few happen with probability ``1 - confidence``.
    """
    bound = beta.ppf(confidence, np.asarray(n_false) + 1, np.maximum(n_real - n_false, 1))
    return np.where(n_false == n_real, 1.0, bound)


def real_pictures_needed(target_fpr, confidence=0.95):
    """Return how many real pictures, none of them accused, promise a false-positive rate.

    Parameters
    ----------
    target_fpr : float
    confidence : float, default=0.95

    Returns
    -------
    n_real : int
        The least n with (1 - target_fpr)^n <= 1 - confidence.
    """
    return math.ceil(math.log(1 - confidence) / math.log1p(-target_fpr))


_MOST_FOLDS = 5


def training_threshold(estimator, X, y, units, *, positive, target_fpr):
    """Choose a threshold on real pictures that were held out of the training part.

    The training part is cross-validated once more, with whole units held out. The threshold is
    the conformal quantile [1]_ of its real pictures' scores: the smallest that would accuse a
    further picture like them at a rate of `target_fpr` at most. Real pictures from elsewhere may
    be accused more often.

    Parameters
    ----------
    estimator : estimator
        Cloned for every inner fold.
    X : array-like of shape (n_samples, ...)
        The training part.
    y : ndarray of shape (n_samples,)
        Labels; those of real pictures alone for an outlier detector.
    units : ndarray of int, shape (n_samples,)
        What is kept together.
    positive : label
        The label of generated pictures.
    target_fpr : float
        Wanted false-positive rate, between 0 and 1.

    Returns
    -------
    threshold : float
        To be compared by ``score >= threshold``.

    Raises
    ------
    ValueError
        There are too few real pictures for such a rate.

    References
    ----------
    .. [1] S. Bates, E. Candès, L. Lei, Y. Romano and M. Sesia, "Testing for outliers with
       conformal p-values", Annals of Statistics 51 (2023). Here with inner folds in place of one
       calibration set.
    """
    real_scores = []
    for train, test in _inner_folds(y, units):
        fitted = fit_detector(estimator, _safe_indexing(X, train), y[train])
        real = test[y[test] != positive]
        real_scores.append(detector_scores(fitted, _safe_indexing(X, real), positive))
    return conformal_quantile(np.concatenate(real_scores), target_fpr)


def conformal_quantile(real_scores, target_fpr):
    """Return the smallest threshold that a further real score reaches at `target_fpr` at most.

    Parameters
    ----------
    real_scores : ndarray of float, shape (n_real,)
        Scores of real pictures.
    target_fpr : float
        Wanted rate.

    Returns
    -------
    threshold : float
        Just above the k-th smallest score, with ``k = ceil((1 - target_fpr) * (n_real + 1))``.

    Raises
    ------
    ValueError
        ``k`` is more than ``n_real``.

    Examples
    --------
    >>> round(conformal_quantile(np.arange(19.0), 0.1), 6)
    17.0
    """
    n = len(real_scores)
    # Rounded, as 0.95 * 20 is a little more than 19 in floating point.
    k = int(np.ceil(round((1 - target_fpr) * (n + 1), 9)))
    if k > n:
        raise ValueError(
            f"target_fpr={target_fpr:g} cannot be set with {n} real training pictures: at least "
            f"{int(np.ceil(round(1 / target_fpr, 9))) - 1} are needed. Give more, or a higher rate"
        )
    return float(np.nextafter(np.sort(real_scores)[k - 1], np.inf))


def _inner_folds(y, units):
    """Hold out whole units if there are two of each class, else single pictures."""
    X = np.zeros((len(y), 1))
    n_units = [len(np.unique(units[y == label])) for label in np.unique(y)]
    n_splits = min(_MOST_FOLDS, *n_units) if len(n_units) > 1 else min(_MOST_FOLDS, n_units[0])
    if n_splits < 2:
        n_splits = min(_MOST_FOLDS, *np.unique(y, return_counts=True)[1])
        plain = StratifiedKFold if len(n_units) > 1 else KFold
        return plain(n_splits, shuffle=True, random_state=0).split(X, y)
    folds = GeneratorGroupKFold if len(n_units) > 1 else GroupKFold
    return folds(n_splits).split(X, y, units)


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
