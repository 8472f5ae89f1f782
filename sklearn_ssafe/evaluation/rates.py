"""Balanced accuracy, both rates and AUC, with intervals from resampled pictures or groups."""

import numpy as np
from sklearn.metrics import roc_auc_score

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
