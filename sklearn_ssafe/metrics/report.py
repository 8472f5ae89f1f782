"""DetectionReport: the judged detector, as a table, text, Markdown, HTML or JSON."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..labels import is_generated, known_labels, names_of
from ..public import public
from ..results import Result, Summary, bracketed, percent, plain
from .report_rows import FEW_PICTURES, FEW_UNITS, ScoredPictures, report_rows

_HEADINGS = {
    "tpr": "TPR",
    "fpr": "FPR",
    "auc": "AUC",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "tpr_at_5pct_fpr": "TPR at 5 % FPR",
    "balanced_accuracy": "balanced accuracy",
    "average_precision": "average precision",
    "eer": "EER",
    "brier": "Brier",
    "ece": "ECE",
}
# Below this AUC of all pictures together, scores rank the classes the wrong way round.
_TURNED_ROUND = 0.25


def warn_of_swapped_labels(auc):
    """Return a sentence where an AUC is so low that labels may be swapped, else None."""
    if not auc < _TURNED_ROUND:
        return None
    return (
        f"The labels may be swapped: the AUC of all pictures is {auc:.2f}, so real pictures score "
        f"higher than generated ones. The other way round it would be {1 - auc:.2f}. Look at which "
        "label means generated, and which way the scores point."
    )


# A terminal is narrow.
_IN_PLAIN_TEXT = ("tpr", "fpr", "auc", "tpr_at_1pct_fpr")


@public("sklearn_ssafe.metrics")
@dataclass(repr=False)
class DetectionReport(Result):
    """How well a detector does, by generator and by real source. Made by `detection_report`.

    Attributes
    ----------
    rows : pandas.DataFrame
        What `frame` returns.
    scores : pandas.DataFrame
        What was judged, a row for each score: ``picture`` (position in the data), ``generated``,
        ``name`` (generator or source), ``score``, ``threshold`` and ``fold``.
    settings : dict
        How it was made: counts, folds, thresholds and where they came from, the bootstrap.

    See Also
    --------
    sklearn_ssafe.detection_report : Makes it from scores.
    sklearn_ssafe.cross_val_report : Makes it by cross-validation.
    """

    rows: pd.DataFrame
    scores: pd.DataFrame
    settings: dict

    def frame(self):
        """Return the figures as a table.

        Returns
        -------
        table : pandas.DataFrame
            Generators, the worst AUC first; real sources, the highest false-positive rate first;
            then the averages, ``macro`` (each generator and each source counts once) and
            ``pooled`` (each picture counts once). The columns:

            - ``class`` ("generated", "real" or "average") and ``name``;
            - ``pictures``; ``compared_with``, pictures of the other class in the same folds, and
              ``names_compared``, how many sources (or generators) these come from;
            - ``tpr``, ``fpr`` and ``balanced_accuracy`` at the threshold;
            - ``auc``, ``average_precision``, ``eer``, ``tpr_at_1pct_fpr`` and ``tpr_at_5pct_fpr``,
              which need no threshold;
            - ``brier`` and ``ece``, NaN for scores that are no probabilities;
            - after each but ``ece``, the ends of its interval, ``..._low`` and ``..._high``;
            - ``resampled``, ``units`` and ``units_compared``: what the bootstrap drew, and how
              many there are of it in the row's own class and in the other;
            - ``small``: too few to rely on.
        """
        return self.rows.copy()

    @property
    def worst(self):
        """The rows to look at first: a dict with keys "generated" and "real", each a Series."""
        return {
            word: self.rows[self.rows["class"] == word].iloc[0] for word in ("generated", "real")
        }

    def to_dict(self):
        """Return settings and rows in plain types.

        Returns
        -------
        facts : dict
            With the keys ``settings`` and ``rows``; None where there is no figure.
        """
        return plain({"settings": self.settings, "rows": self.rows})

    def to_markdown(self):
        """Return the report as Markdown.

        Returns
        -------
        text : str
            What was done, the two rows to look at first, and the table.
        """
        return self._summary(_HEADINGS).markdown()

    def to_html(self):
        """Return the report as a piece of HTML, without scripts or style sheets.

        Returns
        -------
        text : str
            The same as `to_markdown` has.
        """
        return self._summary(_HEADINGS).html("ssafe-report")

    def __repr__(self):
        return self._summary(_IN_PLAIN_TEXT).text()

    def _summary(self, metrics):
        heading = ["class", "name", "pictures", *(_HEADINGS[name] for name in metrics)]
        figures = bracketed(self.rows, metrics)
        rows = [
            [kind, name, f"{n_pictures}{' *' if small else ''}", *cells]
            for (kind, name, n_pictures, small), cells in zip(
                self.rows[["class", "name", "pictures", "small"]].itertuples(index=False),
                figures,
                strict=True,
            )
        ]
        return Summary([*self._facts()], heading, rows, [*self._notes()])

    def _facts(self):
        known = self.settings
        folds = f"{known['folds']} folds" if known["folds"] > 1 else "one detector"
        held_out = f". Held out: {known['held_out']}" if "held_out" in known else ""
        yield (
            f"{known['real']} real and {known['generated']} generated pictures, {folds}{held_out}."
        )
        thresholds = [f"{value:.3g}" for value in known["threshold"]]
        text = thresholds[0]
        if len(thresholds) > 1:
            text = f"{thresholds[0]} to {thresholds[-1]}, by fold"
        yield f"Called generated from a score of {text}: {known['threshold_from']}."
        found, real = self.worst["generated"], self.worst["real"]
        yield (
            f"Found worst: {found['name']} (detection rate {percent(found['tpr'])}, "
            f"AUC {found['auc']:.2f}). Most false positives: {real['name']} "
            f"({percent(real['fpr'])} called generated)."
        )
        if swapped := warn_of_swapped_labels(self.rows["auc"].iloc[-1]):
            yield swapped

    def _notes(self):
        known = self.settings
        if known["n_resamples"]:
            by_class = self.rows.groupby("class", sort=False)["resampled"].unique()
            drawn = (f"for {word} rows {', or '.join(how)}" for word, how in by_class.items())
            yield (
                f"In brackets: {known['confidence_level']:.0%} intervals, bootstrap of "
                f"{known['n_resamples']} draws. What was drawn: {' | '.join(drawn)}."
            )
        if known["across_folds"] == "pool":
            yield "Ranking metrics are POOLED: scores of all folds were ranked together."
        elif known["folds"] > 1:
            yield "AUC, EER, average precision and TPR at an FPR: within each fold, then averaged."
        if self.rows["small"].any():
            yield (
                f"* small: fewer than {FEW_PICTURES} pictures, or fewer than {FEW_UNITS} units to "
                "draw from on one side. Rough figures, and intervals as wide as that."
            )
        yield (
            "Averages: macro counts each generator and source once, pooled counts each picture "
            "once."
        )
        found = self.rows[self.rows["class"] == "generated"]
        if n_single := int((found["names_compared"] == 1).sum()):
            yield (
                f"{n_single} generator(s) were compared with one real source each: their AUC and "
                "FPR say as much about that source as about the generator."
            )
        if (found["compared_with"] < 100).any():
            yield (
                "A generator compared with fewer than 100 real pictures: its TPR at 1 % FPR is the "
                "one without any false positive."
            )


@public("sklearn_ssafe")
def detection_report(
    y_true,
    y_score,
    *,
    generator=None,
    source=None,
    groups=None,
    fold=None,
    threshold=0.5,
    threshold_from="fixed beforehand",
    across_folds="average",
    pos_label=None,
    n_resamples=1000,
    confidence_level=0.95,
    random_state=0,
):
    """Judge scores by generator and by real source, with confidence intervals.

    A generator is compared with the real pictures of its folds, a real source with the generated
    ones. Scores of different folds come from different classifiers. So whatever depends on their
    order (AUC, average precision, EER, TPR at a false-positive rate) is computed within each fold,
    then averaged, with the row's own pictures in the fold as weights.

    Parameters
    ----------
    {y_true}
    y_score : array-like of float, shape (n_samples,)
        Scores of pictures that the classifier has not seen; higher means more likely generated.
        If all are from 0 to 1 they are taken for probabilities, and their calibration is judged.
    {generator}
    {source}
    {groups}
    fold : array-like of shape (n_samples,) or None, default=None
        The fold in which each picture was tested. None: one classifier gave all scores.
    threshold : float or array-like of float, shape (n_samples,), default=0.5
        A picture with this score or more is called generated. With several folds, the threshold
        of each picture's fold.
    threshold_from : str, default="fixed beforehand"
        Where the threshold came from, in words; a line of the report.
    across_folds : {"average", "pool"}, default="average"
        "pool" ranks scores of different folds together. Only sensible if all scores come from one
        classifier, or from classifiers on one scale.
    {pos_label}
    {n_resamples}
    {confidence_level}
    {random_state}

    Returns
    -------
    report : DetectionReport
        A table that prints itself; see `DetectionReport.frame` for its columns.

    Raises
    ------
    ValueError
        A score is missing, a fold lacks a class, or a parameter is out of range.

    Notes
    -----
    **Intervals** come from a bootstrap that draws units, not single pictures, where pictures
    belong together. For either class of a row the units are the largest of which there
    are two or more: whole sources (or generators), joined where they share a group; else groups;
    else pictures. Column ``resampled`` says which. A generator alone cannot be resampled as a
    whole, so its interval is about further pictures of *this* generator against further real
    sources; those of the averages are about further generators and further sources. Folds and
    classifiers are held fixed.

    Units of the two classes are drawn one class at a time. The variances, each times
    ``n / (n - 1)`` for n units, add up, and the interval is that of Student's t on log-odds with
    Satterthwaite's degrees of freedom [1]_: it stays between 0 and 1, and is as wide as few units
    make it [2]_. ``benchmarks/coverage.py`` simulates how often it holds the truth.

    At a rate of 0 or 1 resampling has nothing to vary, and the exact binomial interval for the
    number of units stands instead. Other figures that no resample changes have no interval. Nor
    has the ECE, which resampling makes larger.

    **Small** rows are marked: fewer than 30 pictures, or fewer than 5 units on either side. Their
    intervals are wide, and those of a single generator or source against two or three units hold
    the truth in about 85 to 90 % of simulated sets where 95 % are claimed. Where a class has one
    unit alone, its pictures are drawn, and the interval says nothing about further units.

    References
    ----------
    .. [1] F. Satterthwaite, "An approximate distribution of estimates of variance components",
       Biometrics Bulletin 2 (1946).
    .. [2] A. Cameron, J. Gelbach and D. Miller, "Bootstrap-based improvements for inference with
       clustered errors", Review of Economics and Statistics 90 (2008).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> generator = np.repeat(["", "glide", "sdxl"], [100, 50, 50])
    >>> source = np.repeat(["camera", "phone", ""], [50, 50, 100])
    >>> score = np.clip(rng.normal(0.3, 0.1, 200) + 0.4 * (generator == "sdxl"), 0, 1)
    >>> report = detection_report(generator != "", score, generator=generator, source=source)
    >>> report.frame()[["class", "name", "pictures", "tpr", "fpr"]].round(2).head(3)
           class   name  pictures   tpr   fpr
    0  generated  glide        50  0.00  0.01
    1  generated   sdxl        50  0.98  0.01
    2       real  phone        50  0.49  0.02
    """
    generated = is_generated(y_true, pos_label)
    n = len(generated)
    return build_report(
        generated,
        y_score,
        generator=generator,
        source=source,
        groups=groups,
        fold=np.zeros(n, dtype=int) if fold is None else fold,
        picture=np.arange(n),
        threshold=threshold,
        across_folds=across_folds,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        random_state=random_state,
        settings={"threshold_from": threshold_from},
    )


def build_report(
    generated,
    y_score,
    *,
    generator,
    source,
    groups,
    fold,
    picture,
    threshold,
    across_folds,
    n_resamples,
    confidence_level,
    random_state,
    settings,
):
    """Check the parts, and make the report of them.

    One item a score; `picture` says which picture it belongs to, as one that is tested in several
    folds has several. `settings` are what else the report says about how it was made.
    """
    score = column_or_1d(y_score).astype(float)
    check_consistent_length(generated, score, generator, source, groups, fold)
    _check(across_folds, n_resamples, confidence_level)
    if len(missing := np.flatnonzero(~np.isfinite(score))):
        raise ValueError(
            f"{len(missing)} of {len(score)} pictures have no score (first in row {missing[0]}): "
            "leave their rows out, and say how many there were"
        )
    threshold = np.asarray(threshold, dtype=float)
    if threshold.shape not in ((), score.shape) or np.isnan(threshold).any():
        raise ValueError(
            f"threshold must be a number, or one for each of the {len(score)} scores, got "
            f"{threshold!r}"
        )
    threshold = np.broadcast_to(threshold, score.shape)
    fold = np.unique(np.asarray(fold), return_inverse=True)[1]
    compared = np.zeros_like(fold) if across_folds == "pool" else fold
    _check_folds(generated, compared)

    name = names_of(generated, generator, source)
    scored = ScoredPictures(
        generated=generated,
        called=score >= threshold,
        score=score,
        name=name,
        groups=None if groups is None else known_labels(len(generated), groups),
        picture=picture,
        fold=compared,
        is_probability=bool(((score >= 0) & (score <= 1)).all()),
    )
    rows = report_rows(
        scored,
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        random_state=random_state,
    )
    table = pd.DataFrame(
        {
            "picture": picture,
            "generated": generated,
            "name": name,
            "score": score,
            "threshold": threshold,
            "fold": fold,
        }
    )
    facts = {
        "real": len(np.unique(picture[~generated])),
        "generated": len(np.unique(picture[generated])),
        "folds": int(fold.max() + 1),
        "threshold": sorted(set(threshold.tolist())),
        "across_folds": across_folds,
        "n_resamples": n_resamples,
        "confidence_level": confidence_level,
    }
    return DetectionReport(rows, table, {**facts, **settings})


def _check(across_folds, n_resamples, confidence_level):
    if across_folds not in ("average", "pool"):
        raise ValueError(f"across_folds must be 'average' or 'pool', got {across_folds!r}")
    if not isinstance(n_resamples, Integral) or n_resamples < 0:
        raise ValueError(f"n_resamples must be a whole number from 0 up, got {n_resamples!r}")
    if not isinstance(confidence_level, Real) or not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level must be between 0 and 1, got {confidence_level!r}")


def _check_folds(generated, fold):
    for number in range(fold.max() + 1):
        if len(set(generated[fold == number])) < 2:
            word = "generated" if generated[fold == number][0] else "real"
            raise ValueError(
                f"fold {number} tests {word} pictures alone, so nothing can be ranked in it. "
                "GeneratorGroupKFold and LeaveOneGeneratorOut make folds with both classes; if "
                'one classifier gave all scores, leave fold out or set across_folds="pool"'
            )
