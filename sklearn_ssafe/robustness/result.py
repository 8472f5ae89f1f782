"""RobustnessCurve: what `robustness_curve` found."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.intervals import METRICS, draw_weights, intervals, rates
from ..public import public


@public("sklearn_ssafe.robustness")
@dataclass(repr=False)
class RobustnessCurve:
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
    groups : ndarray of int, shape (n_pictures,)
        Pictures that were resampled together.
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
    groups: np.ndarray
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
            ``_high`` appended; ``flipped`` (share of pictures whose verdict is another than
            unchanged); ``pictures`` (how many were scored) and ``lost``.
        """
        if not hasattr(self, "_frame"):
            rng = np.random.default_rng(self.random_state)
            weights = draw_weights(self.y, self.groups, self.n_resamples, rng)
            rows = [self._row(number, weights) for number in range(len(self.conditions))]
            self._frame = pd.DataFrame(rows)
        return self._frame.copy()

    def _row(self, number, weights):
        scored = np.isfinite(self.score[:, number])
        both = scored & np.isfinite(self.score[:, 0])
        flipped = (self.verdict[:, number] != self.verdict[:, 0])[both]
        figures = self.y[scored], self.score[scored, number], self.verdict[scored, number]
        values = rates(*figures)
        limits = intervals(*figures, weights[:, scored], self.confidence_level)
        name, strength = self.conditions[number]
        row = {"perturbation": name, "strength": strength}
        for metric in METRICS:
            row[metric] = values[metric]
            row[f"{metric}_low"], row[f"{metric}_high"] = limits[metric]
        row["flipped"] = float(flipped.mean()) if len(flipped) else np.nan
        row["pictures"] = int(scored.sum())
        row["lost"] = int((~scored).sum())
        return row

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

    def __repr__(self):
        table = self.frame()
        unchanged, changed = table.iloc[0], table.iloc[1:]
        n_real, n_generated = (self.y == 0).sum(), (self.y == 1).sum()
        lines = [
            f"Robustness on {n_real} real and {n_generated} generated pictures, "
            f"{len(changed)} changes of each",
            f"unchanged: {_figures(unchanged)}",
        ]
        worst = changed.sort_values("balanced_accuracy", kind="stable").groupby(
            "perturbation", sort=False
        )
        lines.append("the worst strength of each:")
        width = max(len(str(name)) for name, _ in self.conditions) + 8
        for name, rows in worst:
            row = rows.iloc[0]
            label = f"{name} {row['strength']:g}".ljust(width)
            lines.append(f"  {label} {_figures(row)}, {row['flipped']:.0%} flipped")
        if len(self.failures):
            lines.append(f"{len(self.failures)} pictures or changes are missing: see failures")
        return "\n".join(lines)


def _figures(row):
    value, low, high = (row[f"balanced_accuracy{end}"] for end in ("", "_low", "_high"))
    return (
        f"balanced accuracy {value:.3f} [{low:.3f}, {high:.3f}], AUC {row['auc']:.3f}, "
        f"TPR {row['tpr']:.3f}, FPR {row['fpr']:.3f}"
    )
