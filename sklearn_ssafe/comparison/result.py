"""DetectorComparison: candidates on the same folds, their figures and paired differences."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..detector.classifier import SSAFEClassifier
from ..encoding.transformer import FrozenEncoderTransformer
from ..metrics.intervals import corrected_interval
from ..public import public
from ..results import Result, Summary, bracketed, percent, plain

# The first of each decides the order; for an error, less is better.
_METRICS = {"classification": ["auc", "tpr_at_fpr"], "regression": ["r2", "rmse"]}
_SHARES = ("auc", "tpr_at_fpr")
_MOST_NAMED = 5


def _signed(difference, low, high):
    """Write a difference, its interval, and what it means."""
    say = "the folds do not tell them apart"
    if low > 0:
        say = "the pictures add something"
    elif high < 0:
        say = "the pictures do worse"
    return f"{difference:+.2f} [{low:+.2f}, {high:+.2f}], {say}"


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
        Rows that were left out for every candidate, because the picture could not be read or there
        is no label: ``row`` (position, from 0), ``path``, ``reason``.
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
    encoders : dict of str to transformer or table
        The encoders, or the features that were given in place of one.

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
    encoders: dict

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

    def added_by_pictures(self):
        """Compare the best head of the columns alone with the best of columns and pictures.

        Returns
        -------
        answer : dict or None
            ``columns`` and ``both``, the two candidates as "input / head"; ``metric``; the mean of
            each, ``of_columns`` and ``of_both``; and their mean ``difference``, paired by fold,
            with the ends of its interval, ``low`` and ``high``. None without columns or encoders.
        """
        table, metric = self.frame(), self.metrics[0]
        columns = table[table["input"] == "table"]
        both = table[table["input"].str.startswith("table + ") & ~table["baseline"]]
        if not len(columns) or not len(both):
            return None
        first, second = columns.iloc[0], both.iloc[0]
        row = self._difference(second, first)
        return {
            "columns": f"{first['input']} / {first['head']}",
            "both": f"{second['input']} / {second['head']}",
            "metric": metric,
            "of_columns": float(first[metric]),
            "of_both": float(second[metric]),
            "difference": float(row[metric]),
            "low": float(row[f"{metric}_low"]),
            "high": float(row[f"{metric}_high"]),
        }

    def _difference(self, candidate, reference):
        table = self.differences((reference["input"], reference["head"]))
        found = (table["input"] == candidate["input"]) & (table["head"] == candidate["head"])
        return table[found].iloc[0]

    def make_detector(self, input=None, head=None):
        """Make a candidate that sees pictures into a detector, which can be fitted and saved.

        Parameters
        ----------
        input, head : str or None, default=None
            The candidate; None takes the best of those that see pictures.

        Returns
        -------
        detector : SSAFEClassifier
            Not fitted. Of "table + ENCODER" it takes a table with the columns and one of pictures
            called ``path``; of an encoder alone, pictures. A head without probabilities gets them
            from scikit-learn's ``CalibratedClassifierCV``.

        Raises
        ------
        ValueError
            For a regression, and for a candidate that sees no picture or only features that were
            made elsewhere.
        """
        if self.positive is None:
            raise ValueError("a detector tells two classes apart, and this is a regression")
        table = self.frame()
        seen = table[~table["baseline"]]
        if input is not None:
            seen = seen[seen["input"] == input]
        if head is not None:
            seen = seen[seen["head"] == head]
        if seen.empty:
            raise ValueError(
                f"no candidate of {input or 'any input'} and {head or 'any head'} sees pictures"
            )
        input, head = seen.iloc[0][["input", "head"]]
        encoder = self.encoders[input.removeprefix("table + ")]
        if not isinstance(encoder, FrozenEncoderTransformer):
            raise ValueError(f"{input!r} has no encoder that could be saved with a detector")
        judge = clone(self.heads[head])
        if not hasattr(judge, "predict_proba"):
            judge = CalibratedClassifierCV(judge)
        if not input.startswith("table + "):
            return SSAFEClassifier(clone(encoder), head=make_pipeline(StandardScaler(), judge))
        return SSAFEClassifier(
            clone(encoder),
            head=judge,
            columns=list(self.inputs["table"].table.columns),
            picture_components=self.settings["picture_components"],
        )

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
            With the keys ``settings``, ``candidates``, ``added_by_pictures``, ``differences``,
            ``folds`` and ``failures``; None where there is no figure.
        """
        return plain(
            {
                "settings": self.settings,
                "candidates": self.frame(),
                "added_by_pictures": self.added_by_pictures(),
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
            n_more = len(self.failures) - _MOST_NAMED
            named = "; ".join(  # what is no file is known by its row alone
                f"{f'row {failure.row}: ' * failure.path.startswith('<')}{failure.path}: "
                f"{failure.reason}"
                for failure in self.failures.head(_MOST_NAMED).itertuples()
            )
            more = f"; and {n_more} more" if n_more > 0 else ""
            rows = "row was" if len(self.failures) == 1 else "rows were"
            yield f"{len(self.failures)} {rows} left out for all: {named}{more}."
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
        answer, pair = self.added_by_pictures(), None
        if answer is not None:
            pair = (answer["both"], answer["columns"])
            yield (
                f"Do pictures add to your columns? {title} of columns alone "
                f"{answer['of_columns']:.2f} ({answer['columns']}), of columns and pictures "
                f"{answer['of_both']:.2f} ({answer['both']}). Difference, fold by fold: "
                f"{_signed(answer['difference'], answer['low'], answer['high'])}."
            )
        if len(pictures) and len(without):
            best, reference = pictures.iloc[0], without.iloc[0]
            names = [f"{row['input']} / {row['head']}" for row in (best, reference)]
            row = self._difference(best, reference)
            if pair != tuple(names):
                said = _signed(row[metric], row[f"{metric}_low"], row[f"{metric}_high"])
                yield (
                    f"Best with pictures: {names[0]}, {title} {best[metric]:.2f}. Best without: "
                    f"{names[1]}, {reference[metric]:.2f}. Difference {said}."
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
