"""Figures of each generator and each real source."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score


def figures_by_name(scores, names, called):
    """Summarise out-of-fold scores by generator and by real source.

    Parameters
    ----------
    scores : HeldOutScores
        From `score_folds`.
    names : ndarray of str, shape (n_samples,)
        Where each picture comes from, as `names_of` tells it.
    called : ndarray of bool, shape (n_samples,)
        Which pictures are called generated.

    Returns
    -------
    table : pandas.DataFrame
        One row for each generator and each real source, the worst first, with the columns
        ``class``, ``name``, ``pictures``, ``called_generated`` (the share: the true-positive rate
        of a generator, the false-positive rate of a real source) and ``auc`` (a generator's
        pictures against the real pictures of the same fold; averaged over folds with their numbers
        of pictures as weights; NaN for a real source).
    """
    y, score, fold = scores.y, scores.score, scores.fold
    rows = []
    for label, word in ((1, "generated"), (0, "real")):
        for value in np.unique(names[y == label]):
            mine = (y == label) & (names == value)
            rows.append(
                {
                    "class": word,
                    "name": value or "(unnamed)",
                    "pictures": int(mine.sum()),
                    "called_generated": float(called[mine].mean()),
                    "auc": _auc_within_folds(y, score, fold, mine) if label else np.nan,
                }
            )
    table = pd.DataFrame(rows)
    worst = np.where(table["class"] == "generated", table["auc"], -table["called_generated"])
    return (
        table.assign(_worst=worst)
        .sort_values(["class", "_worst", "name"], kind="stable")
        .drop(columns="_worst")
        .reset_index(drop=True)
    )


def _auc_within_folds(y, score, fold, mine):
    aucs, weights = [], []
    for number in np.unique(fold[mine]):
        chosen = (fold == number) & (mine | (y == 0))
        aucs.append(roc_auc_score(y[chosen], score[chosen]))
        weights.append((mine & (fold == number)).sum())
    return float(np.average(aucs, weights=weights))
