"""What a detector was trained on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..public import public


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
