"""How far a figure could be off: resampling, exact bounds, folds that share training data."""

import numpy as np
from scipy import stats
from scipy.stats import beta
from sklearn.metrics import roc_auc_score

from ..public import public


def resample_units(units, n_resamples, rng):
    """Draw units with replacement, and say how often each picture counts.

    The cluster bootstrap [1]_: as many units are drawn as there are, and a unit comes with all of
    its pictures.

    Parameters
    ----------
    units : ndarray of int, shape (n_samples,)
        The unit of each picture, numbered from 0.
    n_resamples : int
        Number of draws.
    rng : numpy.random.RandomState
        Where the random numbers come from.

    Returns
    -------
    weights : ndarray of float32, shape (n_resamples, n_samples)
        How often each picture is in each draw.

    References
    ----------
    .. [1] A. Davison and D. Hinkley, "Bootstrap methods and their application", Cambridge
       University Press (1997), section 3.8.

    Examples
    --------
    >>> rng = np.random.RandomState(1)
    >>> resample_units(np.array([0, 0, 1]), 2, rng)
    array([[0., 0., 2.],
           [2., 2., 0.]], dtype=float32)
    """
    n_units = units.max() + 1
    drawn = rng.randint(n_units, size=(n_resamples, n_units))
    drawn += n_units * np.arange(n_resamples)[:, None]
    times = np.bincount(drawn.ravel(), minlength=n_resamples * n_units)
    return times.reshape(n_resamples, n_units).astype(np.float32)[:, units]


def percentile_interval(draws, confidence_level):
    """Return the central part of the draws.

    Parameters
    ----------
    draws : ndarray of float, shape (n_resamples,)
        A figure in each draw, NaN where it is not defined.
    confidence_level : float
        Share of the draws within the interval.

    Returns
    -------
    low, high : float
        NaN if no draw has the figure.
    """
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return np.nan, np.nan
    tail = (1 - confidence_level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def bound_at_extreme(rate, n_units, confidence_level):
    """Bound a rate of 0 or 1, where resampling has nothing to vary.

    Parameters
    ----------
    rate : float
        0 or 1.
    n_units : int
        Units seen, all of them alike.
    confidence_level : float
        Probability that the interval covers the true rate.

    Returns
    -------
    low, high : float
        The exact interval of Clopper and Pearson [1]_, each unit counted once.

    References
    ----------
    .. [1] C. Clopper and E. Pearson, "The use of confidence or fiducial limits illustrated in the
       case of the binomial", Biometrika 26 (1934).

    Examples
    --------
    >>> low, high = bound_at_extreme(0, 30, 0.95)
    >>> low, round(high, 3)
    (0.0, 0.116)
    """
    reach = float(beta.ppf((1 + confidence_level) / 2, 1, n_units))
    return (0.0, reach) if rate == 0 else (1 - reach, 1.0)


METRICS = ("balanced_accuracy", "tpr", "fpr", "auc")
_RESAMPLES_AT_ONCE = 64


def rates(y, score, verdict):
    """Compute the figures of one list of verdicts.

    Parameters
    ----------
    y : ndarray of int, shape (n_samples,)
        0 real, 1 generated.
    score : ndarray of float, shape (n_samples,)
        Higher is more generated.
    verdict : ndarray of bool, shape (n_samples,)
        Whether it is called generated.

    Returns
    -------
    values : dict of str to float
        One for each of `METRICS`: ``"tpr"`` is the share of generated pictures called generated,
        ``"fpr"`` that of real ones. NaN where a class is missing.
    """
    tpr = verdict[y == 1].mean() if (y == 1).any() else np.nan
    fpr = verdict[y == 0].mean() if (y == 0).any() else np.nan
    both = np.isfinite(tpr) and np.isfinite(fpr)
    auc = roc_auc_score(y, score) if both else np.nan
    values = ((tpr + 1 - fpr) / 2, tpr, fpr, auc)
    return dict(zip(METRICS, map(float, values), strict=True))


def draw_weights(y, groups, n_resamples, rng):
    """Draw how often each picture counts in each resample.

    Whole groups are drawn with replacement (the cluster bootstrap), as many real, generated and
    mixed groups as there are, so that no resample lacks a class.

    Parameters
    ----------
    y : ndarray of int, shape (n_samples,)
        0 real, 1 generated.
    groups : ndarray of int, shape (n_samples,)
        Numbers from 0.
    n_resamples : int
        How many.
    rng : numpy.random.Generator
        Where the draws come from.

    Returns
    -------
    weights : ndarray of int16, shape (n_resamples, n_samples)
        All 1 for a class that is one group only, of which nothing can be left out.
    """
    n_groups = groups.max() + 1
    has_real = np.bincount(groups, y == 0, n_groups) > 0
    has_generated = np.bincount(groups, y == 1, n_groups) > 0
    drawn = np.zeros((n_resamples, n_groups), dtype=np.int16)
    for kind in np.unique(2 * has_real + has_generated):
        members = np.flatnonzero(2 * has_real + has_generated == kind)
        chances = np.full(len(members), 1 / len(members))
        drawn[:, members] = rng.multinomial(len(members), chances, n_resamples)
    return drawn[:, groups]


def intervals(y, score, verdict, weights, confidence_level):
    """Compute percentile intervals of the figures over resamples.

    Parameters
    ----------
    y, score, verdict : ndarray of shape (n_samples,)
        As for `rates`.
    weights : ndarray of int, shape (n_resamples, n_samples)
        From `draw_weights`.
    confidence_level : float
        Share of resamples inside the interval.

    Returns
    -------
    limits : dict of str to (float, float)
        Lower and upper limit for each of `METRICS`; NaN where a class is missing or is one group
        only, which tells nothing of other groups.

    References
    ----------
    .. [1] B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", chapter 13, 1993.
    """
    parts = np.array_split(weights, max(1, len(weights) // _RESAMPLES_AT_ONCE))
    values = np.concatenate([_weighted_rates(y, score, verdict, part) for part in parts])
    varies = {label: (weights[:, y == label] != 1).any() for label in (0, 1)}
    needed = {"tpr": [1], "fpr": [0]}
    tail = (1 - confidence_level) / 2
    limits = {}
    for column, name in enumerate(METRICS):
        known = values[np.isfinite(values[:, column]), column]
        if len(known) and all(varies[label] for label in needed.get(name, [0, 1])):
            limits[name] = tuple(np.quantile(known, [tail, 1 - tail]).tolist())
        else:
            limits[name] = (np.nan, np.nan)
    return limits


def _weighted_rates(y, score, verdict, weights):
    """One row of `METRICS` for each row of weights."""
    real, generated = (weights * (y == label) for label in (0, 1))
    n_real, n_generated = real.sum(axis=1), generated.sum(axis=1)
    with np.errstate(invalid="ignore"):
        tpr = generated @ verdict / n_generated
        fpr = real @ verdict / n_real
        order = np.argsort(score, kind="stable")
        # Real pictures with a lower score, and half of those with the same one (Mann-Whitney).
        below = np.cumsum(real[:, order], axis=1) - real[:, order]
        first = np.searchsorted(score[order], score[order], side="left")
        after = np.searchsorted(score[order], score[order], side="right") - 1
        up_to = below[:, after] + real[:, order][:, after]
        beaten = (below[:, first] + up_to) / 2
        auc = (generated[:, order] * beaten).sum(axis=1) / n_real / n_generated
    return np.column_stack([(tpr + 1 - fpr) / 2, tpr, fpr, auc])


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
