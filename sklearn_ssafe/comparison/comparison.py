"""compare_detectors: frozen encoders, heads and plain baselines on the same folds."""

import time
from itertools import product

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import r2_score, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from ..images.properties import file_properties
from ..labels import held_out_groups, is_generated, keep_together, known_labels
from ..metrics.figures import tpr_at_fpr
from ..metrics.scores import detector_scores
from ..model_selection.folds import GeneratorGroupKFold
from ..public import public
from .heads import make_heads
from .inputs import encode_once, make_inputs, make_preprocessor, tidy_table
from .result import DetectorComparison


@public("sklearn_ssafe")
def compare_detectors(
    X,
    y,
    *,
    encoders=("forensic",),
    heads=None,
    tabular=None,
    baselines=True,
    generator=None,
    source=None,
    groups=None,
    cv=None,
    n_splits=5,
    task="auto",
    max_fpr=0.05,
    pos_label=None,
    picture_components=30,
    confidence_level=0.95,
    random_state=0,
):
    """Cross-validate every encoder with every head, and baselines that see no pixel.

    Do the pictures add anything to the columns that you have? Every candidate is judged on the
    same folds, so that candidates can be compared fold by fold. Each picture is encoded once for
    each encoder; encoders are frozen, so nothing is learned from the tested part.

    Parameters
    ----------
    X : array-like of shape (n_samples,)
        Pictures, as `FrozenEncoderTransformer` takes them.
    y : array-like of shape (n_samples,)
        Labels of two classes, or numbers for a regression.
    encoders : list of str or transformer, or dict, default=("forensic",)
        ``"NAME"`` or ``"NAME:PRETRAINED"`` as `list_encoders` has them, or a
        `FrozenEncoderTransformer`. A dict gives them names, and may also hold features that are
        already there, one row a picture.
    heads : list of str, dict of str to estimator, or None, default=None
        ``"linear"`` (logistic or ridge regression), ``"linear_svm"``, ``"random_forest"``,
        ``"lightgbm"``, ``"knn"``, or your own in a dict. None takes those that are installed.
    tabular : table of shape (n_samples, n_columns) or None, default=None
        Your other columns: numbers and words, gaps allowed.
    baselines : bool, default=True
        Whether to judge the files' properties (bytes, dimensions, format) as well. If a head does
        well on these alone, the data leak.
    generator, source : array-like of str, shape (n_samples,), or None, default=None
        What made each generated picture, where each real one comes from; ``""`` where unknown.
        Whole generators and whole real sources are held out.
    groups : array-like of shape (n_samples,) or None, default=None
        Pictures that belong together in other ways. They stay in one fold.
    cv : cross-validation splitter, iterable of (train, test) or None, default=None
        None takes `GeneratorGroupKFold`, or `GroupKFold` for a regression. A splitter gets as
        groups what `keep_together` makes of generator, source and groups.
    n_splits : int, default=5
        Most folds to make if `cv` is None; fewer where there are fewer generators or sources.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" goes by whether `y` has two values.
    max_fpr : float, default=0.05
        The false-positive rate at which recall is measured, see `tpr_at_fpr`.
    pos_label : int, float, bool, str or None, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.
    picture_components : int or None, default=30
        Beside the columns of a table, an encoder's columns are brought down to this many principal
        components, or a thousand of them would drown three of yours. None keeps them all.
    confidence_level : float, default=0.95
        Coverage of the intervals.
    random_state : int or None, default=0
        Seed of the heads.

    Returns
    -------
    comparison : DetectorComparison
        A table that prints itself, with `frame`, `differences` and `importances`.

    Raises
    ------
    ValueError
        Tables and pictures differ in number, the pictures cannot be split, an encoder has to be
        fitted, or a head is not known.

    Notes
    -----
    Columns are scaled, gaps filled and categories turned into columns within each training part.
    Intervals and differences: see `corrected_interval`. Rows of pictures that cannot be read are
    left out for every candidate, and listed in ``failures``.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_ssafe import compare_detectors
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=60, image_size=64, random_state=0)
    >>> rng = np.random.default_rng(0)
    >>> table = {"account_age": rng.exponential(300 - 200 * pictures.y)}
    >>> comparison = compare_detectors(
    ...     pictures.X, pictures.y, heads=["linear"], tabular=pd.DataFrame(table),
    ...     generator=pictures.generator, source=pictures.source,
    ... )
    >>> sorted(comparison.frame()["input"])
    ['file properties', 'forensic', 'table', 'table + file properties', 'table + forensic']
    """
    check_consistent_length(X, y)
    y = np.asarray(y)
    classify = _is_classification(y, task)
    heads = make_heads(
        heads, task="classification" if classify else "regression", random_state=random_state
    )
    tabular = None if tabular is None else tidy_table(tabular, len(y))
    features, encode_seconds, failures = encode_once(encoders, X)
    inputs = make_inputs(features, file_properties(X) if baselines else None, tabular)
    if not inputs:
        raise ValueError("nothing to compare: give encoders, tabular columns or baselines=True")
    if len({given_input.name for given_input in inputs}) < len(inputs):
        raise ValueError("an encoder is called like a baseline: give it another name")
    positive = y[is_generated(y, pos_label)][0] if classify else None

    good = np.setdiff1d(np.arange(len(y)), failures["row"].to_numpy(dtype=int))
    labels = [known_labels(len(y), column)[good] for column in (generator, source, groups)]
    folds = _folds(cv, n_splits, y[good], positive, *labels)
    folds = [(good[train], good[test]) for train, test in folds]

    rows = []
    for given_input, (head_name, head) in product(inputs, heads.items()):
        pipeline = Pipeline(
            [("columns", make_preprocessor(given_input, picture_components)), ("head", head)]
        )
        for number, (train, test) in enumerate(folds):
            figures = _judge(pipeline, given_input.table, y, train, test, positive, max_fpr)
            rows.append({"input": given_input.name, "head": head_name, "fold": number, **figures})
    return DetectorComparison(
        folds=pd.DataFrame(rows),
        failures=failures,
        settings={
            "task": "classification" if classify else "regression",
            "pictures": len(good),
            "max_fpr": max_fpr if classify else None,
            "picture_components": picture_components,
            "confidence_level": confidence_level,
            "encode_seconds": encode_seconds,
        },
        inputs={given_input.name: given_input for given_input in inputs},
        heads=heads,
        splits=folds,
        y=y,
        positive=positive,
    )


