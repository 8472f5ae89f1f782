"""True and false positives at every threshold, for many weightings of the pictures at once."""

import numpy as np


class RocCounts:
    """Ranking metrics of one set of scores, for each row of weights.

    The scores are sorted once; a bootstrap of a thousand resamples is a thousand rows of weights.

    Parameters
    ----------
    generated : ndarray of bool, shape (n_samples,)
        True for generated pictures.
    score : ndarray of float, shape (n_samples,)
        Higher means more likely generated.
    weights : ndarray of shape (n_draws, n_samples)
        How often each picture counts in each draw.
    """

    def __init__(self, generated, score, weights):
        order = np.argsort(-score, kind="stable")
        descending = score[order]
        # Pictures of equal score are called generated together.
        last = np.append(np.flatnonzero(np.diff(descending)), len(score) - 1)
        weights = weights[:, order].astype(float)
        from_zero = ((0, 0), (1, 0))
        is_positive = generated[order]
        self._tp = np.pad(np.cumsum(weights * is_positive, axis=1)[:, last], from_zero)
        self._fp = np.pad(np.cumsum(weights * ~is_positive, axis=1)[:, last], from_zero)
        with np.errstate(invalid="ignore"):  # a draw without one of the classes is NaN
            self._tpr = self._tp / self._tp[:, -1:]
            self._fpr = self._fp / self._fp[:, -1:]
        self._defined = (self._tp[:, -1] > 0) & (self._fp[:, -1] > 0)

    def auc(self):
        """Return the area under the ROC curve, shape (n_draws,)."""
        return (np.diff(self._fpr, axis=1) * (self._tpr[:, 1:] + self._tpr[:, :-1])).sum(axis=1) / 2

    def average_precision(self):
        """Return the sum of precision times gain in recall, shape (n_draws,)."""
        called = self._tp + self._fp
        precision = np.divide(self._tp, called, out=np.zeros_like(called), where=called > 0)
        value = (np.diff(self._tpr, axis=1) * precision[:, 1:]).sum(axis=1)
        return np.where(self._defined, value, np.nan)

    def tpr_at_fpr(self, max_fpr):
        """Return the highest true-positive rate whose false-positive rate is `max_fpr` at most."""
        # In counts, where 5 of 100 is 5 % without a rounding error.
        allowed = self._fp <= max_fpr * self._fp[:, -1:] * (1 + 1e-12)
        value = np.where(allowed, self._tp, 0).max(axis=1)
        with np.errstate(invalid="ignore"):
            return np.where(self._defined, value / self._tp[:, -1], np.nan)

    def equal_error_rate(self):
        """Return the rate at which as many real as generated pictures are judged wrongly."""
        excess = self._fpr + self._tpr - 1  # from -1 to 1, never falling
        above = np.argmax(excess >= 0, axis=1)
        rows = np.arange(len(above))
        below = np.maximum(above - 1, 0)
        rise = excess[rows, above] - excess[rows, below]
        part = np.divide(-excess[rows, below], rise, out=np.zeros_like(rise), where=rise > 0)
        start = self._fpr[rows, below]
        return np.where(self._defined, start + part * (self._fpr[rows, above] - start), np.nan)
