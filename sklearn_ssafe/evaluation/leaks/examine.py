"""All checks on one set of pictures that have been read."""

import numpy as np

from .chance import adjusted_p_values, draw_folds, number_groups, shuffle_labels
from .colour import CHECKS as COLOUR_CHECKS
from .corner_marks import CHECKS as CORNER_CHECKS
from .dimensions import CHECKS as DIMENSION_CHECKS
from .duplicates import find_duplicates
from .file_format import CHECKS as FORMAT_CHECKS
from .findings import NotRun
from .jpeg import CHECKS as JPEG_CHECKS
from .metadata import CHECKS as METADATA_CHECKS
from .origins import find_single_generator, find_single_source
from .places import CHECKS as PLACE_CHECKS

CHECKS = [
    *FORMAT_CHECKS,
    *DIMENSION_CHECKS,
    *JPEG_CHECKS,
    *COLOUR_CHECKS,
    *METADATA_CHECKS,
    *PLACE_CHECKS,
    *CORNER_CHECKS,
]
_ORIGINS = {"single_source": find_single_source, "single_generator": find_single_generator}
_SHUFFLES_AT_ONCE = 100


def examine(pictures, *, min_auc, alpha, n_permutations, rng):
    """Make every check.

    Parameters
    ----------
    pictures : Pictures
        Of both classes.
    min_auc, alpha, n_permutations
        As for `audit_leaks`.
    rng : numpy.random.RandomState

    Returns
    -------
    findings : list of Finding
        Leaks first, then notes; within each by AUC.
    silent : dict of str to (str, float, float)
        Title, AUC and corrected p-value of the checks that found nothing, by code.
    not_run : dict of str to str
        Why the others could not run, by code.
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
