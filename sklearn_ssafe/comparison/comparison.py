"""compare_detectors: frozen encoders, heads and plain baselines on the same folds."""

import time
from itertools import product
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from ..encoding.progress import progress_bar
from ..images.inputs import as_pictures
from ..images.properties import file_properties
from ..labels import is_generated, keep_together, known_labels
from ..metrics.figures import ranking_by_fold
from ..metrics.scores import detector_scores
from ..model_selection.held_out import CannotSplitError, make_folds, score_held_out
from ..public import public
from .heads import make_heads
from .inputs import encode_once, make_inputs, name_encoders, tidy_table
from .result import DetectorComparison


@public("sklearn_ssafe")
def compare_detectors(
    X,
    y,
    *,
    encoders=("efficientnet_lite0",),
    heads=None,
    tabular=None,
    baselines=True,
    generator=None,
    source=None,
    groups=None,
    cv=5,
    task="auto",
    max_fpr=0.05,
    pos_label=None,
    picture_components=30,
    confidence_level=0.95,
    random_state=0,
    verbose="auto",
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
        Labels of two classes, or numbers for a regression. A row without one is left out, and
        listed in ``failures``.
    encoders : list of str or transformer, or dict, default=("efficientnet_lite0",)
        ``"NAME"`` or ``"NAME:PRETRAINED"`` as `list_encoders` has them, or a
        `FrozenEncoderTransformer`. A dict gives them names, and may also hold features that are
        already there, one row a picture. The default is that of `FrozenEncoderTransformer`; add
        "forensic" for columns that a person can read, see `DetectorComparison.importances`.
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
    cv : int, cross-validation splitter or iterable of (train, test), default=5
        An int is the most folds of `GeneratorGroupKFold` (of `GroupKFold` for a regression); fewer
        where there are fewer generators or sources. A splitter gets as groups what
        `keep_together` makes of generator, source and groups.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" goes by whether `y` has two values.
    max_fpr : float, default=0.05
        The false-positive rate at which the detection rate is measured, see `tpr_at_fpr`.
    {pos_label}
    picture_components : int or None, default=30
        Beside the columns of a table, an encoder's columns are brought down to this many principal
        components, or a thousand of them would drown three of yours. None keeps them all.
    confidence_level : float, default=0.95
        Coverage of the intervals.
    random_state : int or None, default=0
        Seed of the heads.
    verbose : bool or "auto", default="auto"
        Whether to show a bar of the heads that are trained; "auto" shows one in a terminal or
        notebook.

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
    >>> sorted(comparison.frame()["input"])[-3:]
    ['table', 'table + efficientnet_lite0', 'table + file properties']
    """
    check_consistent_length(X, y)
    y, unknown = _without_gaps(y)
    classify = _is_classification(np.delete(y, unknown), task)
    heads = make_heads(
        heads, task="classification" if classify else "regression", random_state=random_state
    )
    tabular = None if tabular is None else tidy_table(tabular, len(y))
    encoders = name_encoders(encoders)
    features, encode_seconds, failures = encode_once(encoders, X)
    failures = _with_unknown(failures, unknown, X, "no label" if classify else "no target")
    inputs = make_inputs(features, file_properties(X) if baselines else None, tabular)
    if not inputs:
        raise ValueError("nothing to compare: give encoders, tabular columns or baselines=True")
    if len({given_input.name for given_input in inputs}) < len(inputs):
        raise ValueError("an encoder is called like a baseline: give it another name")
    known = np.delete(y, unknown)
    positive = known[is_generated(known, pos_label)][0] if classify else None

    good = np.setdiff1d(np.arange(len(y)), failures["row"].to_numpy(dtype=int))
    labels = [known_labels(len(y), column)[good] for column in (generator, source, groups)]
    folds = _folds(cv, y[good], positive, *labels)
    folds = [(good[train], good[test]) for train, test in folds]

    rows = []
    candidates = list(product(inputs, heads.items()))
    n_fits = len(candidates) * len(folds)
    bar = progress_bar(n_fits, "training and judging heads", verbose, unit="fit")
    for given_input, (head_name, head) in candidates:
        pipeline = Pipeline(
            [("columns", given_input.preprocessor(picture_components)), ("head", head)]
        )
        names = {"input": given_input.name, "head": head_name}
        figures = _judge(pipeline, given_input.table, y, folds, positive, max_fpr, bar.update)
        rows += [{**names, "fold": number, **fold} for number, fold in enumerate(figures)]
    bar.close()
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
        encoders=encoders,
    )


def _without_gaps(y):
    """Return labels or numbers, and the rows that have none, where another one stands in."""
    y = np.asarray(y)
    unknown = np.flatnonzero(pd.isna(y))
    if len(unknown) == len(y):
        raise ValueError("y holds no label at all")
    if len(unknown):
        known = np.array(np.delete(y, unknown).tolist())
        y = np.insert(known, unknown - np.arange(len(unknown)), known[0])
    return y, unknown


def _with_unknown(failures, unknown, X, reason):
    if not len(unknown):
        return failures
    pictures = as_pictures(X)
    rows = {"row": unknown, "path": [pictures[row].name for row in unknown], "reason": reason}
    both = pd.concat([pd.DataFrame(rows), failures]) if len(failures) else pd.DataFrame(rows)
    return both.drop_duplicates("row").sort_values("row", ignore_index=True)


def _is_classification(y, task):
    if task not in ("auto", "classification", "regression"):
        raise ValueError(f"task must be 'auto', 'classification' or 'regression', got {task!r}")
    return task == "classification" or (task == "auto" and type_of_target(y) == "binary")


def _folds(cv, y, positive, generator, source, groups):
    """Split the rows; units are held out whole."""
    known = {"generator": generator, "source": source, "groups": groups}
    if positive is not None:
        return make_folds((y == positive).astype(int), **known, cv=cv, labels=y)[0]
    units = keep_together(*known.values())
    if cv is None or isinstance(cv, Integral):
        n_units = len(np.unique(units))
        if n_units < 2:
            raise CannotSplitError("the pictures cannot be split: all belong to one group")
        cv = GroupKFold(min(5 if cv is None else cv, n_units))
    return list(check_cv(cv, y).split(np.zeros((len(y), 1)), y, units))


def _judge(pipeline, table, y, folds, positive, max_fpr, on_done):
    """Return the figures of each fold's test part, and the seconds that it took."""
    seconds = []

    def fit_and_score(train, test):
        started = time.perf_counter()
        fitted = clone(pipeline).fit(table.iloc[train], y[train])
        trained = time.perf_counter()
        if positive is None:
            score = fitted.predict(table.iloc[test])
        else:
            score = detector_scores(fitted, table.iloc[test], positive)
        done = time.perf_counter()
        seconds.append({"fit_seconds": trained - started, "predict_seconds": done - trained})
        on_done(1)
        return score

    scores = score_held_out(fit_and_score, y, folds, "")
    if positive is None:
        parts = (scores.fold == number for number in range(len(folds)))
        pairs = [(scores.y[part], scores.score[part]) for part in parts]
        figures = [
            {"r2": r2_score(*pair), "rmse": root_mean_squared_error(*pair)} for pair in pairs
        ]
    else:
        figures = ranking_by_fold(scores.y == positive, scores.score, scores.fold, max_fpr)
    sizes = [{"n_train": len(train), "n_test": len(test)} for train, test in folds]
    return [{**a, **b, **c} for a, b, c in zip(figures, seconds, sizes, strict=True)]
