"""Columns beside pictures: taken from a table, and made ready for a head together with features."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ..images.inputs import as_items
from ..public import public
from .fold_majority import FoldMajority
from .settings_schema import N_CHECK_ROWS

PICTURES = "path"
"""The column of pictures, where a table has others that are not named in `columns`."""

MISSING_WORD = "(missing)"


def split_table(X, columns):
    """Return the pictures of a table as a list, and its columns as a pandas table."""
    if hasattr(X, "to_pandas"):  # polars and pyarrow
        X = X.to_pandas()
    if not isinstance(X, pd.DataFrame):
        raise TypeError(
            f"with columns={list(columns)}, X has to be a table with these columns and one of "
            f"pictures, and is a {type(X).__name__}"
        )
    if missing := [name for name in columns if name not in X.columns]:
        raise ValueError(
            f"the table has no column {missing[0]!r}, which the detector needs beside the "
            f"pictures; it has {', '.join(map(str, X.columns))}"
        )
    others = [name for name in X.columns if name not in set(columns)]
    if PICTURES in others:
        others = [PICTURES]
    if len(others) != 1:
        raise ValueError(
            f"which column holds the pictures? Beside columns={list(columns)} the table has "
            f"{', '.join(map(str, others)) or 'none'}: call that of the pictures {PICTURES!r}"
        )
    return as_items(X[others[0]]), X[list(columns)].reset_index(drop=True)


def is_number(column, name):
    """Say whether a column holds numbers; otherwise it must hold words."""
    if pd.api.types.is_numeric_dtype(column):  # bool, too
        return True
    if column.map(lambda value: isinstance(value, str) or pd.isna(value)).all():
        return False
    raise ValueError(
        f"column {name!r} of the table holds {column.dtype} values, neither numbers nor words. "
        "Turn dates into numbers such as days, and leave other things out"
    )


def kinds_of(table):
    """Map each column to "number" or "words"."""
    return {name: "number" if is_number(table[name], name) else "words" for name in table.columns}


def tidy_columns(table, kinds):
    """Bring columns to the kinds that they had in training; a missing word is "(missing)"."""
    tidy = {}
    for name, kind in kinds.items():
        column = table[name]
        if kind == "words":
            words = column.map(_as_word).astype(object)
            tidy[name] = words.where(column.notna(), MISSING_WORD)
            continue
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        wrong = np.flatnonzero(np.isnan(numbers) & column.notna())
        if len(wrong):
            raise ValueError(
                f"column {name!r} held numbers in training, and holds {column.iloc[wrong[0]]!r} in "
                f"row {wrong[0]}"
            )
        tidy[name] = numbers
    return pd.DataFrame(tidy, index=table.index)


def _as_word(value):
    """A whole number out of a column with gaps reads as it does in one without."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def beside(features, columns):
    """Put features and columns side by side, as a head of both gets them."""
    names = feature_names(features.shape[1])
    if taken := set(names) & set(columns.columns):
        raise ValueError(f"a column cannot be called {min(taken)!r}: that is a picture's feature")
    features = pd.DataFrame(np.asarray(features, dtype=np.float64), columns=names)
    return pd.concat([features, columns.reset_index(drop=True)], axis=1)


def feature_names(n_features):
    """Name the features of a picture for a head, whatever their encoder calls them."""
    return [f"picture_{number}" for number in range(n_features)]


def refuse_what_has_no_columns(detector):
    """Raise a ValueError where there is no encoder, or nothing to train."""
    if detector.columns is not None and (detector.encoder is None or detector.prefit):
        raise ValueError(
            f"columns={list(detector.columns)} stand beside pictures that an encoder encodes: not "
            "with encoder=None, where X may hold them itself, nor with prefit=True"
        )


def head_of_columns(head, kinds, n_features, n_rows, picture_components):
    """Put the step that makes columns ready before a head; None is logistic regression."""
    if head is None:
        head = LogisticRegression(class_weight="balanced", max_iter=1000)
    ready = make_preprocessor(kinds, feature_names(n_features), n_rows, picture_components)
    return Pipeline([("columns", ready), ("head", head)])


def make_preprocessor(kinds, picture_columns, n_rows, picture_components):
    """Make the step before a head: scaled numbers, categories as 0 and 1, gaps filled.

    `kinds` is of the columns beside the pictures. The step is part of a pipeline, so it learns from
    the training part alone.
    """
    steps = []
    if picture_columns:
        steps_of_pictures = [StandardScaler()]
        # A quarter of the pictures: a fold with few must still have more rows than components.
        n_components = min(picture_components or len(picture_columns), n_rows // 4)
        if kinds and picture_components and n_components < len(picture_columns):
            # Exact, where a random one would depend on the order of the rows.
            exact = {"svd_solver": "arpack", "random_state": 0}
            steps_of_pictures.append(PCA(n_components, whiten=True, **exact))
        steps.append(("picture", make_pipeline(*steps_of_pictures), picture_columns))
    if numbers := [name for name, kind in kinds.items() if kind == "number"]:
        fill = SimpleImputer(strategy="median", keep_empty_features=True)
        steps.append(("number", make_pipeline(fill, StandardScaler()), numbers))
    if words := [name for name, kind in kinds.items() if kind == "words"]:
        one_hot = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=2,
            sparse_output=False,
            feature_name_combiner=name_category,
        )
        steps.append(("category", one_hot, words))
    made = ColumnTransformer(steps, verbose_feature_names_out=False)
    return made.set_output(transform="pandas")


def mean_features(head):
    """Return the features of a mean picture of training, of a head made by `head_of_columns`."""
    heads = head.heads if isinstance(head, FoldMajority) else [head]
    scalers = [each.named_steps["columns"].named_transformers_["picture"][0] for each in heads]
    return np.mean([scaler.mean_ for scaler in scalers], axis=0)


def with_pictures(table, pictures):
    """Put a column of pictures beside columns, as `split_table` takes them apart."""
    name = PICTURES if PICTURES not in table.columns else f"{PICTURES} of the picture"
    return table.assign(**{name: pd.Series(list(pictures), index=table.index, dtype=object)})


@public("sklearn_ssafe.detector")
def name_category(column, category):
    """Name the column of a category.

    How the one-hot encoder behind ``SSAFEClassifier(columns=...)`` and `compare_detectors` names
    its columns.

    Parameters
    ----------
    column : str
        Where it stands.
    category : object
        Its value.

    Returns
    -------
    name : str
        For example ``"device=phone"``.
    """
    return f"{column}={category}"


def columns_to_check(head, kinds):
    """Make a few rows of columns by which a head is known again: plain values, by column."""
    random = np.random.RandomState(0)
    preprocessor = head.named_steps["columns"].named_transformers_
    words = [name for name, kind in kinds.items() if kind == "words"]
    known = dict(zip(words, preprocessor["category"].categories_, strict=True)) if words else {}
    return {
        name: random.standard_normal(N_CHECK_ROWS).round(3).tolist()
        if kind == "number"
        else [str(known[name][row % len(known[name])]) for row in range(N_CHECK_ROWS)]
        for name, kind in kinds.items()
    }
