"""feature_importance: which columns a head goes by, and which families of columns."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from ..detector.columns import name_category
from ..metrics.scores import detector_scores
from ..public import public


@dataclass
class Importances:
    """What a head goes by."""

    features: pd.DataFrame | None
    families: pd.DataFrame
    method: str


@public("sklearn_ssafe.comparison")
def feature_importance(
    preprocessor,
    head,
    table,
    y,
    folds,
    *,
    families,
    positive=None,
    method="permutation",
    random_state=0,
):
    """Measure the importance of columns and of families of columns, averaged over folds.

    Neighbouring columns of an encoder measure nearly the same and share the credit by chance. Their
    family is steadier.

    Parameters
    ----------
    preprocessor : ColumnTransformer
        That makes the columns ready.
    head : estimator
        What comes after it.
    table : pandas.DataFrame, n_samples rows
        All columns.
    y : ndarray of shape (n_samples,)
        What is predicted.
    folds : list of (ndarray, ndarray)
        Rows to train on and to explain.
    families : dict of str to str
        The family of each column.
    positive : label or None, default=None
        The label of generated pictures; None for a regression.
    method : {"permutation", "shap", "model"}, default="permutation"
        "permutation": loss of AUC (or R2) on the tested part when a family's columns are shuffled
        together, so by family only; for every head. "shap": mean magnitude of the SHAP values [1]_
        on the tested part; those of a family are added up for each picture first; for trees and
        linear heads. "model": the head's own ``feature_importances_`` or the magnitude of its
        ``coef_`` for scaled columns, from the training part; a family's are added up.
    random_state : int, RandomState instance or None, default=0
        Seed of the permutations.

    Returns
    -------
    importances : Importances
        Sorted tables.

    Raises
    ------
    ValueError
        The method does not exist, or not for this head.
    ImportError
        SHAP is not installed.

    References
    ----------
    .. [1] S. Lundberg and S.-I. Lee, "A unified approach to interpreting model predictions",
       NeurIPS (2017).
    """
    if method not in ("permutation", "shap", "model"):
        raise ValueError(f"method must be 'permutation', 'shap' or 'model', got {method!r}")
    rng = check_random_state(random_state)
    pipeline = Pipeline([("columns", preprocessor), ("head", head)])
    of_features, of_families, n_features, family = [], [], None, None
    for train, test in folds:
        fitted = clone(pipeline).fit(table.iloc[train], y[train])
        if method == "permutation":
            loss = _permute(fitted, table.iloc[test], y[test], families, positive, rng)
            of_families.append(loss)
            n_features = pd.Series(families).value_counts()
            continue
        family = _families_after(fitted[0], families)
        if method == "model":
            values = _own_importances(fitted[-1], family.index)
            of_features.append(values)
            of_families.append(values.groupby(family).sum())
        else:
            values = _shap_values(fitted, table.iloc[train], table.iloc[test], positive)
            of_features.append(values.abs().mean())
            of_families.append(values.T.groupby(family).sum().T.abs().mean())
        n_features = family.value_counts()
    # A category seen in no training part of a fold has no column there.
    by_family = _mean(of_families).rename_axis("family").reset_index()
    by_family.insert(1, "features", by_family["family"].map(n_features).fillna(0).astype(int))
    by_feature = None
    if of_features:
        by_feature = _mean(of_features).rename_axis("feature").reset_index()
        by_feature.insert(1, "family", by_feature["feature"].map(family))
    return Importances(by_feature, by_family, method)


def _mean(parts):
    mean = pd.concat(parts, axis=1).fillna(0).mean(axis=1)
    return mean.sort_values(ascending=False, kind="stable").rename("importance")


def _permute(fitted, table, y, families, positive, rng):
    def quality(table):
        if positive is None:
            return r2_score(y, fitted.predict(table))
        return roc_auc_score(y == positive, detector_scores(fitted, table, positive))

    whole = quality(table)
    losses = {}
    for family, columns in pd.Series(families).groupby(pd.Series(families)).groups.items():
        shuffled = table.copy()
        order = rng.permutation(len(table))
        shuffled[list(columns)] = table[list(columns)].iloc[order].set_axis(table.index)
        losses[family] = whole - quality(shuffled)
    return pd.Series(losses)


def _families_after(columns, families):
    """Name the family of each column that the preprocessor makes."""
    named = {}
    outputs = columns.get_feature_names_out()
    for name, _, given in columns.transformers_:
        made = outputs[columns.output_indices_[name]]
        if name == "category":
            origin = [_origin(output, given) for output in made]
        elif len(made) == len(given):
            origin = given
        else:
            origin = ["pictures"] * len(made)  # principal components of all of them
        named |= {
            output: families.get(column, column)
            for output, column in zip(made, origin, strict=True)
        }
    return pd.Series(named)


def _origin(output, columns):
    """Find the column that a category belongs to, as `name_category` has named it."""
    return max((c for c in columns if output.startswith(name_category(c, ""))), key=len)


def _own_importances(head, names):
    last = head[-1] if isinstance(head, Pipeline) else head
    if hasattr(last, "feature_importances_"):
        values = np.asarray(last.feature_importances_, dtype=float)
    elif hasattr(last, "coef_"):
        values = np.abs(last.coef_).ravel()
    else:
        raise ValueError(
            f"{type(last).__name__} has neither feature_importances_ nor coef_; method="
            "'permutation' works for every head"
        )
    return pd.Series(values / max(values.sum(), np.finfo(float).tiny), index=names)


def _shap_values(fitted, trained, tested, positive):
    """Return SHAP values for the positive class, a row a picture, a column a feature."""
    columns, head = fitted
    trained, tested = columns.transform(trained), columns.transform(tested)
    names = tested.columns
    if isinstance(head, Pipeline):
        trained, tested = head[:-1].transform(trained), head[:-1].transform(tested)
        head = head[-1]
    sign = 1 if positive is None or list(head.classes_).index(positive) == 1 else -1
    if hasattr(head, "coef_"):
        # The SHAP values of a linear model have a closed form (corollary 1 of the paper).
        values = np.ravel(head.coef_) * (np.asarray(tested) - np.asarray(trained).mean(axis=0))
    else:
        values = _tree_shap(head, tested)
        if values.ndim == 3:  # one value for each class
            values = values[:, :, 1]
    return pd.DataFrame(sign * values, columns=names)


def _tree_shap(head, X):
    try:
        import shap
    except ImportError as error:
        raise ImportError(
            "SHAP values of trees need the package shap, which is not installed: "
            'pip install "sklearn-ssafe[explain]"'
        ) from error
    if not hasattr(head, "feature_importances_"):
        raise ValueError(
            f"method='shap' is for trees and linear heads, not {type(head).__name__}; "
            "method='permutation' works for every head"
        )
    return shap.TreeExplainer(head)(X).values
