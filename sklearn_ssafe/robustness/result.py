"""RobustnessCurve: what `robustness_curve` found."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.report_rows import ScoredPictures, judge_all
from ..public import public
from ..results import Result, Summary, bracketed, plain

METRICS = ("balanced_accuracy", "tpr", "fpr", "auc")
# The text has the interval of the first alone.
_SHOWN = ["balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high", *METRICS[1:]]


@public("sklearn_ssafe.robustness")
@dataclass(repr=False)
class RobustnessCurve(Result):
    """Scores and verdicts of the same pictures, unchanged and changed in many ways.

    Made by `robustness_curve`. Print it for a summary.

    Attributes
    ----------
    perturbations : list of Perturbation
        What was tried, with its strengths.
    conditions : list of (str, float)
        Perturbation and strength of each column below; the first is ``("none", nan)``, the
        pictures as they are.
    path : ndarray of str, shape (n_pictures,)
        Which pictures these are.
    y : ndarray of int, shape (n_pictures,)
        0 real, 1 generated.
    score : ndarray of float, shape (n_pictures, n_conditions)
        The detector's score, higher for generated; NaN where there is none.
    verdict : ndarray of bool, shape (n_pictures, n_conditions)
        Whether the detector, at its own threshold, calls the picture generated.
    failures : pandas.DataFrame
        What is missing: columns ``row``, ``path``, ``perturbation``, ``strength`` and ``reason``. A
        picture that cannot be read at all has one row, with perturbation "none".
    name : ndarray of str, shape (n_pictures,)
        Generator or real source of each picture, ``""`` where unknown.
    groups : ndarray of str, shape (n_pictures,), or None
        Further pictures that belong together.
    n_resamples : int
        Resamples behind each interval.
    confidence_level : float
        Of the intervals.
    random_state : int
        As given.
    """

    perturbations: list
    conditions: list
    path: np.ndarray
    y: np.ndarray
    score: np.ndarray
    verdict: np.ndarray
    failures: pd.DataFrame
    name: np.ndarray
    groups: np.ndarray | None
    n_resamples: int
    confidence_level: float
    random_state: int

    def frame(self):
        """Return the curves as a table.

        Returns
        -------
        table : pandas.DataFrame
            One row for each perturbation and strength, the unchanged pictures first, with the
            columns ``perturbation``, ``strength``; ``balanced_accuracy``, ``tpr`` (share of the
            generated pictures called generated), ``fpr`` (share of the real ones called
            generated) and ``auc``, each followed by the limits of its interval, with ``_low`` and
            ``_high`` appended (NaN where no resample changes the figure); ``flipped`` (share of
            pictures whose verdict is another than unchanged); ``pictures`` (how many were scored)
            and ``lost``.
        """
        if not hasattr(self, "_frame"):
            rows = [self._row(number) for number in range(len(self.conditions))]
            self._frame = pd.DataFrame(rows)
        return self._frame.copy()

    def _row(self, number):
        rows = np.flatnonzero(np.isfinite(self.score[:, number]))
        pictures = ScoredPictures(
            generated=self.y[rows] == 1,
            called=self.verdict[rows, number],
            score=self.score[rows, number],
            name=self.name[rows],
            groups=None if self.groups is None else self.groups[rows],
            picture=rows,
            fold=np.zeros(len(rows), dtype=int),
            is_probability=False,
        )
        figures = judge_all(
            pictures,
            METRICS,
            n_resamples=self.n_resamples,
            confidence_level=self.confidence_level,
            random_state=self.random_state,
        )
        both = rows[np.isfinite(self.score[rows, 0])]
        flipped = self.verdict[both, number] != self.verdict[both, 0]
        name, strength = self.conditions[number]
        return {
            "perturbation": name,
            "strength": strength,
            **{f"{m}{end}": figures[f"{m}{end}"] for m in METRICS for end in ("", "_low", "_high")},
            "flipped": float(flipped.mean()) if len(flipped) else np.nan,
            "pictures": len(rows),
            "lost": len(self.y) - len(rows),
        }

    def flips(self):
        """Return, for each picture, where its verdict is another than for the picture unchanged.

        Returns
        -------
        table : pandas.DataFrame
            One row for each picture that could be scored unchanged, those with most flips first:
            ``row`` (position in X, from 0), ``path``, ``label`` (0 real, 1 generated),
            ``score`` and ``called_generated`` unchanged, ``flips`` (how many changed versions
            have another verdict) and ``of`` (how many were scored); then for each perturbation the
            strengths at which the verdict flips, as a tuple.
        """
        rows = np.flatnonzero(np.isfinite(self.score[:, 0]))
        scored = np.isfinite(self.score[rows, 1:])
        flipped = scored & (self.verdict[rows, 1:] != self.verdict[rows, :1])
        columns = {
            "row": rows,
            "path": self.path[rows],
            "label": self.y[rows],
            "score": self.score[rows, 0],
            "called_generated": self.verdict[rows, 0],
            "flips": flipped.sum(axis=1),
            "of": scored.sum(axis=1),
        }
        first = 0
        for perturbation in self.perturbations:
            strengths = perturbation.strengths
            mine = flipped[:, first : first + len(strengths)]
            columns[perturbation.name] = pd.Series(
                [tuple(itertools.compress(strengths, row)) for row in mine], dtype=object
            )
            first += len(strengths)
        table = pd.DataFrame(columns)
        return table.sort_values("flips", ascending=False, kind="stable", ignore_index=True)

    def to_dict(self):
        """Return the curves in plain types.

        Returns
        -------
        facts : dict
            With the keys ``settings``, ``rows`` (as of `frame`) and ``failures``; None where there
            is no figure.
        """
        settings = {
            "real": (self.y == 0).sum(),
            "generated": (self.y == 1).sum(),
            "n_resamples": self.n_resamples,
            "confidence_level": self.confidence_level,
            "random_state": self.random_state,
        }
        return plain({"settings": settings, "rows": self.frame(), "failures": self.failures})

    def to_html(self):
        """Return the worst strength of each perturbation as a piece of HTML.

        Returns
        -------
        text : str
            A ``div`` with paragraphs and a table.
        """
        return self._summary().html("ssafe-robustness")

    def __repr__(self):
        return self._summary().text()

    def _summary(self):
        table = self.frame()
        changed = table.iloc[1:]
        worst = (
            changed.sort_values("balanced_accuracy", kind="stable")
            .groupby("perturbation", sort=False)
            .head(1)
        )
        shown = pd.concat([table.iloc[:1], worst])
        names = ["unchanged", *worst["perturbation"]]
        strengths = ["", *(f"{strength:g}" for strength in worst["strength"])]
        flipped = ["", *(f"{share:.0%}" for share in worst["flipped"])]
        figures = bracketed(shown[_SHOWN], METRICS)
        rows = [
            [name, strength, *cells, share]
            for name, strength, cells, share in zip(names, strengths, figures, flipped, strict=True)
        ]
        notes = ["Of each perturbation, the strength with the lowest balanced accuracy."]
        if len(self.failures):
            notes.append(f"{len(self.failures)} pictures or changes are missing: see failures")
        n_real, n_generated = (self.y == 0).sum(), (self.y == 1).sum()
        return Summary(
            [
                f"Robustness on {n_real} real and {n_generated} generated pictures, "
                f"{len(changed)} changes of each."
            ],
            ["change", "strength", "balanced accuracy", "TPR", "FPR", "AUC", "verdicts flipped"],
            rows,
            notes,
        )
