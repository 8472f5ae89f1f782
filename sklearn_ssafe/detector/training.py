"""Training a head, scoring what it did not see, and the account of both."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from ..curation.curator import CurationWarning
from ..model_selection.held_out import score_folds
from ..public import public


def fit_head(head, curator, rows, y, origin, seen=None):
    """Choose rows and train on them; return the head, the curator and the chosen rows.

    The head sees `rows`, or of another table, `seen`, the same ones.
    """
    seen = rows if seen is None else seen
    chosen = np.arange(len(rows))
    if curator is not None:
        curator = clone(curator)
        curator.fit_resample(rows, y, **origin)
        chosen = np.asarray(curator.sample_indices_)
    return clone(head).fit(_safe_indexing(seen, chosen), y[chosen]), curator, chosen


def score_out_of_fold(head, curator, rows, y, origin, cv, seen=None):
    """Score every row by a head trained without its generator and its source."""
    seen = rows if seen is None else seen

    def fit_and_score(train, test):
        part = {name: values[train] for name, values in origin.items()}
        with warnings.catch_warnings():
            # A fold has fewer generators to give; what all of them lack is said later.
            warnings.simplefilter("ignore", CurationWarning)
            fitted, _, _ = fit_head(
                head, curator, rows[train], y[train], part, _safe_indexing(seen, train)
            )
        return fitted.predict_proba(_safe_indexing(seen, test))[:, 1]

    known = {"generator": origin.get("generator"), "source": origin.get("source")}
    return score_folds(fit_and_score, y, **known, cv=cv)


@public("sklearn_ssafe.detector")
@dataclass
class TrainingRows:
    """Rows, labels and names of the pictures that a detector was trained on.

    What ``SSAFEClassifier(keep_training_rows=True)`` keeps as ``training_rows_``.

    Attributes
    ----------
    rows : ndarray of float32, shape (n_trained_on, n_features)
        Of unit length.
    y : ndarray of int, shape (n_trained_on,)
        1 for generated.
    paths : list of str
        Paths, or what else tells which picture it was; ``""`` for embeddings.
    names : list of str
        Generator or real source, ``""`` where unknown.
    """

    rows: np.ndarray
    y: np.ndarray
    paths: list
    names: list


def training_table(y, names, chosen, scores, threshold):
    """`SSAFEClassifier.training_table_`, with figures from `scores` where there are any."""
    trained_on = np.zeros(len(y), dtype=bool)
    trained_on[chosen] = True
    everything = pd.DataFrame(
        {
            "class": np.where(y == 1, "generated", "real"),
            "name": [name or "(unnamed)" for name in names],
            "trained_on": trained_on,
        }
    )
    table = everything.groupby(["class", "name"])["trained_on"].agg(["size", "sum"]).reset_index()
    table.columns = ["class", "name", "pictures", "trained_on"]
    if scores is None:
        return table.assign(called_generated=np.nan, auc=np.nan)
    figures = scores.figures_by_name(names, scores.score >= threshold)
    counts = table.drop(columns="pictures")
    table = figures.merge(counts, on=["class", "name"], how="left", sort=False)
    return table[["class", "name", "pictures", "trained_on", "called_generated", "auc"]]
