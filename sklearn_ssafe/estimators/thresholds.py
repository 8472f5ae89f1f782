"""The score above which a picture is called generated, from what real pictures score."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta


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


class TooFewRealPicturesWarning(UserWarning):
    """There are too few real pictures to promise the false-positive rate that was asked for."""


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
    >>> from sklearn_ssafe import threshold_for_fpr
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
