"""The threshold rule: a picture is called generated if its score is the threshold or more.

What `target_fpr` means is decided here, in `threshold_for_fpr`: which threshold, which bound, what
counts as independent. Scores of several heads, as of folds, become one by `majority_score`.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, norm, t
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_consistent_length

from ..labels import numbered
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
        Upper end of the one-sided interval of the false-positive rate at `confidence_level` (95 %
        where that is None), as `threshold_for_fpr` computes it.
    n_real_needed : int
        With fewer real pictures, no threshold can promise `target_fpr`, not even one that calls
        none of them generated.
    n_groups : int or None
        How many real sources, or other groups, were looked at, where the promise is about further
        ones. None where it is about further pictures of the same ones.
    """

    threshold: float
    target_fpr: float
    confidence_level: float | None
    n_real: int
    n_false: int
    fpr_upper_bound: float
    n_real_needed: int
    n_groups: int | None = None

    @property
    def fpr(self):
        """The share of the real pictures looked at that are called generated."""
        return self.n_false / self.n_real

    @property
    def promised(self):
        """Whether the upper bound keeps to the target."""
        return self.fpr_upper_bound <= self.target_fpr


# How far above a score its threshold lies at most, as a share of the range of the scores.
_MARGIN = 0.001
# Of fewer groups, what further ones are like cannot be told.
FEWEST_GROUPS = 5


@public("sklearn_ssafe.exceptions")
class TooFewRealPicturesWarning(UserWarning):
    """There are too few real pictures to promise the false-positive rate that was asked for."""