def _is_classification(y, task):
    if task not in ("auto", "classification", "regression"):
        raise ValueError(f"task must be 'auto', 'classification' or 'regression', got {task!r}")
    return task == "classification" or (task == "auto" and type_of_target(y) == "binary")


def _folds(cv, n_splits, y, positive, generator, source, groups):
    """Split the rows; units are held out whole."""
    if positive is None:
        units = keep_together(generator, source, groups)
        n_units = len(np.unique(units))
        default = GroupKFold(min(n_splits, n_units)) if n_units > 1 else None
    else:
        generated = (y == positive).astype(int)
        units = held_out_groups(generated, generator, source, groups)
        n_units = min(len(np.unique(units[generated == label])) for label in (0, 1))
        default = GeneratorGroupKFold(min(n_splits, n_units)) if n_units > 1 else None
    if cv is None and default is None:
        raise ValueError("the pictures cannot be split: all (of one class) belong to one group")
    splitter = default if cv is None else check_cv(cv, y, classifier=positive is not None)
    return list(splitter.split(np.zeros((len(y), 1)), y, units))


def _judge(pipeline, table, y, train, test, positive, max_fpr):
    """Fit on one fold's training part; return the figures of its test part."""
    started = time.perf_counter()
    fitted = clone(pipeline).fit(table.iloc[train], y[train])
    trained = time.perf_counter()
    if positive is None:
        predicted = fitted.predict(table.iloc[test])
        done = time.perf_counter()
        figures = {
            "r2": r2_score(y[test], predicted),
            "rmse": root_mean_squared_error(y[test], predicted),
        }
    else:
        score = detector_scores(fitted, table.iloc[test], positive)
        done = time.perf_counter()
        generated = y[test] == positive
        figures = {
            "auc": roc_auc_score(generated, score),
            "recall_at_fpr": tpr_at_fpr(generated, score, max_fpr=max_fpr),
        }
    return {
        **figures,
        "fit_seconds": trained - started,
        "predict_seconds": done - trained,
        "n_train": len(train),
        "n_test": len(test),
    }
