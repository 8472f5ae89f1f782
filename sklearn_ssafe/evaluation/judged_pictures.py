"""Score and verdict of every picture that a fitted detector can judge, and why of the others."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.utils import _safe_indexing

from ..estimators.encoding import find_unreadable
from ..estimators.failures import EncodingError, EncodingWarning
from .verdicts import score_and_verdict


@dataclass(frozen=True)
class JudgedPictures:
    """What a detector says.

    Attributes
    ----------
    score : ndarray of float, shape (n_pictures,)
        Higher is more generated; NaN where there is none.
    called : ndarray of bool, shape (n_pictures,)
        Whether the detector calls it generated.
    reasons : dict of int to str
        Why there is no score, by row.
    """

    score: np.ndarray
    called: np.ndarray
    reasons: dict


def judge_pictures(detector, X, pictures, *, label):
    """Ask a fitted detector about pictures; one that cannot be read costs its own row.

    Parameters
    ----------
    detector : estimator
        Fitted. Nothing is fitted here.
    X : array-like of shape (n_pictures, ...)
        What it takes.
    pictures : list
        The pictures in `X`, to look for what is wrong with one.
    label : object
        The detector's class that means generated.

    Returns
    -------
    judged : JudgedPictures
        Scores and verdicts.

    Raises
    ------
    EncodingError
        No picture could be encoded.
    """
    n = len(pictures)
    score, called, reasons = np.full(n, np.nan), np.zeros(n, dtype=bool), {}
    rows = np.arange(n)
    while True:
        part = X if len(rows) == n else _safe_indexing(X, rows)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", EncodingWarning)  # told in `reasons`
                score[rows], called[rows] = score_and_verdict(detector, part, pos_label=label)
            break
        except EncodingError as error:
            failed = [] if error.failures is None else error.failures["row"].to_numpy()
            if len(failed) in (0, len(rows)):
                raise
            reasons |= dict(zip(rows[failed].tolist(), error.failures["reason"], strict=True))
            rows = np.delete(rows, failed)
    silent = np.setdiff1d(np.flatnonzero(np.isnan(score)), list(reasons))
    unreadable = find_unreadable([pictures[row] for row in silent], decode=True)
    for place, row in enumerate(silent.tolist()):
        reasons[row] = unreadable.get(place, "the detector gave no score")
    return JudgedPictures(score, called, dict(sorted(reasons.items())))
