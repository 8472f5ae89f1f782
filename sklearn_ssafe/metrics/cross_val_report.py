"""cross_val_report: judge a detector on generators and real sources that it has not seen."""

import numpy as np
from sklearn.base import is_outlier_detector
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_consistent_length

from ..labels import held_out_groups, is_generated, known_labels, names_of
from ..model_selection.folds import GeneratorGroupKFold
from ..public import public
from .detection_report import build_report
from .scores import detector_scores, fit_detector, scores_and_own_threshold
from .thresholds import training_threshold

_OUTLIER_FPR = 0.05


@public("sklearn_ssafe")
def cross_val_report(
    estimator,
    X,
    y,
    *,
    generator=None,
    source=None,
    groups=None,
    cv=None,
    target_fpr=None,
    across_folds="average",
    pos_label=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=0,
):
    """Cross-validate a detector, and report on every generator and every real source.

    Whole generators **and** whole real sources are held out together. Nothing is fitted on the
    part that is tested, the threshold neither: with `target_fpr` it is chosen by a second
    cross-validation inside each training part. A calibrated classifier
    (`sklearn.calibration.CalibratedClassifierCV`) calibrates itself there as well.

    An **outlier detector** (`IsolationForest`, `OneClassSVM`, ..., alone or as the last step of a
    pipeline) is trained on the real pictures of the training part alone, and
    ``-score_samples(X)`` is its score. Generated pictures are only tested.

    Parameters
    ----------
    estimator : estimator
        A classifier with `predict_proba` or `decision_function`, or an outlier detector with
        `score_samples`. Cloned for every fold.
    X : array-like of shape (n_samples, ...)
        Features, or pictures if `estimator` begins with an encoder. An encoder learns nothing, so
        it is quicker to encode first and pass the features.
    y : array-like of shape (n_samples,)
        Labels of two classes.
    generator : array-like of str, shape (n_samples,), or None, default=None
        What made each generated picture, ``""`` where unknown. Where missing, `source` stands in.
    source : array-like of str, shape (n_samples,), or None, default=None
        Where each real picture comes from, ``""`` where unknown.
    groups : array-like of shape (n_samples,) or None, default=None
        Pictures that belong together, such as those of one scene. They stay in one fold.
    cv : cross-validation splitter, iterable of (train, test) or None, default=None
        None takes `GeneratorGroupKFold` with up to 5 folds. A splitter gets as groups what
        `keep_together` makes of generator, source and groups.
    target_fpr : float or None, default=None
        The threshold is chosen, in each training part, so that at most this share of real
        pictures like those would be accused. None: the classifier's own threshold, as its
        `predict` has it (a probability of 0.5, unless it chose another one in training), and 0.05
        for an outlier detector.
    across_folds : {"average", "pool"}, default="average"
        "pool" ranks scores of different folds, so of different classifiers, together.
    pos_label : int, float, bool, str or None, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.
    n_resamples : int, default=1000
        Bootstrap resamples. 0 leaves the intervals out, which is much faster.
    confidence_level : float, default=0.95
        Coverage of the intervals.
    random_state : int, RandomState instance or None, default=0
        Seed of the bootstrap.

    Returns
    -------
    report : DetectionReport
        As from `detection_report`. ``report.settings["held_out"]`` says what the folds really
        kept apart.

    Raises
    ------
    ValueError
        The pictures cannot be split, a fold lacks a class, or there are too few real pictures for
        `target_fpr`.

    See Also
    --------
    detection_report : The same from scores that you have; its notes explain the intervals.
    LeaveOneGeneratorOut : For `cv`: one generator at a time.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ssafe import FrozenEncoderTransformer
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=60, image_size=64, random_state=0)
    >>> features = FrozenEncoderTransformer().fit_transform(pictures.X)
    >>> known = {"generator": pictures.generator, "source": pictures.source, "n_resamples": 100}
    >>> head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    >>> report = cross_val_report(head, features, pictures.y, **known)
    >>> report.settings["held_out"]
    'whole generators, whole real sources'
    >>> outliers = IsolationForest(n_estimators=10, random_state=0)
    >>> alone = cross_val_report(outliers, features, pictures.y, target_fpr=0.1, **known)
    >>> alone.settings["threshold_from"]
    'chosen in each fold for an FPR of 0.1, on held-out real pictures of the training part'
    """
    generated = is_generated(y, pos_label)
    check_consistent_length(X, generated, generator, source, groups)
    n = len(generated)
    generator, source = known_labels(n, generator), known_labels(n, source)
    if target_fpr is not None and not 0 < target_fpr < 1:
        raise ValueError(f"target_fpr must be between 0 and 1, got {target_fpr!r}")
    outliers = is_outlier_detector(estimator)
    if outliers and target_fpr is None:
        target_fpr = _OUTLIER_FPR
    y = np.asarray(y)
    positive = y[generated][0]
    units = held_out_groups(generated.astype(int), generator, source, groups)[0]
    folds = list(_splitter(cv, generated, units, y).split(X, y, units))

    parts = []
    for number, (train, test) in enumerate(folds):
        if outliers:
            train = train[~generated[train]]
        fitted = fit_detector(estimator, _safe_indexing(X, train), y[train])
        tested = _safe_indexing(X, test)
        if target_fpr is None:
            score, threshold = scores_and_own_threshold(fitted, tested, positive)
        else:
            score = detector_scores(fitted, tested, positive)
            threshold = training_threshold(
                estimator,
                _safe_indexing(X, train),
                y[train],
                units[train],
                positive=positive,
                target_fpr=target_fpr,
            )
        parts.append((test, score, np.full(len(test), threshold), np.full(len(test), number)))
    picture, score, threshold, fold = map(np.concatenate, zip(*parts, strict=True))
    if target_fpr is None:
        threshold_from = "the classifier's own"
    else:
        threshold_from = (
            f"chosen in each fold for an FPR of {target_fpr:g}, on held-out real pictures of the "
            "training part"
        )
    return build_report(
        generated[picture],
        score,
        generator=generator[picture],
        source=source[picture],
        groups=None if groups is None else known_labels(n, groups)[picture],
        fold=fold,
        picture=picture,
        threshold=threshold,
        across_folds=across_folds,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        random_state=random_state,
        settings={
            "threshold_from": threshold_from,
            "held_out": _what_was_held_out(folds, generated, generator, source),
            "trained_on": "real pictures alone" if outliers else "both classes",
        },
    )


def _splitter(cv, generated, units, y):
    if cv is not None:
        return check_cv(cv, y, classifier=True)
    n_units = min(len(np.unique(units[generated == label])) for label in (False, True))
    if n_units < 2:
        raise ValueError(
            "the pictures cannot be split: all of one class belong to one group. Give more groups, "
            "or leave the groups out"
        )
    return GeneratorGroupKFold(min(5, n_units))


def _what_was_held_out(folds, generated, generator, source):
    """Say what no fold both trains on and tests, from the folds themselves."""
    name = names_of(generated, generator, source)
    words = []
    for side, unit in ((True, "generator"), (False, "real source")):
        named = (generated == side) & (name != "")
        if not named.any():
            words.append(f"pictures (the {unit}s are not known)")
            continue
        shared = set()
        for train, test in folds:
            shared |= set(name[train][named[train]]) & set(name[test][named[test]])
        words.append(
            f"pictures, not {unit}s: {len(shared)} {unit}(s) are on both sides"
            if shared
            else f"whole {unit}s"
        )
    return ", ".join(words)
