"""Confidence intervals from resampling units, where pictures of one unit belong together."""

import numpy as np
from scipy.stats import beta


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
