"""A threshold for a wanted false-positive rate, from the training part alone."""

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.utils import _safe_indexing

from ..splits.folds import GeneratorGroupKFold
from .detector_scores import detector_scores, fit_detector

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
