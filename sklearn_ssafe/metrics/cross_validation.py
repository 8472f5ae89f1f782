"""cross_val_report: judge a detector on generators and real sources that it has not seen."""

import numpy as np
from sklearn.base import is_outlier_detector
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_consistent_length

from ..labels import is_generated, known_labels
from ..model_selection.folds import GeneratorGroupKFold
from ..model_selection.held_out import make_folds, score_held_out
from ..public import public
from .report import build_report
from .scores import detector_scores, fit_detector, operating_threshold, score_and_verdict
from .thresholds import majority_score, threshold_for_fpr

_OUTLIER_FPR = 0.05
_MOST_INNER_FOLDS = 5


@public("sklearn_ssafe")
def cross_val_report(
    estimator,
    X,
    y,
    *,
    generator=None,
    source=None,
    groups=None,
    cv=5,
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
    cross-validation inside each training part, whose detectors then judge by majority, as those of
    `SSAFEClassifier` do. A calibrated classifier
    (`sklearn.calibration.CalibratedClassifierCV`) calibrates itself there as well.

    An **outlier detector** (`IsolationForest`, `OneClassSVM`, ..., alone or as the last step of a
    pipeline) is trained on the real pictures of the training part alone, and
    ``-decision_function(X)`` is its score. Generated pictures are only tested.

    Parameters
    ----------
    estimator : estimator
        A classifier with `predict_proba` or `decision_function`, or an outlier detector.
        Cloned for every fold.
    X : array-like of shape (n_samples, ...)
        Features, or pictures if `estimator` begins with an encoder. An encoder learns nothing, so
        it is quicker to encode first and pass the features.
    {y}
    {generator}
    {source}
    groups : array-like of shape (n_samples,) or None, default=None
        Pictures that belong together, such as those of one scene. They stay in one fold.
    {cv}
    target_fpr : float or None, default=None
        The threshold is chosen, in each training part, so that at most this share of real
        pictures like those is called generated, by `threshold_for_fpr` with `confidence_level`.
        None: the detector's own threshold, as its `predict` has it (a probability of 0.5,
        unless it chose another one in training), and 0.05 for an outlier detector.
    across_folds : {"average", "pool"}, default="average"
        "pool" ranks scores of different folds, so of different classifiers, together.
    {pos_label}
    {n_resamples}
    confidence_level : float, default=0.95
        Coverage of the intervals, and how sure the promise of `target_fpr` is to be.
    {random_state}

    Returns
    -------
    report : DetectionReport
        As from `detection_report`. ``report.settings["held_out"]`` says what the folds really
        kept apart.

    Raises
    ------
    CannotSplitError
        The pictures cannot be split.
    ValueError
        A fold lacks a class, or a parameter is out of range.

    Warns
    -----
    TooFewRealPicturesWarning
        A training part has too few real pictures to promise `target_fpr`: its threshold is just
        above all of their scores.

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
    'generated: whole generators; real: whole real sources'
    >>> outliers = IsolationForest(n_estimators=10, random_state=0)
    >>> alone = cross_val_report(outliers, features, pictures.y, target_fpr=0.2, **known)
    >>> alone.settings["threshold_from"]
    'chosen in each fold for an FPR of 0.2, on held-out real pictures of the training part'
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
    folds, held_out, units = make_folds(
        generated.astype(int), generator=generator, source=source, groups=groups, cv=cv, labels=y
    )
    thresholds = []

    def fit_and_score(train, test):
        if outliers:
            train = train[~generated[train]]
        training, tested = _safe_indexing(X, train), _safe_indexing(X, test)
        if target_fpr is None:
            fitted = fit_detector(estimator, training, y[train])
            score, called = score_and_verdict(fitted, tested, pos_label=positive)
            threshold = operating_threshold(fitted, score, called).lowest_called
        else:
            # The threshold is for the heads that it was chosen with, see thresholds.py.
            heads, threshold = _heads_and_threshold(
                estimator, training, y[train], units[train], positive, target_fpr, confidence_level
            )
            score = majority_score([detector_scores(head, tested, positive) for head in heads])
        thresholds.append(threshold)
        return score

    scores = score_held_out(fit_and_score, generated.astype(int), folds, held_out)
    if target_fpr is None:
        threshold_from = "the detector's own"
    else:
        threshold_from = (
            f"chosen in each fold for an FPR of {target_fpr:g}, on held-out real pictures of the "
            "training part"
        )
    picture = scores.row
    return build_report(
        generated[picture],
        scores.score,
        generator=generator[picture],
        source=source[picture],
        groups=None if groups is None else known_labels(n, groups)[picture],
        fold=scores.fold,
        picture=picture,
        threshold=np.array(thresholds)[scores.fold],
        across_folds=across_folds,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        random_state=random_state,
        settings={
            "threshold_from": threshold_from,
            "held_out": held_out,
            "trained_on": "real pictures alone" if outliers else "both classes",
        },
    )


def _heads_and_threshold(estimator, X, y, units, positive, target_fpr, confidence_level):
    """Fit by a second cross-validation, and choose a threshold on the real pictures held out."""
    heads = []

    def fit_and_score(train, test):
        heads.append(fit_detector(estimator, _safe_indexing(X, train), y[train]))
        return detector_scores(heads[-1], _safe_indexing(X, test), positive)

    inner = score_held_out(fit_and_score, y, _inner_folds(y, units), "")
    real = inner.y != positive
    point = threshold_for_fpr(
        inner.score[real],
        target_fpr,
        confidence_level=confidence_level,
        groups=units[inner.row[real]],
        others=inner.score[~real],
    )
    return heads, point.threshold


def _inner_folds(y, units):
    """Hold out whole units if there are two of each class, else single pictures."""
    X = np.zeros((len(y), 1))
    n_units = [len(np.unique(units[y == label])) for label in np.unique(y)]
    two_classes = len(n_units) > 1
    n_splits = min(_MOST_INNER_FOLDS, *n_units)
    if n_splits < 2:
        n_splits = min(_MOST_INNER_FOLDS, *np.unique(y, return_counts=True)[1])
        plain = StratifiedKFold if two_classes else KFold
        return list(plain(n_splits, shuffle=True, random_state=0).split(X, y))
    folds = GeneratorGroupKFold if two_classes else GroupKFold
    return list(folds(n_splits).split(X, y, units))
