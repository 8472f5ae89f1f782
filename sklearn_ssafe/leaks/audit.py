"""audit_leaks: what gives the class away without looking at the picture."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import check_consistent_length

from ..encoding.failures import failures_table
from ..images.inputs import as_pictures
from ..labels import fill_groups, is_generated, known_columns
from ..public import public
from .chance import adjusted_p_values, draw_folds, number_groups, shuffle_labels
from .corner_marks import CornerCheck
from .file_checks import FILE_CHECKS
from .pictures import read_pictures
from .pixel_checks import PIXEL_CHECKS
from .result import LeakAudit, NotRun
from .set_checks import find_duplicates, find_single_generator, find_single_source


@public("sklearn_ssafe")
@validate_params(
    {
        "min_auc": [Interval(Real, 0.5, 1, closed="left")],
        "alpha": [Interval(Real, 0, 1, closed="neither")],
        "n_permutations": [Interval(Integral, 19, None, closed="left")],
        "num_workers": [Interval(Integral, 1, None, closed="left"), None],
        "verbose": ["boolean", StrOptions({"auto"})],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def audit_leaks(
    X,
    y,
    *,
    generator=None,
    source=None,
    groups=None,
    split=None,
    pos_label=None,
    min_auc=0.55,
    alpha=0.01,
    n_permutations=999,
    num_workers=None,
    verbose="auto",
    random_state=0,
):
    """Look for what gives the class away without looking at the picture.

    For each property of a picture file (format, size, JPEG tables, metadata, file size, path and
    so on), a trivial predictor that sees only this property is cross-validated. Where it tells the
    classes apart better than it tells shuffled labels apart, a detector trained on these pictures
    may have learned the property instead of anything about generators.

    Parameters
    ----------
    X : array-like of shape (n_samples,), or a table of shape (n_samples, 1)
        Pictures: paths, ``bytes``, PIL images or uint8 arrays. Of ``bytes``, path and time are not
        known; of PIL images and arrays, size, colour mode and pixels alone. The checks that
        could not run are listed.
    y : array-like of shape (n_samples,)
        0 real, 1 generated; with `pos_label` anything.
    generator, source : array-like of str, shape (n_samples,), or None, default=None
        What made each picture, and where it comes from; ``""``, None or NaN where unknown.
    groups : array-like of shape (n_samples,) or None, default=None
        What belongs together, such as the frames of a film. Groups are kept in one fold, and their
        labels are shuffled as wholes. A group that repeats the generator or the source, as
        `load_manifest` fills it in, says nothing new and is passed over.
    split : array-like of shape (n_samples,) or None, default=None
        Fold or part (such as train and test) of each picture, to look for copies across them.
    pos_label : object, default=None
        The label of generated pictures. None takes the larger of two numbers, such as 1 of 0 and
        1, and knows words such as fake and photo.
    min_auc : float, default=0.55
        A smaller AUC is no finding, however sure; except that ten or more pictures have a value
        that no picture of the other class has.
    alpha : float, default=0.01
        Chance that a set without any leak gets one finding or more (of those that are tested: that
        there are copies, or one source, is a fact).
    n_permutations : int, default=999
        How often labels are shuffled; ``1 / alpha - 1`` at least.
    num_workers : int or None, default=None
        Reading threads; None takes one for each core.
    verbose : bool or "auto", default="auto"
        Whether to show a bar; "auto" does in a terminal or notebook when it takes long.
    random_state : int, RandomState instance or None, default=0
        For folds and shuffles.

    Returns
    -------
    audit : LeakAudit
        Print it, or take ``audit.findings``, ``audit.frame()`` or ``audit.to_dict()``.

    Raises
    ------
    ValueError
        Lengths differ, labels are not two, or a class has no picture that can be read.

    See Also
    --------
    equalize : Make both classes alike in what this function looks at.

    Notes
    -----
    The predictor is the share of generated pictures among training pictures of the same kind:
    frequent values of the property are kinds of their own, numbers are cut into ranges of like many
    pictures. Its AUC is computed within each of five folds and averaged; it knows no direction, so
    0.5 means nothing found, and a little less than 0.5 is chance as well. Words of the path and
    corners of the picture are judged by the difference of the classes' means instead.

    Corrected p-values come from the step-down maxT procedure over all checks [1]_. Labels are
    shuffled among pictures (among groups where given), not among sources: a property that all
    pictures of one source share is a finding, because a detector can learn it from these pictures,
    even if it may not hold for the next source.

    References
    ----------
    .. [1] P. H. Westfall and S. S. Young, "Resampling-based multiple testing", Wiley (1993).

    Examples
    --------
    >>> from sklearn_ssafe import audit_leaks
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> data = make_generated_images(60, image_size=64, random_state=0)
    >>> audit_leaks(
    ...     data.X, data.y, generator=data.generator, source=data.source, groups=data.groups
    ... )
    <LeakAudit: 0 leaks and 0 notes in 30 real and 30 generated pictures>
    """
    if n_permutations < 1 / alpha - 1:
        raise ValueError(
            f"alpha={alpha} cannot be reached with n_permutations={n_permutations}: at least "
            f"{int(np.ceil(1 / alpha - 1))} are needed"
        )
    items = as_pictures(X)
    check_consistent_length(items, y, generator, source, groups, split)
    given = {"generator": generator, "source": source, "group": groups, "split": split}
    y = is_generated(y, pos_label).astype(int)
    labels = known_columns(len(items), given)
    filled = fill_groups(y, labels["generator"], labels["source"], [""] * len(items))
    labels["group"] = np.where(labels["group"] == filled, "", labels["group"])

    pictures, reasons = read_pictures(items, y, labels, num_workers=num_workers, verbose=verbose)
    failures = failures_table(items, reasons)
    if pictures is None or len(np.unique(pictures.y)) < 2:
        raise ValueError(_one_class(failures, pictures, len(items)))
    settings = {"min_auc": min_auc, "alpha": alpha, "n_permutations": n_permutations}
    findings, silent, not_run = examine(pictures, **settings, rng=check_random_state(random_state))
    return LeakAudit(
        findings=findings,
        silent=silent,
        not_run=not_run,
        failures=failures,
        n_real=int((pictures.y == 0).sum()),
        n_generated=int((pictures.y == 1).sum()),
        settings=settings,
    )


def _one_class(failures, pictures, n_items):
    if pictures is None:
        first = failures.iloc[0]
        return (
            f"none of the {n_items} pictures could be read; the first, {first.path}: {first.reason}"
        )
    word = "real" if (pictures.y == 1).all() else "generated"
    return f"there is no {word} picture that can be read, so there is nothing to compare"


CHECKS = [*FILE_CHECKS, *PIXEL_CHECKS, CornerCheck()]
_ORIGINS = {"single_source": find_single_source, "single_generator": find_single_generator}
_SHUFFLES_AT_ONCE = 100


def examine(pictures, *, min_auc, alpha, n_permutations, rng):
    """Make every check.

    Return the findings (leaks first, then by AUC), title, AUC and corrected p-value of the checks
    that found nothing, and why the others could not run.
    """
    group = number_groups(pictures.group)
    folds = draw_folds(pictures.y, group, rng)
    labels = shuffle_labels(pictures.y, group, n_permutations, rng)
    findings, silent, not_run = [], {}, {}

    tested = []
    for check in CHECKS:
        try:
            predictor = check.predictor(pictures)
            auc = predictor.auc(pictures.y, folds)
            if np.isnan(auc):
                raise NotRun("there are too few groups to hold any out: give smaller ones, or none")
            tested.append((check, predictor, auc, _strength(predictor, labels)))
        except NotRun as reason:
            not_run[check.code] = str(reason)
    if tested:
        p_values = adjusted_p_values(np.array([strength for *_, strength in tested]))
        for (check, predictor, auc, _), p_value in zip(tested, p_values.tolist(), strict=True):
            if p_value <= alpha and check.matters(pictures, predictor, auc, min_auc):
                findings.append(check.finding(pictures, predictor, auc, p_value))
            else:
                silent[check.code] = (check.title, auc, p_value)

    for code, (title, auc, finding) in _facts(pictures, folds, not_run).items():
        if finding is None:
            silent[code] = (title, auc, float("nan"))
        else:
            findings.append(finding)
    return sorted(findings, key=lambda found: (found.severity, -found.auc)), silent, not_run


def _strength(predictor, labels):
    """Ask in portions, so that memory does not grow with the number of shuffles."""
    starts = range(0, labels.shape[1], _SHUFFLES_AT_ONCE)
    portions = [labels[:, start : start + _SHUFFLES_AT_ONCE] for start in starts]
    return np.concatenate([predictor.strength(portion) for portion in portions])


def _facts(pictures, folds, not_run):
    """What is so or is not, and needs no test: title, AUC and finding by code."""
    if (pictures.split != "").all():
        parts = [np.unique(pictures.split.astype(str), return_inverse=True)[1]]
    else:
        parts = folds
    facts = find_duplicates(pictures, parts)
    for code, find in _ORIGINS.items():
        try:
            facts[code] = (code.replace("_", " "), float("nan"), find(pictures, folds))
        except NotRun as reason:
            not_run[code] = str(reason)
    return facts
