"""An interval for a mean over folds that allows for folds sharing most of their training data."""

import numpy as np
from scipy import stats


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