@public("sklearn_ssafe.metrics")
def threshold_for_fpr(scores, target_fpr, *, confidence_level=0.95, groups=None, others=None):
    """Find the lowest threshold that calls few enough real pictures generated.

    A picture is called generated if its score is the threshold or more. The lowest threshold is
    taken at which so few of the real pictures are that the upper bound of their rate [1]_ is at
    most `target_fpr`: just above the highest score that must not be called generated. Where there
    are too few real pictures for any threshold, it is just above all of their scores, and a warning
    says how many are needed.

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
        score of rank ``ceil((1 - target_fpr) * (n_real + 1))``, and `groups` are not used.
    groups : array-like of shape (n_real,) or None, default=None
        Camera or collection of each real picture. With five or more, the promise is about pictures
        of further ones like them. Of fewer nothing can be told about further ones, and it is about
        further pictures of the same ones, as it is without groups.
    others : array-like of shape (n_others,) or None, default=None
        Scores of generated pictures, or of any others that the threshold is not to come near to.
        They decide nothing else.

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
    Pictures of one camera or collection have much in common. With `groups` they count as fewer: by
    the design effect (the variance of the rate over groups, over that of as many independent
    pictures; the largest at any threshold that calls up to twice `target_fpr`), and by the quantile
    of Student's t for so many groups. The bound is Clopper and Pearson's with this effective
    number, that of Korn and Graubard [3]_: not exact, as it is without `groups`, but simulation
    finds that it holds.

    **Just above** a score is halfway to the next one in `scores` or `others`, but no further than a
    thousandth of the range of all; where none is higher, it is the next number. So the picture that
    decides does not change sides where it scores another last digit, as in a batch of another size.

    A threshold is for the head that gave the scores. `SSAFEClassifier` and `cross_val_report` score
    real pictures with heads of folds, and so take these heads together (more than half must call a
    picture generated) and not another one that was trained on all.

    References
    ----------
    .. [1] C. Clopper and E. Pearson, "The use of confidence or fiducial limits illustrated in the
       case of the binomial", Biometrika 26 (1934).
    .. [2] S. Bates, E. Candès, L. Lei, Y. Romano and M. Sesia, "Testing for outliers with
       conformal p-values", Annals of Statistics 51 (2023).
    .. [3] E. Korn and B. Graubard, "Confidence intervals for proportions with small expected number
       of positive counts estimated from survey data", Survey Methodology 24 (1998).

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
    scores = column_or_1d(scores)
    check_consistent_length(scores, groups)
    order = np.argsort(scores, kind="stable")[::-1]
    scores = scores[order]
    if scores.dtype.kind != "f":
        scores = scores.astype(float)
    if not len(scores) or not np.isfinite(scores).all():
        raise ValueError("a threshold needs finite scores of at least one real picture")
    n, n_groups = len(scores), None
    level = 0.95 if confidence_level is None else confidence_level
    # Between equal scores there is no threshold.
    between_equals = np.append(False, scores[1:] == scores[:-1])
    effective = np.full(n, float(n))
    if groups is not None:
        group = numbered(groups)[0][order]
        if FEWEST_GROUPS <= group.max() + 1 < n:
            n_groups = int(group.max() + 1)
            effective = _effective_numbers(group, between_equals, target_fpr, level)
    bounds = upper_bound(effective * np.arange(n) / n, effective, level)
    if confidence_level is None:
        # Rounded, as 0.05 * 20 need not be 1 in floating point.
        n_allowed = math.floor(round(target_fpr * (n + 1), 9)) - 1
        n_needed = math.ceil(round(1 / target_fpr, 9)) - 1
    else:
        n_allowed = np.argmin(np.append((bounds <= target_fpr) | between_equals, False)) - 1
        n_needed = math.ceil(n / effective[0] * real_pictures_needed(target_fpr, level))
    threshold = just_above(scores[max(n_allowed, 0)], scores, others)
    n_false = int((scores >= threshold).sum())  # fewer than allowed where scores are equal
    point = OperatingPoint(
        threshold=float(threshold),
        target_fpr=float(target_fpr),
        confidence_level=confidence_level,
        n_real=n,
        n_false=n_false,
        fpr_upper_bound=float(bounds[n_false]),
        n_real_needed=n_needed,
        n_groups=n_groups,
    )
    if n_allowed < 0:
        of_groups = "" if n_groups is None else f" of {n_groups} sources"
        or_more = "" if n_groups is None else ", or fewer of more sources"
        sure = "" if confidence_level is None else f" with {confidence_level:.0%} confidence"
        warnings.warn(
            f"{n} real pictures{of_groups} are too few to promise a false-positive rate of "
            f"{target_fpr:g}{sure}: at least {n_needed} are needed{or_more}. The threshold is just "
            "above the highest score among them, and the upper bound of the rate is "
            f"{point.fpr_upper_bound:.2g}.",
            TooFewRealPicturesWarning,
            stacklevel=2,
        )
    return point


def just_above(limit, scores, others=None):
    """Return a threshold that `limit`, one of the scores, does not reach and the next one does."""
    # In the scores' own precision, or a float32 score would round up to a float64 threshold.
    known = np.append(scores, np.asarray([] if others is None else others, dtype=scores.dtype))
    threshold = np.nextafter(limit, scores.dtype.type(np.inf))
    higher = known[known > limit]
    if len(higher):
        most = known.max() * _MARGIN - known.min() * _MARGIN
        threshold = max(threshold, limit + min(higher.min() / 2 - limit / 2, most))
    return threshold


def _effective_numbers(group, between_equals, target_fpr, level):
    """As how many independent pictures all count, if the 0, 1, ..., n - 1 first are called."""
    n, sizes = len(group), np.bincount(group)
    n_called = np.arange(n)
    place = np.argsort(group, kind="stable")
    of_group_before = np.empty(n)  # called pictures of the same group, before each
    of_group_before[place] = n_called - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # Sums over groups of (called pictures of the group less their share of all) squared.
    squares = np.append(0, np.cumsum(2 * of_group_before + 1)[:-1])
    products = np.append(0, np.cumsum(sizes[group])[:-1])
    rate = n_called / n
    variance = squares - 2 * rate * products + rate**2 * (sizes**2).sum()
    variance *= len(sizes) / (len(sizes) - 1) / n**2
    of_independent = np.where(n_called == 0, 1, rate * (1 - rate) / n)
    effect = np.where((n_called == 0) | between_equals, 1, variance / of_independent)
    # Of few called pictures the effect is hardly known: as large as at any rate up to twice the
    # target, at least.
    effect = np.maximum.accumulate(np.maximum(effect, 1))
    effect = np.maximum(effect, effect[min(n - 1, math.ceil(2 * target_fpr * n))])
    few_groups = norm.ppf(level) / t.ppf(level, len(sizes) - 1) if level > 0.5 else 1
    return n / effect * few_groups**2


def upper_bound(n_false, n_real, confidence_level):
    """Return the one-sided Clopper-Pearson upper bound of a rate."""
    n_false, n_real = np.asarray(n_false, dtype=float), np.asarray(n_real, dtype=float)
    n_right = np.where(n_false == n_real, 1, n_real - n_false)
    bound = beta.ppf(confidence_level, n_false + 1, n_right)
    return np.where(n_false == n_real, 1.0, bound)


def majority_score(scores):
    """Make one score of those of several heads, shape (n_heads, n_pictures).

    It reaches a threshold where those of more than half of the heads do.
    """
    return np.sort(scores, axis=0)[(len(scores) - 1) // 2]


def real_pictures_needed(target_fpr, confidence_level=0.95):
    """Return the least n with (1 - target_fpr)^n <= 1 - confidence_level."""
    return math.ceil(math.log(1 - confidence_level) / math.log1p(-target_fpr))
