"""The classifiers and regressors that `compare_detectors` puts behind an encoder."""

from importlib.util import find_spec

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC, LinearSVR

from ..public import public

HEADS = ("linear", "linear_svm", "random_forest", "lightgbm", "knn")


@public("sklearn_ssafe.comparison")
def make_heads(names=None, *, task="classification", random_state=0):
    """Make heads by name, with settings that suit few and many columns.

    Columns are expected to be scaled to unit variance. The linear heads divide them by the square
    root of their number, so that the strength of regularisation means the same for three columns
    as for a thousand.

    Parameters
    ----------
    names : list of str, dict of str to estimator, or None, default=None
        Any of `HEADS`: "linear" (logistic or ridge regression), "linear_svm", "random_forest",
        "lightgbm" and "knn". None takes all that are installed. A dict of your own estimators is
        returned as it is.
    task : {"classification", "regression"}, default="classification"
        Which kind.
    random_state : int or None, default=0
        Seed of those that draw random numbers.

    Returns
    -------
    heads : dict of str to estimator
        Not fitted.

    Raises
    ------
    ValueError
        For an unknown name.
    ImportError
        If LightGBM is asked for and is not installed.
    """
    if isinstance(names, dict):
        return names
    if names is None:
        names = [name for name in HEADS if name != "lightgbm" or find_spec("lightgbm")]
    heads = {}
    for name in names:
        if name not in HEADS:
            raise ValueError(
                f"there is no head {name!r}; there are {', '.join(HEADS)}. Your own go into a "
                "dict: {'name': estimator}"
            )
        heads[name] = _MAKERS[name](task == "classification", random_state)
    return heads


@public("sklearn_ssafe.comparison")
def per_root_of_columns(X):
    """Divide by the square root of the number of columns.

    The step before the linear heads of `make_heads`: rows of columns of unit variance get unit
    mean square, so that the strength of regularisation means the same for few columns and many.

    Parameters
    ----------
    X : ndarray or table of shape (n_samples, n_features)
        Columns of unit variance.

    Returns
    -------
    scaled : ndarray or table of shape (n_samples, n_features)
        The same, divided.
    """
    return X / np.sqrt(X.shape[1])


def _linear(classify, random_state):
    last = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
    return _regularised(last if classify else Ridge(alpha=0.1))


def _linear_svm(classify, random_state):
    options = {"C": 1.0, "dual": "auto", "max_iter": 10_000, "random_state": random_state}
    if classify:
        return _regularised(LinearSVC(class_weight="balanced", **options))
    return _regularised(LinearSVR(loss="squared_epsilon_insensitive", **options))


def _random_forest(classify, random_state):
    options = {"n_estimators": 300, "min_samples_leaf": 2, "random_state": random_state}
    if classify:
        return RandomForestClassifier(class_weight="balanced", **options)
    return RandomForestRegressor(max_features=0.3, **options)


def _lightgbm(classify, random_state):
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
    except ImportError as error:
        raise ImportError(
            "the head 'lightgbm' needs LightGBM, which is not installed: "
            'pip install "sklearn-ssafe[explain]"'
        ) from error
    options = {
        "n_estimators": 200,
        "num_leaves": 15,
        "learning_rate": 0.05,
        "min_child_samples": 10,
        "random_state": random_state,
        "max_bin": 63,  # as good for a thousand columns, and nearly three times as fast
        "n_jobs": 1,
        "importance_type": "gain",
        "verbose": -1,
    }
    return (
        LGBMClassifier(class_weight="balanced", **options) if classify else LGBMRegressor(**options)
    )


def _knn(classify, random_state):
    kind = KNeighborsClassifier if classify else KNeighborsRegressor
    return kind(n_neighbors=15, weights="distance")


def _regularised(last):
    return make_pipeline(
        FunctionTransformer(per_root_of_columns, feature_names_out="one-to-one"), last
    )


_MAKERS = {
    "linear": _linear,
    "linear_svm": _linear_svm,
    "random_forest": _random_forest,
    "lightgbm": _lightgbm,
    "knn": _knn,
}
