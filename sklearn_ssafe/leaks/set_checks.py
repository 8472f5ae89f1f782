"""Checks of the set as a whole: copies on both sides of a split, one source, one generator."""

import numpy as np

from ..images.near_copies import number_near_copies
from .predictors import KindPredictor, mean_auc_within_folds
from .result import Example, Finding, Kind, NotRun

_COPIES_SHOWN = 6
_TITLES = {
    "exact_duplicates": "the same file again",
    "near_duplicates": "the same picture again, changed",
}
_KEEP_TOGETHER = (
    "Leave out all but one of each, or keep them in one fold: make groups of them, such as by "
    "group_near_duplicates, and pass groups to the splitter and to this audit."
)


def find_duplicates(pictures, folds):
    """Look for exact and for near copies; title, AUC and finding (or None) by code.

    The AUC is that of a predictor that knows the labels of a picture's copies in the other folds.
    Copies that share a group are where they should be and are not reported, unless their files are
    the same to the byte and their labels are not.
    """
    exact = np.unique(pictures.digest, return_inverse=True)[1]
    clusters = {"exact_duplicates": exact, "near_duplicates": number_near_copies(pictures.hash)}
    return {
        code: _examine_copies(pictures, folds, cluster, code, exact)
        for code, cluster in clusters.items()
    }


def _examine_copies(pictures, folds, cluster, code, exact):
    title = _TITLES[code]
    auc = _auc_of_copies(pictures.y, folds, cluster)
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
        Example.of(pictures, row, f"set {number + 1}")
        for number, members in enumerate(found[: _COPIES_SHOWN // 2])
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


def _auc_of_copies(y, folds, cluster):
    """Score a picture by the labels of its copies in other folds."""

    def score(train, test):
        n_copies = np.bincount(cluster[train], minlength=cluster.max() + 1)
        generated = np.bincount(cluster[train], weights=y[train], minlength=cluster.max() + 1)
        share = (generated + y[train].mean()) / (n_copies + 1)
        return share[cluster[test]]

    return mean_auc_within_folds(y, folds, score)


_SHOWN_OF_A_CLASS = 2


def find_single_source(pictures, folds):
    """Look whether all pictures of a class come from one source; NotRun if none is given."""
    sides = [_names(pictures, pictures.source, label) for label in (0, 1)]
    if not sides[0] and not sides[1]:
        raise NotRun("no source is given")
    # A generator is the source of what it makes: that is the other check's.
    single = [
        label
        for label, names in enumerate(sides)
        if len(names) == 1 and not (label == 1 and _is_generator(pictures, names))
    ]
    if not single:
        return None
    words = " and ".join(
        f"all {('real', 'generated')[label]} pictures are from {next(iter(sides[label]))!r}"
        for label in single
    )
    return _finding_of_origin(
        pictures,
        folds,
        pictures.source,
        code="single_source",
        title=words,
        severity="leak",
        advice="Whatever this source does to its pictures looks like the mark of the class, and no "
        "validation can tell the two apart. Add sources, at least three a class.",
    )


def find_single_generator(pictures, folds):
    """Look whether all generated pictures come from one generator; NotRun if none is given."""
    names = _names(pictures, pictures.generator, 1)
    if not names:
        raise NotRun("no generator is given")
    if len(names) > 1:
        return None
    return _finding_of_origin(
        pictures,
        folds,
        pictures.generator,
        code="single_generator",
        title=f"all generated pictures are by {next(iter(names))!r}",
        severity="note",
        advice="No figure from these pictures says anything about other generators. Add some, or "
        "name this one wherever you report.",
    )


def _names(pictures, labels, label):
    """Known names of one class."""
    return set(labels[pictures.y == label]) - {""}


def _is_generator(pictures, names):
    return names == _names(pictures, pictures.generator, 1)


def _finding_of_origin(pictures, folds, labels, **text):
    y = pictures.y
    names, number = np.unique(labels.astype(str), return_inverse=True)
    counts = [
        (int((y[number == n] == 0).sum()), int((y[number == n] == 1).sum()))
        for n in range(len(names))
    ]
    kinds = sorted(
        (Kind(name or "(unnamed)", *count) for name, count in zip(names, counts, strict=True)),
        key=lambda kind: -(kind.n_real + kind.n_generated),
    )
    predictor = KindPredictor(np.arange(len(y)), number, list(names))
    rows = [row for label in (0, 1) for row in np.flatnonzero(y == label)[:_SHOWN_OF_A_CLASS]]
    return Finding(
        auc=predictor.auc(y, folds),
        p_value=float("nan"),
        n_images=len(y),
        kinds=tuple(kinds[:12]),
        examples=tuple(Example.of(pictures, row, labels[row] or "(unnamed)") for row in rows),
        **text,
    )
