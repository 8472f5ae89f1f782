"""Checks of where the classes come from: one source, one generator."""

import numpy as np

from .leak_audit import Finding, Kind, NotRun
from .predictors import KindPredictor
from .property_check import example

_FEW = 2


def find_single_source(pictures, folds):
    """Look whether all real pictures, or all generated ones, come from one source.

    Parameters
    ----------
    pictures : Pictures
    folds : list of ndarray of int, shape (n_images,)

    Returns
    -------
    finding : Finding or None

    Raises
    ------
    NotRun
        If sources are not given.
    """
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
    return _finding(
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
    """Look whether all generated pictures come from one generator; as `find_single_source`."""
    names = _names(pictures, pictures.generator, 1)
    if not names:
        raise NotRun("no generator is given")
    if len(names) > 1:
        return None
    return _finding(
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


def _finding(pictures, folds, labels, **text):
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
    rows = [row for label in (0, 1) for row in np.flatnonzero(y == label)[:_FEW]]
    return Finding(
        auc=predictor.auc(y, folds),
        p_value=float("nan"),
        n_images=len(y),
        kinds=tuple(kinds[:12]),
        examples=tuple(example(pictures, row, labels[row] or "(unnamed)") for row in rows),
        **text,
    )
