"""DetectorComparison: candidates on the same folds, their figures and paired differences."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.intervals import corrected_interval
from ..public import public
from ..results import Result, Summary, bracketed, percent, plain

# The first of each decides the order; for an error, less is better.
_METRICS = {"classification": ["auc", "tpr_at_fpr"], "regression": ["r2", "rmse"]}
_SHARES = ("auc", "tpr_at_fpr")


@public("sklearn_ssafe.comparison")
@dataclass(repr=False)
class DetectorComparison(Result):
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
            ``auc`` and ``tpr_at_fpr`` (or ``r2`` and ``rmse``), each with the ends of its
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
        from .importance import feature_importance

        self._of(input, head)
        given = self.inputs[input]
        return feature_importance(
            given.preprocessor(self.settings["picture_components"]),
            self.heads[head],
            given.table,
            self.y,
            self.splits,
            families=given.families,
            positive=self.positive,
            method=method,
            random_state=random_state,
        )

    def to_dict(self):
        """Return settings, candidates, differences and failures in plain types.

        Returns
        -------
        facts : dict
            With the keys ``settings``, ``candidates``, ``differences``, ``folds`` and
            ``failures``; None where there is no figure.
        """
        return plain(
            {
                "settings": self.settings,
                "candidates": self.frame(),
                "differences": self.differences(),
                "folds": self.folds,
                "failures": self.failures,
            }
        )

    def to_html(self):
        """Return the candidates as an HTML table.

        Returns
        -------
        text : str
            What was done, and the table.
        """
        return self._summary().html("ssafe-comparison")

    def __repr__(self):
        return self._summary().text()

    def _summary(self):
        heading = ["input", "head", *(self.title(name) for name in self.metrics)]
        heading += ["fit s", "predict s", "encode s"]
        rows = []
        table = self.frame()
        figures = bracketed(table, self.metrics, {"rmse": ".3g"})
        for (_, row), of_row in zip(table.iterrows(), figures, strict=True):
            cells = [row["input"] + (" (no pixels)" if row["baseline"] else ""), row["head"]]
            cells += of_row
            cells += [f"{row['fit_seconds']:.2f}", f"{row['predict_seconds']:.2f}"]
            seconds = row["encode_seconds"]
            rows.append([*cells, "" if seconds != seconds else f"{seconds:.0f}"])
        return Summary([*self._facts()], heading, rows, [*self._verdict()])

    def title(self, metric):
        """Name a figure as tables and plots do.

        Parameters
        ----------
        metric : str
            One of `metrics`.

        Returns
        -------
        title : str
            Such as ``"TPR at 5 % FPR"``.
        """
        if metric == "tpr_at_fpr":
            return f"TPR at {percent(self.settings['max_fpr'])} FPR"
        return {"auc": "AUC", "r2": "R2", "rmse": "RMSE"}[metric]

    def _facts(self):
        yield f"{self.settings['pictures']} pictures, {len(self.splits)} folds, the same for all."
        if len(self.failures):
            yield f"{len(self.failures)} pictures could not be read and were left out for all."
        yield (
            "Means over folds; seconds to fit one fold, and to predict or encode 1,000 pictures. "
            f"In brackets: {self.settings['confidence_level']:.0%} intervals, corrected for folds "
            "that share training data (Nadeau and Bengio, 2003)."
        )

    def _verdict(self):
        """Say whether the best with pictures beats the best without."""
        table = self.frame()
        metric = self.metrics[0]
        title = self.title(metric)
        pictures, without = table[~table["baseline"]], table[table["baseline"]]
        if len(pictures) and len(without):
            best = pictures.iloc[0]
            differences = self.differences()
            found = (differences["input"] == best["input"]) & (differences["head"] == best["head"])
            row = differences[found].iloc[0]
            low, high = row[f"{metric}_low"], row[f"{metric}_high"]
            say = "The folds do not tell them apart."
            if low > 0:
                say = "The pictures add something."
            elif high < 0:
                say = "The pictures do worse."
            yield (
                f"Best with pictures: {best['input']} / {best['head']}, {title} "
                f"{best[metric]:.2f}. Best without: {row['reference']}. Difference "
                f"{row[metric]:+.2f} [{low:+.2f}, {high:+.2f}]. {say}"
            )
        properties = without[without["input"] == "file properties"]
        if len(properties):
            yield (
                f"File properties alone: {title} {properties.iloc[0][metric]:.2f}. If they do "
                "well, the classes differ in how the files were made, and so may the pictures' "
                "features."
            )

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
