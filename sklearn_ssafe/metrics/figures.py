"""Figures of scores against labels: rates, ranking, calibration."""

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..labels import is_generated
from ..public import public


class RocCounts:
    """Ranking metrics of one set of scores, for each row of weights.

    The scores are sorted once; a bootstrap of a thousand resamples is a thousand rows of weights.
    """

    def __init__(self, generated, score, weights):
        order = np.argsort(score, kind="stable")[::-1]
        descending = score[order]
        # Pictures of equal score are called generated together.
        last = np.append(np.flatnonzero(descending[1:] != descending[:-1]), len(score) - 1)
        self._tp = _sums_from_above(weights, order, generated[order], last)
        self._fp = _sums_from_above(weights, order, ~generated[order], last)
        with np.errstate(invalid="ignore"):  # a draw without one of the classes is NaN
            self._tpr = self._tp / self._tp[:, -1:]
            self._fpr = self._fp / self._fp[:, -1:]
        self.defined = (self._tp[:, -1] > 0) & (self._fp[:, -1] > 0)

    def auc(self):
        """Return the area under the ROC curve, shape (n_draws,)."""
        return (np.diff(self._fpr, axis=1) * (self._tpr[:, 1:] + self._tpr[:, :-1])).sum(axis=1) / 2

    def average_precision(self):
        """Return the sum of precision times gain in recall, shape (n_draws,)."""
        called = self._tp + self._fp
        precision = np.divide(self._tp, called, out=np.zeros_like(called), where=called > 0)
        value = (np.diff(self._tpr, axis=1) * precision[:, 1:]).sum(axis=1)
        return np.where(self.defined, value, np.nan)

    def tpr_at_fpr(self, max_fpr):
        """Return the highest true-positive rate whose false-positive rate is `max_fpr` at most."""
        # In counts, where 5 of 100 is 5 % without a rounding error.
        allowed = self._fp <= max_fpr * self._fp[:, -1:] * (1 + 1e-12)
        value = np.where(allowed, self._tp, 0).max(axis=1)
        with np.errstate(invalid="ignore"):
            return np.where(self.defined, value / self._tp[:, -1], np.nan)

    def equal_error_rate(self):
        """Return the rate at which as many real as generated pictures are judged wrongly."""
        excess = self._fpr + self._tpr - 1  # from -1 to 1, never falling
        above = np.argmax(excess >= 0, axis=1)
        rows = np.arange(len(above))
        below = np.maximum(above - 1, 0)
        rise = excess[rows, above] - excess[rows, below]
        part = np.divide(-excess[rows, below], rise, out=np.zeros_like(rise), where=rise > 0)
        fpr = np.broadcast_to(self._fpr, excess.shape)
        start = fpr[rows, below]
        return np.where(self.defined, start + part * (fpr[rows, above] - start), np.nan)


def _sums_from_above(weights, order, of_class, last):
    """Add up the weights of a class down to each score; one row where all rows are the same."""
    place = np.flatnonzero(of_class)
    weights = weights[:, order[place]]
    if weights.dtype.kind != "f":
        weights = weights.astype(float)
    if (weights == weights[0]).all():
        weights = weights[:1]
    sums = np.zeros((len(weights), len(place) + 1), dtype=weights.dtype)
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums[:, np.append(0, np.searchsorted(place, last, side="right"))]


def ranking_by_fold(generated, score, fold, max_fpr):
    """Return AUC and TPR at an FPR within each fold."""
    figures = []
    for number in range(fold.max() + 1):
        part = generated[fold == number], score[fold == number]
        counts = RocCounts(*part, np.ones((1, len(part[0]))))
        figures.append(
            {"auc": roc_auc_score(*part), "tpr_at_fpr": float(counts.tpr_at_fpr(max_fpr)[0])}
        )
    return figures


@public("sklearn_ssafe.metrics")
def equal_error_rate(y_true, y_score, *, pos_label=None):
    """Compute the error rate at the threshold where both classes have the same.

    Between two thresholds the ROC curve is interpolated linearly.

    Parameters
    ----------
    {y_true}
    {y_score}
    {pos_label}

    Returns
    -------
    rate : float
        From 0 (a perfect ranking) over 0.5 (chance) to 1.

    Raises
    ------
    ValueError
        A score is NaN, or there are not two classes.

    Examples
    --------
    >>> equal_error_rate([0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.4, 0.7, 0.9, 0.9])
    0.25
    """
    return float(_counts(y_true, y_score, pos_label).equal_error_rate()[0])


@public("sklearn_ssafe.metrics")
def tpr_at_fpr(y_true, y_score, *, max_fpr=0.05, pos_label=None):
    """Compute the share of generated pictures found at a false-positive rate.

    The threshold is the lowest that calls no more than `max_fpr` of these real pictures generated.
    As it is read from the pictures that are judged, this compares detectors; it does not promise
    the rate for a threshold that was set before. With fewer than ``1 / max_fpr`` real pictures it
    means "without a single false positive".

    Parameters
    ----------
    {y_true}
    {y_score}
    max_fpr : float, default=0.05
        Greatest false-positive rate, from 0 to 1.
    {pos_label}

    Returns
    -------
    tpr : float
        True-positive rate, from 0 to 1.

    Raises
    ------
    ValueError
        A score is NaN, or there are not two classes.

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


@public("sklearn_ssafe.metrics")
def expected_calibration_error(y_true, y_prob, *, n_bins=15, pos_label=None):
    """Compute how far probabilities are from the shares of generated pictures.

    The binary form of the ECE [1]_: probabilities are put into bins of equal width, and the
    distances between the mean probability and the share of generated pictures in a bin are
    averaged, with the numbers of pictures as weights. With few pictures in a bin it is too large
    even for a calibrated classifier.

    Parameters
    ----------
    {y_true}
    y_prob : array-like of float, shape (n_samples,)
        Probability of "generated", from 0 to 1.
    n_bins : int, default=15
        Number of bins.
    {pos_label}

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
    return calibration_error(generated, y_prob, n_bins)


def calibration_error(generated, y_prob, n_bins=15):
    """Return the ECE of labels and probabilities that have been checked."""
    bin_of = np.minimum((y_prob * n_bins).astype(int), n_bins - 1)
    excess = np.bincount(bin_of, y_prob - generated, n_bins)
    return float(np.abs(excess).sum() / len(y_prob))


def _counts(y_true, y_score, pos_label):
    generated = is_generated(y_true, pos_label)
    y_score = column_or_1d(y_score)
    if y_score.dtype.kind not in "biuf":
        y_score = y_score.astype(float)
    check_consistent_length(generated, y_score)
    if len(missing := np.flatnonzero(y_score != y_score)):
        raise ValueError(
            f"{len(missing)} of {len(y_score)} pictures have no score (NaN, first in row "
            f"{missing[0]}): leave their rows out, and say how many there were"
        )
    return RocCounts(generated, y_score, np.ones((1, len(y_score))))
