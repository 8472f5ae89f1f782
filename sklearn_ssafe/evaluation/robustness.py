"""robustness_curve: a detector's figures on pictures that were compressed, resized, shared ..."""

from concurrent.futures import ThreadPoolExecutor
from numbers import Integral, Real

import numpy as np
from joblib import cpu_count
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..estimators.failures import EncodingError, failures_message
from ..estimators.progress import progress_bar
from ..images.inputs import as_image_list, describe
from ..images.perturbations.catalogue import choose_perturbations
from ..splits.folds import keep_together
from .robustness_result import RobustnessCurve
from .robustness_run import RobustnessRun


@validate_params(
    {
        "estimator": [HasMethods(["predict"])],
        "X": "no_validation",
        "y": ["array-like"],
        "perturbations": "no_validation",
        "pos_label": "no_validation",
        "groups": ["array-like", None],
        "n_resamples": [Interval(Integral, 1, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "num_workers": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": [Integral],
        "verbose": ["boolean", Integral, StrOptions({"auto"})],
    },
    prefer_skip_nested_validation=False,
)
def robustness_curve(
    estimator,
    X,
    y,
    *,
    perturbations="all",
    pos_label=None,
    groups=None,
    n_resamples=500,
    confidence_level=0.95,
    batch_size=32,
    num_workers=None,
    random_state=0,
    verbose="auto",
):
    """Score pictures unchanged and changed: compressed, blurred, resized, cropped, shared.

    Each changed picture is made once, handed to the detector once, and dropped. What a codec
    writes is handed over as the ``bytes`` of the file, so that the detector decodes it as it would
    any file; all else as uint8 arrays. Random changes are seeded from the pixels, so that neither
    the order of the pictures nor `batch_size` matters, and an encoder with a cache finds the same
    pictures again.

    Parameters
    ----------
    estimator : estimator
        A fitted detector that takes pictures: a pipeline with `FrozenEncoderTransformer` and a
        classifier or outlier detector, a search over one, or a detector of its own. Nothing is
        fitted here.
    X : array-like of shape (n_pictures,)
        Pictures as for `FrozenEncoderTransformer`, that the detector was not fitted on.
    y : array-like of shape (n_pictures,)
        0 real, 1 generated; or other labels, with `pos_label`.
    perturbations : "all", str, Perturbation, sequence of these, or dict, default="all"
        Names that `list_perturbations` lists, with the wildcards of a shell (``"resize_*"``), or
        perturbations of your own; a dict of name to strengths, ``{"jpeg": [90, 50]}``, for other
        strengths than the listed ones. "all" makes 62 changes of each picture.
    pos_label : object, default=None
        The label in `y`, and class of the detector, that means generated. None takes 1, and needs
        0 and 1.
    groups : array-like of shape (n_pictures,), default=None
        Pictures that belong together, such as those of one generator or one source: intervals then
        come from resampling whole groups, and say what other groups could give. None resamples
        single pictures.
    n_resamples : int, default=500
        Bootstrap resamples behind each interval.
    confidence_level : float, default=0.95
        Of the intervals.
    batch_size : int, default=32
        Most pictures in memory at once; fewer where they are large.
    num_workers : int or None, default=None
        Threads that read and change pictures; None takes one for each core, 8 at most.
    random_state : int, default=0
        Enters the seeds of the changes, and of the resamples.
    verbose : bool or "auto", default="auto"
        Whether to show a progress bar; "auto" shows one in a terminal or notebook.

    Returns
    -------
    curve : RobustnessCurve
        With ``frame()`` (figures and intervals for each strength), ``flips()`` (for each picture,
        what turns its verdict) and ``failures``. Its scores are per picture and change.

    Raises
    ------
    EncodingError
        No picture could be scored. Otherwise a picture that cannot be read, changed or encoded
        costs its own row, and is listed in ``failures``.
    ValueError
        A parameter is out of range, a class is missing in `y`, or the detector does not know
        `pos_label`.

    See Also
    --------
    perturb : Change one picture, to look at it.
    list_perturbations : What there is, with exact parameters and the papers behind them.

    Notes
    -----
    Thresholds stay as they were fitted. A threshold chosen anew for each strength would measure
    something that nobody has in use.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ssafe import FrozenEncoderTransformer, robustness_curve
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=40, image_size=64, random_state=0)
    >>> detector = make_pipeline(FrozenEncoderTransformer(), LogisticRegression())
    >>> _ = detector.fit(pictures.X[:20], pictures.y[:20])
    >>> curve = robustness_curve(
    ...     detector, pictures.X[20:], pictures.y[20:], perturbations={"jpeg": [75, 30]}
    ... )
    >>> curve.frame()[["perturbation", "strength", "pictures"]]
      perturbation  strength  pictures
    0         none       NaN        20
    1         jpeg      75.0        20
    2         jpeg      30.0        20
    """
    chosen = choose_perturbations(perturbations)
    items = as_image_list(X)
    check_consistent_length(items, y, groups)
    y, pos_label = _as_binary(y, pos_label)
    groups = np.arange(len(y)) if groups is None else keep_together(groups)
    changes = [(each, strength) for each in chosen for strength in each.strengths]
    run = RobustnessRun(estimator, items, changes, pos_label, random_state)
    n_threads = min(8, cpu_count()) if num_workers is None else num_workers
    with (
        ThreadPoolExecutor(n_threads, thread_name_prefix="ssafe-perturb") as threads,
        progress_bar(len(items), "changing and scoring", verbose) as bar,
    ):
        run.go(batch_size, n_threads, threads, bar.update)
    failures = run.failures()
    if np.isnan(run.score[:, 0]).all():
        unchanged = failures[failures["perturbation"] == run.conditions[0][0]]
        raise EncodingError(failures_message(unchanged, len(items)), unchanged)
    return RobustnessCurve(
        perturbations=chosen,
        conditions=run.conditions,
        path=np.array([describe(item) for item in items], dtype=object),
        y=y,
        score=run.score,
        verdict=run.verdict,
        failures=failures,
        groups=groups,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        random_state=random_state,
    )


def _as_binary(y, pos_label):
    """Return 0 and 1, and the label that 1 stands for."""
    y = column_or_1d(y)
    labels = np.unique(y)
    if pos_label is None:
        if not np.isin(labels, [0, 1]).all():
            raise ValueError(
                f"y has the labels {labels.tolist()}: give the one that means generated as "
                "pos_label, or 0 for real and 1 for generated"
            )
        pos_label = 1
    if len(labels) != 2 or pos_label not in labels:
        raise ValueError(
            f"y has the labels {labels.tolist()}; two are needed, one of them "
            f"pos_label={pos_label!r}: real pictures and generated ones"
        )
    return (y == pos_label).astype(int), pos_label
