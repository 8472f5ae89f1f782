"""The loop of `robustness_curve`: read, change and score pictures, a batch at a time."""

import warnings
from functools import partial

import numpy as np
import pandas as pd

from ..estimators.failures import EncodingError, EncodingWarning
from ..images.inputs import describe
from ..images.perturbations.perturbation import content_of
from ..images.reading import ImageReadError, read_image
from .verdicts import score_and_verdict

UNCHANGED = "none"
"""What the pictures as they are are called in tables."""

# Pixels decoded at once: 200 MB, and four times that where pictures are made twice as large.
_MOST_PIXELS = 64_000_000


class RobustnessRun:
    """Scores and verdicts of pictures, one column unchanged and one for each change.

    Parameters
    ----------
    estimator : estimator
        A fitted detector that takes pictures.
    items : list
        Pictures, as `as_image_list` returns them.
    changes : list of (Perturbation, float)
        What is done, and how strongly.
    pos_label : object
        The detector's class that means generated.
    random_state : int
        Enters the seeds of the changes.

    Attributes
    ----------
    conditions : list of (str, float)
        Name and strength of each column.
    score : ndarray of float, shape (n_pictures, n_conditions)
        NaN where there is none.
    verdict : ndarray of bool, shape (n_pictures, n_conditions)
        Whether it is called generated.
    """

    def __init__(self, estimator, items, changes, pos_label, random_state):
        self.estimator = estimator
        self.items = items
        self.changes = changes
        self.pos_label = pos_label
        self.random_state = random_state
        named = [(perturbation.name, float(strength)) for perturbation, strength in changes]
        self.conditions = [(UNCHANGED, np.nan), *named]
        self.score = np.full((len(items), len(self.conditions)), np.nan)
        self.verdict = np.zeros(self.score.shape, dtype=bool)
        self._lost = []

    def go(self, batch_size, n_at_once, threads, on_done):
        """Read, change and score all pictures.

        Parameters
        ----------
        batch_size : int
            Most pictures in memory at once; fewer where they are large.
        n_at_once : int
            Pictures read at once.
        threads : concurrent.futures.Executor
            Where pictures are read and changed.
        on_done : callable
            Called with a number of pictures when these are done.
        """
        rows, images = [], []
        for start in range(0, len(self.items), n_at_once):
            arriving = self.items[start : start + n_at_once]
            for row, image in enumerate(threads.map(_read, arriving), start):
                if isinstance(image, str):
                    self._lose(row, 0, image)
                    on_done(1)
                    continue
                rows.append(row)
                images.append(image)
                if len(rows) == batch_size or sum(i.size for i in images) > 3 * _MOST_PIXELS:
                    self._score_all(rows, images, threads)
                    on_done(len(rows))
                    rows, images = [], []
        if rows:
            self._score_all(rows, images, threads)
            on_done(len(rows))

    def failures(self):
        """Tabulate what is missing.

        Returns
        -------
        table : pandas.DataFrame
            Columns ``row``, ``path``, ``perturbation``, ``strength`` and ``reason``.
        """
        lost = sorted(self._lost)
        return pd.DataFrame(
            {
                "row": pd.Series([row for row, _, _ in lost], dtype="int64"),
                "path": pd.Series([describe(self.items[row]) for row, _, _ in lost], dtype=object),
                "perturbation": pd.Series(
                    [self.conditions[column][0] for _, column, _ in lost], dtype=object
                ),
                "strength": pd.Series(
                    [self.conditions[column][1] for _, column, _ in lost], dtype="float64"
                ),
                "reason": pd.Series([reason for _, _, reason in lost], dtype=object),
            }
        )

    def _lose(self, row, column, reason):
        self._lost.append((row, column, reason))

    def _score_all(self, rows, images, threads):
        self._score(0, rows, [self.items[row] for row in rows])
        contents = list(threads.map(content_of, images))
        for column, (perturbation, strength) in enumerate(self.changes, 1):
            change = partial(_change, perturbation, strength, self.random_state)
            kept, pictures = [], []
            for row, changed in zip(rows, threads.map(change, images, contents), strict=True):
                if isinstance(changed, str):
                    self._lose(row, column, changed)
                else:
                    kept.append(row)
                    pictures.append(changed)
            self._score(column, kept, pictures)

    def _score(self, column, rows, pictures):
        """Ask the detector; where it refuses some pictures, ask again without them."""
        if not rows:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", EncodingWarning)  # counted here instead
                score, verdict = score_and_verdict(
                    self.estimator, pictures, pos_label=self.pos_label
                )
        except EncodingError as error:
            if error.failures is None or error.failures.empty:
                raise
            reasons = dict(zip(error.failures["row"], error.failures["reason"], strict=True))
            for position, reason in reasons.items():
                self._lose(rows[position], column, reason)
            kept = [position for position in range(len(rows)) if position not in reasons]
            self._score(column, [rows[k] for k in kept], [pictures[k] for k in kept])
            return
        self.score[rows, column] = score
        self.verdict[rows, column] = verdict
        for row, value in zip(rows, score, strict=True):
            if np.isnan(value):
                self._lose(row, column, "the detector gave no score")


def _read(item):
    try:
        return read_image(item)
    except ImageReadError as error:
        return str(error)


def _change(perturbation, strength, random_state, image, content):
    """Return the changed picture, or the reason why there is none."""
    try:
        return perturbation(image, strength, random_state, content=content)
    except Exception as error:  # a codec's limits, or whatever a user's own function raises
        return f"could not be changed: {type(error).__name__}: {error}"
