"""The threshold rule: a picture is called generated if its score is the threshold or more."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta
from sklearn.utils import column_or_1d

from ..public import public


@public("sklearn_ssafe.metrics")
@dataclass
class OperatingPoint:
    """A threshold, and what it means for real pictures.

    Attributes
    ----------
    threshold : float
        Pictures with this score or more are called generated.
    target_fpr : float
        The share of real pictures that may be called generated.
    confidence_level : float or None
        How sure that promise was to be; see `threshold_for_fpr`.
    n_real : int
        Real pictures that were looked at.
    n_false : int
        How many of them are called generated.
    fpr_upper_bound : float
        Upper end of the one-sided Clopper-Pearson interval of the false-positive rate at
        `confidence_level` (95 % where that is None).
    n_real_needed : int
        With fewer real pictures, no threshold can promise `target_fpr`, not even one that calls
        none of them generated.
    """

    threshold: float
    target_fpr: float
    confidence_level: float | None
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
def threshold_for_fpr(scores, target_fpr, *, confidence_level=0.95):
    """Find the lowest threshold that calls few enough real pictures generated.

    A picture is called generated if its score is the threshold or more. The lowest threshold is
    taken at which so few of the real pictures are that the upper bound of their rate [1]_ is at
    most `target_fpr`. It is the next number above the highest score that must not be called
    generated. Where there are too few real pictures for any threshold, it is the one above all of
    their scores, and a warning says how many are needed.

    Parameters
    ----------
    scores : array-like of shape (n_real,)
        Scores of **real** pictures, higher for "generated", by a classifier that was not trained
        on them, nor on others from the same source.
    target_fpr : float
        Share of real pictures that may be called generated, between 0 and 1.
    confidence_level : float or None, default=0.95
        Probability with which the rate is at most `target_fpr` for pictures drawn like these. None
        promises less: on average over such draws, a further picture like these is called
        generated with probability `target_fpr` at most. That is the conformal quantile [2]_, the
        score of rank ``ceil((1 - target_fpr) * (n_real + 1))``.

    Returns
    -------
    point : OperatingPoint
        The threshold, and what it means.

    Raises
    ------
    ValueError
        There is no score, one is not finite, or a parameter is not between 0 and 1.

    Warns
    -----
    TooFewRealPicturesWarning
        The promise cannot be made with so few pictures.

    Notes
    -----
    Both take pictures to be independent. Those of one camera or collection are not, so the promise
    holds for pictures like these, and not for the next collection.

    References
    ----------
    .. [1] C. Clopper and E. Pearson, "The use of confidence or fiducial limits illustrated in the
       case of the binomial", Biometrika 26 (1934).
    .. [2] S. Bates, E. Candès, L. Lei, Y. Romano and M. Sesia, "Testing for outliers with
       conformal p-values", Annals of Statistics 51 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe.metrics import threshold_for_fpr
    >>> scores = np.random.default_rng(0).random(1000)
    >>> point = threshold_for_fpr(scores, 0.01)
    >>> point.n_false, round(point.fpr_upper_bound, 4), point.n_real_needed
    (4, 0.0091, 299)
    >>> int((scores >= point.threshold).sum())
    4
    >>> threshold_for_fpr(scores, 0.01, confidence_level=None).n_false
    9
    """
    for name, value in (("target_fpr", target_fpr), ("confidence_level", confidence_level)):
        if (value is not None or name == "target_fpr") and not 0 < value < 1:
            raise ValueError(f"{name} must be between 0 and 1, got {value!r}")
    scores = np.sort(column_or_1d(scores))[::-1]
    if scores.dtype.kind != "f":
        scores = scores.astype(float)
    if not len(scores) or not np.isfinite(scores).all():
        raise ValueError("a threshold needs finite scores of at least one real picture")
    n = len(scores)
    if confidence_level is None:
        # Rounded, as 0.05 * 20 need not be 1 in floating point.
        n_allowed = math.floor(round(target_fpr * (n + 1), 9)) - 1
        level, n_needed = 0.95, math.ceil(round(1 / target_fpr, 9)) - 1
    else:
        level, n_needed = confidence_level, real_pictures_needed(target_fpr, confidence_level)
        n_allowed = int((upper_bound(np.arange(n), n, level) <= target_fpr).sum()) - 1
    highest_not_called = scores[max(n_allowed, 0)]
    # In the scores' own precision, or a float32 score would round up to a float64 threshold.
    threshold = np.nextafter(highest_not_called, scores.dtype.type(np.inf))
    n_false = int((scores >= threshold).sum())  # fewer than allowed where scores are equal
    point = OperatingPoint(
        threshold=float(threshold),
        target_fpr=float(target_fpr),
        confidence_level=confidence_level,
        n_real=n,
        n_false=n_false,
        fpr_upper_bound=float(upper_bound(n_false, n, level)),
        n_real_needed=n_needed,
    )
    if n_allowed < 0:
        sure = "" if confidence_level is None else f" with {confidence_level:.0%} confidence"
        warnings.warn(
            f"{n} real pictures are too few to promise a false-positive rate of {target_fpr:g}"
            f"{sure}: at least {n_needed} are needed. The threshold is just above the highest "
            "score among them, and the upper bound of the rate is "
            f"{point.fpr_upper_bound:.2g}.",
            TooFewRealPicturesWarning,
            stacklevel=2,
        )
    return point


def upper_bound(n_false, n_real, confidence_level):
    """Return the one-sided Clopper-Pearson upper bound of a rate."""
    bound = beta.ppf(confidence_level, np.asarray(n_false) + 1, np.maximum(n_real - n_false, 1))
    return np.where(n_false == n_real, 1.0, bound)


def real_pictures_needed(target_fpr, confidence_level=0.95):
    """Return the least n with (1 - target_fpr)^n <= 1 - confidence_level."""
    return math.ceil(math.log(1 - confidence_level) / math.log1p(-target_fpr))
