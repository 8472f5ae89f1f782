"""DetectorComparison: candidates on the same folds, their figures and paired differences."""

import html
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.intervals import corrected_interval
from ..public import public
from .importance import feature_importance
from .inputs import make_preprocessor

# The first of each decides the order; for an error, less is better.
_METRICS = {"classification": ["auc", "recall_at_fpr"], "regression": ["r2", "rmse"]}
_SHARES = ("auc", "recall_at_fpr")


@public("sklearn_ssafe.comparison")
@dataclass(repr=False)
class DetectorComparison:
    """Encoders, heads and baselines, judged on the same folds. Made by `compare_detectors`.

    Attributes
    ----------
    folds : pandas.DataFrame
        One row for each candidate and fold: ``input``, ``head``, ``fold``, the figures, seconds to
        fit and to predict, ``n_train`` and ``n_test``.
    failures : pandas.DataFrame
        Pictures that could not be read, and were left out for every candidate: ``row``, ``path``,
        ``reason``.
    settings : dict
        How it was made; ``encode_seconds`` has the time that each encoder took for all pictures.
    inputs : dict of str to Input
        The columns of each input, with their families.
    heads : dict of str to estimator
        The heads, not fitted.
    splits : list of (ndarray, ndarray)
        Rows trained on and tested, by fold.
    y : ndarray of shape (n_samples,)
        What was predicted.
    positive : label or None
        The label of generated pictures; None for a regression.

    See Also
    --------
    sklearn_ssafe.compare_detectors : Makes it.
    """

    folds: pd.DataFrame
    failures: pd.DataFrame
    settings: dict
    inputs: dict
    heads: dict
    splits: list
    y: np.ndarray
    positive: object

    @property
    def metrics(self):
        """Names of the figures, the one that decides first."""
        return _METRICS[self.settings["task"]]

    def frame(self):
        """Return one row for each candidate, the best first.

        Returns
        -------
        table : pandas.DataFrame
            ``input``, ``head``, ``baseline`` (whether it sees no pixel); the mean over folds of
            ``auc`` and ``recall_at_fpr`` (or ``r2`` and ``rmse``), each with the ends of its
            interval, ``..._low`` and ``..._high``; ``fit_seconds`` (mean of a fold),
            ``predict_seconds`` and ``encode_seconds`` (for 1,000 pictures; NaN where nothing was
            encoded).
        """
        rows = []
        for (name, head), folds in self.folds.groupby(["input", "head"], sort=False):
            row = {"input": name, "head": head, "baseline": self.inputs[name].is_baseline}
            for metric in self.metrics:
                row |= self._mean_of(metric, folds, folds[metric].to_numpy())
                if metric in _SHARES:
                    for end in (f"{metric}_low", f"{metric}_high"):
                        row[end] = np.clip(row[end], 0, 1)
            row["fit_seconds"] = folds["fit_seconds"].mean()
            row["predict_seconds"] = 1000 * folds["predict_seconds"].sum() / folds["n_test"].sum()
            row["encode_seconds"] = self._encode_seconds(name)
            rows.append(row)
        return pd.DataFrame(rows).sort_values(
            self.metrics[0], ascending=False, ignore_index=True, kind="stable"
        )

    def differences(self, reference=None):
        """Subtract one candidate from every other, fold by fold.

        Parameters
        ----------
        reference : tuple of str or None, default=None
            Input and head, as ``("table", "lightgbm")``. None takes the baseline with the best
            mean: as it is chosen on these very folds, its figure flatters it a little, and a
            difference from it is on the careful side. Without baselines, the best candidate.

        Returns
        -------
        table : pandas.DataFrame
            ``input`` and ``head`` of each other candidate, ``reference``, and for each figure the
            mean difference with the ends of its interval, see `corrected_interval`. An interval
            that holds 0 means that the folds do not tell the two apart.
        """
        table = self.frame()
        if reference is None:
            candidates = table[table["baseline"]] if table["baseline"].any() else table
            reference = tuple(candidates.iloc[0][["input", "head"]])
        chosen = self._of(*reference)
        rows = []
        for name, head in table[["input", "head"]].itertuples(index=False):
            if (name, head) == tuple(reference):
                continue
            folds = self._of(name, head)
            row = {"input": name, "head": head, "reference": " / ".join(reference)}
            for metric in self.metrics:
                paired = folds[metric].to_numpy() - chosen[metric].to_numpy()
                row |= self._mean_of(metric, folds, paired)
            rows.append(row)
        return pd.DataFrame(rows)

    def importances(self, input, head, *, method="permutation", random_state=0):
        """Say which columns, and which families of columns, a candidate goes by.

        Parameters
        ----------
        input, head : str
            The candidate.
        method : {"permutation", "shap", "model"}, default="permutation"
            See `feature_importance`.
        random_state : int, default=0
            Seed of the permutations.

        Returns
        -------
        importances : Importances
            With ``features`` and ``families``, tables sorted by importance.
        """
        self._of(input, head)
        given = self.inputs[input]
        return feature_importance(
            make_preprocessor(given, self.settings["picture_components"]),
            self.heads[head],
            given.table,
            self.y,
            self.splits,
            families=given.families,
            positive=self.positive,
            method=method,
            random_state=random_state,
        )

    def to_json(self):
        """Return settings, candidates, differences and failures as JSON.

        Returns
        -------
        text : str
            An object with the keys ``settings``, ``candidates``, ``differences``, ``folds`` and
            ``failures``.
        """
        tables = {
            "candidates": self.frame(),
            "differences": self.differences(),
            "folds": self.folds,
            "failures": self.failures,
        }
        records = {
            name: table.astype(object).where(table.notna(), None).to_dict("records")
            for name, table in tables.items()
        }
        return json.dumps({"settings": _without_nan(self.settings), **records}, indent=2)

    def to_html(self):
        """Return the candidates as an HTML table.

        Returns
        -------
        text : str
            What was done, and the table.
        """
        return as_html(self)

    def _repr_html_(self):
        return self.to_html()

    def __repr__(self):
        return as_text(self)

    def _of(self, name, head):
        chosen = self.folds[(self.folds["input"] == name) & (self.folds["head"] == head)]
        if chosen.empty:
            raise ValueError(
                f"there is no candidate {(name, head)!r}; inputs are {list(self.inputs)}, heads "
                f"are {list(self.heads)}"
            )
        return chosen

    def _mean_of(self, metric, folds, values):
        low, high = corrected_interval(
            values, folds["n_train"], folds["n_test"], self.settings["confidence_level"]
        )
        return {metric: float(values.mean()), f"{metric}_low": low, f"{metric}_high": high}

    def _encode_seconds(self, name):
        encoder = name.removeprefix("table + ")
        seconds = self.settings["encode_seconds"].get(encoder, np.nan)
        return 1000 * seconds / self.settings["pictures"]


