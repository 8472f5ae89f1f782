"""Figures of merit that scikit-learn does not have: EER, recall at a false-positive rate, ECE."""

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..positive_class import is_generated
from .roc_counts import RocCounts


def equal_error_rate(y_true, y_score, *, pos_label=None):
    """Compute the error rate at the threshold where both classes have the same.

    Between two thresholds the ROC curve is interpolated linearly.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels of two classes.
    y_score : array-like of float, shape (n_samples,)
        Higher means more likely generated.
    pos_label : int, float, bool, str or None, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.

    Returns
    -------
    rate : float
        From 0 (a perfect ranking) over 0.5 (chance) to 1.

    Examples
    --------
    >>> equal_error_rate([0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.4, 0.7, 0.9, 0.9])
    0.25
    """
    return float(_counts(y_true, y_score, pos_label).equal_error_rate()[0])


def tpr_at_fpr(y_true, y_score, *, max_fpr=0.05, pos_label=None):
    """Compute the share of generated pictures found while few real ones are accused.

    The threshold is the lowest that accuses no more than `max_fpr` of these real pictures. As it
    is read from the pictures that are judged, this compares detectors; it does not promise the
    rate for a threshold that was set before. With fewer than ``1 / max_fpr`` real pictures it
    means "without a single false accusation".

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels of two classes.
    y_score : array-like of float, shape (n_samples,)
        Higher means more likely generated.
    max_fpr : float, default=0.05
        Greatest false-positive rate, from 0 to 1.
    pos_label : int, float, bool, str or None, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.

    Returns
    -------
    tpr : float
        True-positive rate, from 0 to 1.

    Examples
    --------
    >>> tpr_at_fpr([0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.4, 0.7, 0.9, 0.9])
    0.5

    As the aim of a search:

    >>> from sklearn.metrics import make_scorer
    >>> scorer = make_scorer(tpr_at_fpr, response_method="predict_proba", max_fpr=0.01)
    """
    if not 0 <= max_fpr <= 1:
        raise ValueError(f"max_fpr must be from 0 to 1, got {max_fpr!r}")
    return float(_counts(y_true, y_score, pos_label).tpr_at_fpr(max_fpr)[0])


def expected_calibration_error(y_true, y_prob, *, n_bins=15, pos_label=None):
    """Compute how far probabilities are from the shares of generated pictures.

    The binary form of the ECE [1]_: probabilities are put into bins of equal width, and the
    distances between the mean probability and the share of generated pictures in a bin are
    averaged, with the numbers of pictures as weights. With few pictures in a bin it is too large
    even for a calibrated classifier.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Labels of two classes.
    y_prob : array-like of float, shape (n_samples,)
        Probability of "generated", from 0 to 1.
    n_bins : int, default=15
        Number of bins.
    pos_label : int, float, bool, str or None, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.

    Returns
    -------
    error : float
        From 0 to 1.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural
       networks", ICML (2017), section 2.

    Examples
    --------
    >>> round(expected_calibration_error([0, 0, 1, 1], [0.2, 0.2, 0.7, 0.7]), 3)
    0.25
    """
    generated = is_generated(y_true, pos_label)
    y_prob = column_or_1d(y_prob)
    check_consistent_length(generated, y_prob)
    if not ((y_prob >= 0) & (y_prob <= 1)).all():
        raise ValueError("y_prob must hold probabilities, from 0 to 1")
    bin_of = np.minimum((y_prob * n_bins).astype(int), n_bins - 1)
    excess = np.bincount(bin_of, y_prob - generated, n_bins)
    return float(np.abs(excess).sum() / len(y_prob))


def _counts(y_true, y_score, pos_label):
    generated = is_generated(y_true, pos_label)
    y_score = column_or_1d(y_score)
    check_consistent_length(generated, y_score)
    return RocCounts(generated, y_score, np.ones((1, len(y_score))))
