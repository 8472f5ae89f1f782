"""evaluation_report: a page that says what a fitted detector is worth on labelled pictures."""

from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.base import is_outlier_detector
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.validation import check_consistent_length

from ..detector.columns import split_table
from ..images.inputs import as_pictures
from ..labels import generated_label, is_generated, known_columns, known_labels
from ..leaks.audit import audit_leaks
from ..metrics.report import DetectionReport, build_report
from ..metrics.scores import judge_pictures, last_step, operating_threshold
from ..public import public
from .facts import detector_facts, evaluation_facts
from .marks import provenance_of
from .page import render_page
from .picture_page import PicturePage
from .pictures import make_thumbnails, picture_names
from .unsure import verdicts_of


@public("sklearn_ssafe")
@validate_params(
    {
        "estimator": [HasMethods(["predict"])],
        "y": ["array-like"],
        "pictures": ["array-like", None],
        "generator": ["array-like", None],
        "source": ["array-like", None],
        "groups": ["array-like", None],
        "audit": ["boolean"],
        "provenance": ["boolean"],
        "trust_anchors": [str, Path, None],
        "thumbnails": ["boolean"],
        "show_paths": ["boolean"],
        "n_errors": [Interval(Integral, 0, None, closed="left")],
        "title": [str],
        "n_resamples": [Interval(Integral, 0, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": [Integral],
        "verbose": ["boolean", Integral, StrOptions({"auto"})],
    },
    prefer_skip_nested_validation=False,
)
def evaluation_report(
    estimator,
    X,
    y,
    *,
    pictures=None,
    generator=None,
    source=None,
    groups=None,
    pos_label=None,
    robustness=None,
    audit=True,
    provenance=True,
    trust_anchors=None,
    thumbnails=True,
    show_paths=True,
    n_errors=12,
    title="A detector of generated pictures, evaluated",
    n_resamples=1000,
    confidence_level=0.95,
    random_state=0,
    verbose="auto",
):
    """Evaluate a fitted detector on labelled pictures, and make one page of it.

    The page begins with the verdict: the false-positive rate, the detection rate, and which
    generators are missed. Figures by generator and by source, curves, the most confident errors and
    the audit of these pictures follow. Nothing is fitted or chosen here; the threshold is the
    detector's own.

    Parameters
    ----------
    estimator : estimator
        A fitted `SSAFEClassifier`, a pipeline of `FrozenEncoderTransformer` and a classifier or
        outlier detector, a search over one, or any other classifier of pictures.
    X : array-like of shape (n_samples, ...)
        What the detector takes, usually pictures. It must not have seen them, and better not their
        generators and sources either.
    y : array-like of shape (n_samples,)
        Labels of two classes: 0 real and 1 generated, or others with `pos_label`.
    pictures : array-like of shape (n_samples,) or None, default=None
        The pictures, where X is something else, such as embeddings or a table with further
        columns. None: X, or its column of pictures for an `SSAFEClassifier` with `columns`.
    generator : array-like of str, shape (n_samples,), or None, default=None
        What made each generated picture, ``""`` where unknown.
    source : array-like of str, shape (n_samples,), or None, default=None
        Where each real picture comes from, ``""`` where unknown.
    groups : array-like of shape (n_samples,) or None, default=None
        Pictures that belong together, such as those of one scene.
    pos_label : int, float, bool, str or None, default=None
        The label in `y` of generated pictures. None takes the larger of two numbers, such as
        1 of 0 and 1, and knows words such as fake and photo. The detector may have been trained
        with other labels.
    robustness : None, "all", str, Perturbation, sequence of these, or dict, default=None
        Changes to try, as `perturbations` of `robustness_curve`. Each costs one encoding a picture.
    audit : bool, default=True
        Whether the pictures are audited, see `audit_leaks`.
    provenance : bool, default=True
        Whether the files are asked what they claim of their origin, see `read_provenance`. It
        stands beside the figures, and has no part in them.
    trust_anchors : str, Path or None, default=None
        A PEM file of the authorities whose signers are trusted.
    thumbnails : bool, default=True
        Whether the most confident errors are shown as small pictures. Turn it off where pictures
        are confidential.
    show_paths : bool, default=True
        Whether paths are told, without the folders that all pictures share. If False, a picture is
        called by its row in X, from 0.
    n_errors : int, default=12
        How many errors of either kind are shown at most.
    title : str, default="A detector of generated pictures, evaluated"
        The heading.
    n_resamples : int, default=1000
        Bootstrap resamples behind each interval; 0 leaves the intervals out.
    confidence_level : float, default=0.95
        Coverage of the intervals.
    random_state : int, default=0
        Seed of bootstrap, audit and changes.
    verbose : bool or "auto", default="auto"
        Whether to show progress bars; "auto" does in a terminal or notebook.

    Returns
    -------
    page : EvaluationReport
        A notebook shows it. ``page.save("report.html")`` writes it, ``page.facts`` is all it says
        as a dict, ``page.report`` the figures as a `DetectionReport`.

    Raises
    ------
    EncodingError
        No picture could be encoded. A single one that cannot be read is listed, and left out.
    ValueError
        Lengths differ, or the pictures that can be read are not of two classes.

    See Also
    --------
    detection_report : The figures alone, from scores.
    cross_val_report : The figures of a detector that is yet to be trained.

    Examples
    --------
    >>> from sklearn_ssafe import SSAFEClassifier, evaluation_report
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> data = make_generated_images(n_samples=80, image_size=64, random_state=0)
    >>> detector = SSAFEClassifier(cv=None).fit(data.X[:40], data.y[:40])
    >>> page = evaluation_report(
    ...     detector, data.X[40:], data.y[40:],
    ...     generator=data.generator[40:], source=data.source[40:], n_resamples=100,
    ... )
    >>> page.facts["data"]
    {'pictures': 40, 'real': 20, 'generated': 20}
    >>> page.to_html().startswith("<!doctype html>")
    True
    """
    generated = is_generated(y, pos_label)
    head = last_step(estimator)
    columns, given = getattr(head, "columns", None), pictures
    if pictures is None:
        given = X if columns is None else split_table(X, columns)[0]
    items = as_pictures(given)
    check_consistent_length(X, items, generated, generator, source, groups)
    if robustness is not None and pictures is not None and columns is None:
        raise ValueError(
            "robustness changes pictures and asks the detector anew, so that the detector has to "
            "take pictures: give a pipeline with its encoder, and the pictures as X"
        )
    label = _label_of_generated(head, y, generated)
    known = known_columns(len(items), {"generator": generator, "source": source})
    groups = None if groups is None else known_labels(len(items), groups)

    judged = judge_pictures(estimator, X, items, label=label)
    good = np.flatnonzero(np.isfinite(judged.score))
    names = picture_names(items, show_paths, known=good)
    score = judged.score[good]
    if len(set(generated[good])) < 2:
        raise ValueError(
            f"of {len(items)} pictures, {len(good)} could be judged, and they are all of one class"
        )
    known = {name: values[good] for name, values in known.items()}
    groups = None if groups is None else groups[good]
    threshold = operating_threshold(estimator, score, judged.called[good])
    report = build_report(
        generated[good],
        score,
        **known,
        groups=groups,
        fold=np.zeros(len(good), dtype=int),
        picture=good,
        threshold=threshold.lowest_called,
        across_folds="average",
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        random_state=random_state,
        settings={"threshold_from": threshold.origin},
    )
    common = {"random_state": random_state, "verbose": verbose}
    chosen = [items[row] for row in good]
    findings = curve = None
    if audit:
        y = generated[good].astype(int)
        findings = audit_leaks(chosen, y, **known, groups=groups, **common)
    if robustness is not None:
        from ..robustness.curve import robustness_curve

        curve = robustness_curve(
            estimator,
            chosen if columns is None else _safe_indexing(X, good),
            np.where(generated[good], label, _other_label(head, label)),
            perturbations=robustness,
            pos_label=label,
            **known,
            groups=groups,
            n_resamples=n_resamples,
            confidence_level=confidence_level,
            **common,
        )
    facts = evaluation_facts(
        report,
        head=head,
        described=detector_facts(estimator, head, show_paths=show_paths),
        threshold=threshold,
        verdict=verdicts_of(head, X, good, score),
        audit=findings,
        curve=curve,
        marks=provenance_of(chosen, trust_anchors) if provenance else None,
        failures=judged.reasons if show_paths else _without_paths(judged.reasons, items),
        names=names,
        n_errors=n_errors,
        title=title,
        random_state=random_state,
    )
    small = {}
    if thumbnails:
        shown = [e["row"] for kind in ("false_positives", "missed") for e in facts["errors"][kind]]
        small = dict(zip(shown, make_thumbnails([items[row] for row in shown]), strict=True))
    return EvaluationReport(facts, report, small, [picture.item for picture in chosen])


def _label_of_generated(head, y, generated):
    """Find the detector's word for generated: it may have been trained with other labels."""
    if is_outlier_detector(head):
        return 1
    if hasattr(head, "pos_label_"):
        return head.pos_label_
    label = np.asarray(y)[generated][0]
    return label if label in head.classes_.tolist() else generated_label(head.classes_)


def _other_label(head, label):
    classes = getattr(head, "classes_", [0, 1])
    return next(each for each in classes if each != label)


def _without_paths(reasons, items):
    """Take paths out of reasons that quote them."""
    return {row: reason.replace(str(items[row].item), "...") for row, reason in reasons.items()}


@public("sklearn_ssafe.evaluation_page")
@dataclass(repr=False)
class EvaluationReport(PicturePage):
    """What a detector is worth on labelled pictures. Made by `evaluation_report`.

    Attributes
    ----------
    facts : dict
        All that the page says, in plain types: ``verdict``, ``rows``, ``threshold``, ``audit`` and
        so on.
    report : DetectionReport
        The figures by generator and by source.
    thumbnails : dict of int to str
        The most confident errors as small pictures, by row.
    pictures : list
        All judged pictures as they were given, in the order of ``facts["pictures"]``.

    See Also
    --------
    sklearn_ssafe.evaluation_report : Makes it.
    """

    facts: dict
    report: DetectionReport
    thumbnails: dict = field(default_factory=dict)
    pictures: list = field(default_factory=list)

    _kind = "Evaluation report"

    def _render(self, folder=None, without=()):
        return render_page(self.facts, self.thumbnails, folder, without)

    @property
    def _picture_table(self):
        return self.facts["pictures"]

    def frame(self):
        """Return the figures as a table.

        Returns
        -------
        table : pandas.DataFrame
            As `DetectionReport.frame`.
        """
        return self.report.frame()

    def to_dict(self):
        """Return all that the page says, but for its pictures.

        Returns
        -------
        facts : dict
            As ``facts``.
        """
        return self.facts

    def __repr__(self):
        verdict = self.facts["verdict"]
        lines = [self.facts["title"], *verdict["points"]]
        lines += [f"Caution: {text}" for text in verdict["cautions"]]
        return "\n".join([*lines, "", repr(self.report)])