def _without_nan(value):
    """Put None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    return None if value != value else value


def as_text(comparison):
    """Return a comparison as plain text.

    Parameters
    ----------
    comparison : DetectorComparison
        The comparison.

    Returns
    -------
    text : str
        Candidates, the best first, and what they say together.
    """
    heading, rows = _cells(comparison)
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]

    def line(cells):
        words = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
        words += [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
        return "  ".join(words).rstrip()

    table = [line(heading), line(["-" * width for width in widths]), *map(line, rows)]
    return "\n".join([*_facts(comparison), "", *table, "", *_verdict(comparison)])


def as_html(comparison):
    """Return a comparison as HTML.

    Parameters
    ----------
    comparison : DetectorComparison
        The comparison.

    Returns
    -------
    text : str
        A ``div`` with paragraphs and a table.
    """
    heading, rows = _cells(comparison)
    lines = ['<div class="ssafe-comparison">']
    lines += [f"<p>{html.escape(text)}</p>" for text in _facts(comparison)]
    lines += ["<table><thead>", _html_row(heading, "th"), "</thead><tbody>"]
    lines += [_html_row(row, "td") for row in rows]
    lines += ["</tbody></table>"]
    lines += [f"<p>{html.escape(text)}</p>" for text in _verdict(comparison)]
    return "\n".join([*lines, "</div>"])


def _html_row(cells, tag):
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _cells(comparison):
    titles = {
        "auc": "AUC",
        "recall_at_fpr": f"recall at {comparison.settings['max_fpr'] or 0:.0%} FPR",
        "r2": "R2",
        "rmse": "RMSE",
    }
    metrics = comparison.metrics
    heading = [
        "input",
        "head",
        *(titles[name] for name in metrics),
        "fit s",
        "predict s",
        "encode s",
    ]
    rows = []
    for _, row in comparison.frame().iterrows():
        cells = [row["input"] + (" (no pixels)" if row["baseline"] else ""), row["head"]]
        cells += [_with_interval(row, name) for name in metrics]
        cells += [f"{row['fit_seconds']:.2f}", f"{row['predict_seconds']:.2f}"]
        encoding = row["encode_seconds"]
        rows.append([*cells, "" if encoding != encoding else f"{encoding:.0f}"])
    return heading, rows


def _with_interval(row, name):
    text = f"{row[name]:.3g}" if name == "rmse" else f"{row[name]:.2f}"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if low != low:
        return text
    return (
        f"{text} [{low:.3g}, {high:.3g}]" if name == "rmse" else f"{text} [{low:.2f}, {high:.2f}]"
    )


def _facts(comparison):
    n_folds = len(comparison.splits)
    yield f"{comparison.settings['pictures']} pictures, {n_folds} folds, the same for all."
    if len(comparison.failures):
        yield f"{len(comparison.failures)} pictures could not be read and were left out for all."
    yield (
        "Means over folds; seconds to fit one fold, and to predict or encode 1,000 pictures. In "
        f"brackets: {comparison.settings['confidence_level']:.0%} intervals, corrected for folds "
        "that share training data (Nadeau and Bengio, 2003)."
    )


def _verdict(comparison):
    """Say whether the best with pictures beats the best without."""
    table = comparison.frame()
    metric = comparison.metrics[0]
    title = {"auc": "AUC", "r2": "R2"}[metric]
    pictures, plain = table[~table["baseline"]], table[table["baseline"]]
    if len(pictures) and len(plain):
        best = pictures.iloc[0]
        differences = comparison.differences()
        found = (differences["input"] == best["input"]) & (differences["head"] == best["head"])
        row = differences[found].iloc[0]
        low, high = row[f"{metric}_low"], row[f"{metric}_high"]
        say = "The folds do not tell them apart."
        if low > 0:
            say = "The pictures add something."
        elif high < 0:
            say = "The pictures do worse."
        yield (
            f"Best with pictures: {best['input']} / {best['head']}, {title} {best[metric]:.2f}. "
            f"Best without: {row['reference']}. Difference {row[metric]:+.2f} "
            f"[{low:+.2f}, {high:+.2f}]. {say}"
        )
    properties = plain[plain["input"] == "file properties"]
    if len(properties):
        yield (
            f"File properties alone: {title} {properties.iloc[0][metric]:.2f}. If they do well, "
            "the classes differ in how the files were made, and so may the pictures' features."
        )
