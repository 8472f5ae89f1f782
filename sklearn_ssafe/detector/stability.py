"""Verdicts that flip when a picture is saved again: they are none to rely on."""

import warnings

import numpy as np

from ..encoding.failures import EncodingError, EncodingWarning
from ..images.inputs import as_items
from ..images.perturbations.catalogue import PERTURBATIONS, Perturbation
from ..images.perturbations.changed_picture import ChangedPicture
from ..images.perturbations.changes import resize_and_back
from ..images.reading import ImageReadError
from .changed_copies import rows_of_copies
from .default_head import scaled_to_unit_length

REENCODINGS = (
    (PERTURBATIONS["jpeg"], 85),
    (Perturbation("resize_and_back", resize_and_back, (0.9,), "scale"), 0.9),
    (PERTURBATIONS["crop"], 0.9),
)
"""What a verdict has to survive: none of them changes who made a picture."""


def flips(detector, X, rows, called):
    """Say whose verdict becomes another one by some re-encoding; `called` are those of `rows` of X.

    A picture that cannot be re-encoded counts as one that flips.
    """
    table = None
    if detector.columns is None:
        pictures = as_items(X)
    else:
        pictures, table = detector._split(X)
    flipped = np.zeros(len(rows), dtype=bool)
    failures = getattr(detector.encoder_, "failures_", None)
    for change, strength in REENCODINGS:
        still = np.flatnonzero(~flipped)
        if not len(still):
            break
        copies = [ChangedPicture(pictures[row], change, strength) for row in rows[still]]
        beside = None if table is None else table.iloc[rows[still]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EncodingWarning)
            try:
                score = _score(detector, copies, beside)
            except (EncodingError, ImageReadError):  # not one of them could be made
                score = np.full(len(still), np.nan)
        flipped[still] = np.isnan(score) | ((score >= detector.threshold_) != called[still])
    if failures is not None:
        detector.encoder_.failures_ = failures  # those of the pictures, not of their copies
    return flipped


def _score(detector, copies, table):
    rows = rows_of_copies(detector.encoder_, copies)
    return detector._score_rows(scaled_to_unit_length(rows) if detector._unit_rows else rows, table)
