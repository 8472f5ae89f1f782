"""How far a figure could be off: resampling, exact bounds, folds that share training data."""

import numpy as np
from scipy import stats
from scipy.special import expit, logit
from scipy.stats import beta

from ..public import public

# Weights held in memory at once.
_MOST_WEIGHTS = 4_000_000


def resample_units(units, n_resamples, rng):
    """Say how often each picture counts if units are drawn with replacement, as many as there are.

    A unit comes with all of its pictures: the cluster bootstrap (Davison and Hinkley, 1997, 3.8).
    """
    n_units = units.max() + 1
    drawn = rng.randint(n_units, size=(n_resamples, n_units))
    drawn += n_units * np.arange(n_resamples)[:, None]
    times = np.bincount(drawn.ravel(), minlength=n_resamples * n_units)
    return times.reshape(n_resamples, n_units).astype(np.float32)[:, units]


def resampled(side, units, n_pictures, n_resamples, rng):
    """Yield weights, some rows at a time: the units of one side are drawn, all else counts once."""
    at_once = max(1, _MOST_WEIGHTS // max(1, n_pictures))
    for start in range(0, n_resamples, at_once):
        weights = np.ones((min(at_once, n_resamples - start), n_pictures), dtype=np.float32)
        weights[:, side] = resample_units(units, len(weights), rng)
        yield weights


def interval_of_sides(value, draws, n_pictures, confidence_level):
    """Return the t interval of a figure from 0 to 1, on the scale of log-odds.

    `draws` has a pair for each side: its number of units n, and what the figure is where these
    alone are drawn. The variances add up, each times ``n / (n - 1)``, by which a bootstrap falls
    short; the degrees of freedom are Satterthwaite's [1]_. On log-odds [2]_ the interval stays
    between 0 and 1 and reaches further to where there is more room. NaN where nothing varies.

    References
    ----------
    .. [1] F. Satterthwaite, "An approximate distribution of estimates of variance components",
       Biometrics Bulletin 2 (1946).
    .. [2] E. Korn and B. Graubard, "Confidence intervals for proportions with small expected number
       of positive counts estimated from survey data", Survey Methodology 24 (1998).
    """
    parts = []
    for n, of_side in draws:
        known = of_side[np.isfinite(of_side)]
        if len(known) > 1:
            parts.append((known.var() * n / (n - 1), n - 1))
    variance = sum(part for part, _ in parts)
    if not np.isfinite(value) or not variance > 1e-18:
        return np.nan, np.nan
    freedom = variance**2 / sum(part**2 / free for part, free in parts)
    # At 0 or 1 itself there are no log-odds: half a picture from there.
    inside = np.clip(value, 0.5 / n_pictures, 1 - 0.5 / n_pictures)
    reach = stats.t.ppf((1 + confidence_level) / 2, freedom) * np.sqrt(variance)
    low, high = expit(logit(inside) + np.array([-1, 1]) * reach / (inside * (1 - inside)))
    return float(min(low, value)), float(max(high, value))


def bound_at_extreme(rate, n_units, confidence_level):
    """Return the exact interval (Clopper and Pearson) of a rate of 0 or 1, each unit counted once.

    Resampling has nothing to vary there.
    """
    reach = float(beta.ppf((1 + confidence_level) / 2, 1, n_units))
    return (0.0, reach) if rate == 0 else (1 - reach, 1.0)


@public("sklearn_ssafe.metrics")
def corrected_interval(values, n_train, n_test, confidence_level=0.95):
    """Compute the interval of the corrected resampled t-test.

    Values of different folds come from classifiers with overlapping training parts, so they vary
    less than those of independent repetitions would, and the usual interval is too narrow. Nadeau
    and Bengio [1]_ put ``1 / k + n_test / n_train`` in place of ``1 / k``.

    Parameters
    ----------
    values : ndarray of float, shape (k,)
        A figure, or a paired difference of two, in each fold.
    n_train, n_test : array-like of int, shape (k,)
        Pictures in each training and test part; their means are taken.
    confidence_level : float, default=0.95
        Coverage.

    Returns
    -------
    low, high : float
        NaN with fewer than two folds, or where all values are the same.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52
       (2003), section 3.1. It was derived for random splits; cross-validation and held-out groups
       are common uses beyond that.

    Examples
    --------
    >>> low, high = corrected_interval(np.array([0.02, 0.05, 0.03]), [200] * 3, [100] * 3)
    >>> round(low, 3), round(high, 3)
    (-0.027, 0.093)
    """
    values = np.asarray(values, dtype=float)
    k = len(values)
    if k < 2 or np.ptp(values) == 0:
        return np.nan, np.nan
    correction = 1 / k + np.mean(n_test) / np.mean(n_train)
    reach = stats.t.ppf((1 + confidence_level) / 2, k - 1) * np.sqrt(
        correction * values.var(ddof=1)
    )
    return float(values.mean() - reach), float(values.mean() + reach)
