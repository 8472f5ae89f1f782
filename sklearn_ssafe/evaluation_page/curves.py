"""What the curves of a report show, thinned to what can be seen."""

import numpy as np
from scipy.special import logit
from sklearn.metrics import roc_curve

_MOST_POINTS = 160
_MOST_THRESHOLDS = 400
_BINS = 24
# Probabilities nearer to 0 or 1 are drawn here.
_OUTERMOST = 1e-4
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_PROBABILITY_TICKS = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)


def roc_curves(generated, score, name):
    """Trace the ROC curve of all pictures, and that of each generator against all real ones.

    Return ``pooled``, a list of [fpr, tpr], and ``generators``, a dict of such lists.
    """
    names = sorted(set(name[generated]))
    return {
        "pooled": _roc(generated, score),
        "generators": {
            each: _roc(*(values[~generated | (name == each)] for values in (generated, score)))
            for each in names
        },
    }


def _roc(generated, score):
    fpr, tpr, _ = roc_curve(generated, score)
    chosen = _thin(len(fpr), _MOST_POINTS)
    return np.column_stack([fpr, tpr])[chosen].round(5).tolist()


def _thin(n, most):
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


class ScoreAxis:
    """Where scores stand on an axis from 0 to 1; probabilities by their log-odds.

    Most probabilities of a good detector are near 0 or 1, and so is a threshold for few false
    positives: on a plain axis neither could be told from its neighbours.
    """

    def __init__(self, score, threshold):
        self.is_probability = bool(((score >= 0) & (score <= 1)).all() and 0 <= threshold <= 1)
        values = self._unscaled(np.append(score, threshold))
        self.low, self.high = float(values.min()), float(values.max())
        if self.is_probability:  # 0.1 to 0.9 at least
            self.low, self.high = min(self.low, logit(0.1)), max(self.high, logit(0.9))
        if self.high == self.low:
            self.low, self.high = self.low - 0.5, self.high + 0.5

    def _unscaled(self, score):
        score = np.asarray(score, dtype=float)
        if not self.is_probability:
            return score
        return logit(np.clip(score, _OUTERMOST, 1 - _OUTERMOST))

    def position(self, score):
        """Return where scores stand, 0 at the left end and 1 at the right one."""
        return np.clip((self._unscaled(score) - self.low) / (self.high - self.low), 0, 1)

    def ticks(self):
        """Return a list of (position, score) to label."""
        if self.is_probability:
            values = [t for t in _PROBABILITY_TICKS if self.low <= logit(t) <= self.high]
        else:
            values = np.linspace(self.low, self.high, 5).tolist()
        return [[round(float(self.position(value)), 4), value] for value in values]


def score_distribution(axis, generated, score):
    """Share of the real and of the generated pictures in each of 24 parts of the axis."""
    place = np.minimum((axis.position(score) * _BINS).astype(int), _BINS - 1)
    return {
        word: (np.bincount(place[mine], minlength=_BINS) / mine.sum()).round(5).tolist()
        for word, mine in (("real", ~generated), ("generated", generated))
    }


def score_quantiles(score):
    """Return the 5, 25, 50, 75 and 95 % quantiles of scores as a list."""
    return np.quantile(score, _QUANTILES).tolist()


def threshold_table(generated, score, name, own):
    """Count, for many thresholds, how many pictures of each name would be called generated.

    Counts in place of scores: the page looks them up, they are exact, and ten thousand pictures
    take no more room than a hundred. ``thresholds`` ascend from "all are called generated" to
    "none is"; ``own`` is the position of the detector's own.
    """
    candidates = [_spread_out(score[~generated]), _spread_out(score[generated])]
    none = np.nextafter(score.max(), np.inf)
    thresholds = np.unique(np.concatenate([*candidates, [score.min(), none, own]]))
    rows = []
    for is_generated, word in ((False, "real"), (True, "generated")):
        for each in sorted(set(name[generated == is_generated])):
            mine = np.sort(score[(generated == is_generated) & (name == each)])
            called = len(mine) - np.searchsorted(mine, thresholds, side="left")
            rows.append(
                {
                    "class": word,
                    "name": each,
                    "pictures": len(mine),
                    "called": called.tolist(),
                }
            )
    return {
        "thresholds": thresholds.tolist(),
        "own": int(np.searchsorted(thresholds, own)),
        "names": rows,
    }


def _spread_out(score):
    """Take all scores where there are few, else quantiles, and the outermost scores each."""
    score = np.unique(score)
    ends = _MOST_THRESHOLDS // 10
    if len(score) <= _MOST_THRESHOLDS // 2:
        return score
    middle = _thin(len(score), _MOST_THRESHOLDS // 2 - 2 * ends)
    return np.concatenate([score[:ends], score[middle], score[-ends:]])
