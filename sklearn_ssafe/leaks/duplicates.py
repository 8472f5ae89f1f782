"""Check for copies that stand on both sides: of the classes, of a split, of folds."""

import numpy as np

from ..images.near_copies import number_near_copies
from .leak_audit import Finding, Kind
from .predictors import mean_auc_within_folds
from .property_check import example

_EXAMPLES = 6
_TITLES = {
    "exact_duplicates": "the same file again",
    "near_duplicates": "the same picture again, changed",
}
_KEEP_TOGETHER = (
    "Leave out all but one of each, or keep them in one fold: make groups of them, such as by "
    "group_near_duplicates, and pass groups to the splitter and to this audit."
)


def find_duplicates(pictures, folds):
    """Look for exact and for near copies.

    Copies that share a group are where they should be and are not reported, unless their files are
    the same to the byte and their labels are not.

    Parameters
    ----------
    pictures : Pictures
    folds : list of ndarray of int, shape (n_images,)
        In which fold each picture is tested; the split where one is given.

    Returns
    -------
    results : dict of str to (str, float, Finding or None)
        By code, ``"exact_duplicates"`` and ``"near_duplicates"``: title, the AUC of a predictor
        that knows the labels of a picture's copies in the other folds, and what was found.
    """
    exact = np.unique(pictures.digest, return_inverse=True)[1]
    clusters = {"exact_duplicates": exact, "near_duplicates": number_near_copies(pictures.hash)}
    return {
        code: _examine(pictures, folds, cluster, code, exact) for code, cluster in clusters.items()
    }


def _examine(pictures, folds, cluster, code, exact):
    title = _TITLES[code]
    auc = _auc(pictures.y, folds, cluster)
    torn, contradictory = [], []
    for members in _sets(cluster):
        both = len(set(pictures.y[members])) > 1
        if code == "near_duplicates" and len(set(exact[members])) == 1:
            continue  # reported as exact
        if code == "exact_duplicates" and both:
            contradictory.append(members)
        elif _are_apart(pictures, members):
            (contradictory if both else torn).append(members)
    found = contradictory + torn
    if not found:
        return title, auc, None
    rows = np.concatenate(found)
    across_split = any(len(set(pictures.split[members]) - {""}) > 1 for members in found)
    y = pictures.y
    kinds = [
        Kind("with a copy in the other class", *_count(y, contradictory)),
        Kind("with copies in their own class", *_count(y, torn)),
    ]
    where = "across the split given" if across_split else "not kept together by a group"
    examples = [
        example(pictures, row, f"set {number + 1}")
        for number, members in enumerate(found[: _EXAMPLES // 2])
        for row in members[:2]
    ]
    return (
        title,
        auc,
        Finding(
            code=code,
            title=f"{title}, {where}",
            severity="leak" if contradictory or across_split else "note",
            auc=auc,
            p_value=float("nan"),
            n_images=len(rows),
            advice=("One of two labels is wrong where copies disagree. " if contradictory else "")
            + _KEEP_TOGETHER,
            kinds=tuple(kind for kind in kinds if kind.n_real + kind.n_generated),
            examples=tuple(examples),
        ),
    )


def _sets(cluster):
    """Rows of every cluster of two or more."""
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order])) + 1
    return [members for members in np.split(order, starts) if len(members) > 1]


def _are_apart(pictures, members):
    """Whether a split could tear copies apart, or has."""
    splits = pictures.split[members]
    if (splits != "").all():
        return len(set(splits)) > 1
    groups = pictures.group[members]
    return (groups == "").any() or len(set(groups)) > 1


def _count(y, sets):
    labels = y[np.concatenate(sets)] if sets else np.array([], dtype=int)
    return int((labels == 0).sum()), int((labels == 1).sum())


def _auc(y, folds, cluster):
    """Score a picture by the labels of its copies in other folds."""

    def score(train, test):
        n_copies = np.bincount(cluster[train], minlength=cluster.max() + 1)
        generated = np.bincount(cluster[train], weights=y[train], minlength=cluster.max() + 1)
        share = (generated + y[train].mean()) / (n_copies + 1)
        return share[cluster[test]]

    return mean_auc_within_folds(y, folds, score)
