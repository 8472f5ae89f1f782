"""Displays of a detector's figures and scores, by generator and by real source."""

import numpy as np
import pandas as pd

from ..labels import is_generated, names_of
from ..plotting import STYLES, Display, legend_below
from ..public import public
from .report import detection_report
from .report_rows import METRICS
from .scores import scores_and_threshold

_TITLES = {
    "rate": "called generated",
    "tpr": "true-positive rate",
    "fpr": "false-positive rate",
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "average_precision": "average precision",
    "eer": "equal error rate",
    "tpr_at_1pct_fpr": "true-positive rate at 1 % false positives",
    "tpr_at_5pct_fpr": "true-positive rate at 5 % false positives",
    "brier": "Brier score",
    "ece": "expected calibration error",
}
_LESS_IS_BETTER = ("fpr", "eer", "brier", "ece")

# More points than this in a row only make a bar.
_MOST_POINTS = 150


@public("sklearn_ssafe.metrics")
class GeneratorReportDisplay(Display):
    """Show the detection rate of each generator, and the false-positive rate of each source.

    Make it with `from_result`, `from_predictions` or `from_estimator`.

    Parameters
    ----------
    report : DetectionReport
        From `detection_report` or `cross_val_report`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        With the plot, after `plot`.
    figure_ : matplotlib.figure.Figure
        That it is in, after `plot`.

    See Also
    --------
    cross_val_report : Compute what is shown, on generators and sources that are held out.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn_ssafe.metrics import GeneratorReportDisplay
    >>> display = GeneratorReportDisplay.from_predictions(
    ...     [0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], generator=["", "", "gan", "glide"],
    ...     source=["phone", "camera", "", ""], n_resamples=0,
    ... )
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['gan (1*)', 'glide (1*)', 'camera (1*)', 'phone (1*)']
    """

    def __init__(self, report):
        self.report = report

    @classmethod
    def from_predictions(cls, y_true, y_score, *, metric="rate", ax=None, **options):
        """Judge scores and show the report.

        Parameters
        ----------
        {y_true}
        {y_score}
        metric : str, default="rate"
            As for `plot`.
        {ax}
        **options : dict
            Further arguments of `detection_report`, such as `generator` and `source`.

        Returns
        -------
        display : GeneratorReportDisplay
            The display, plotted.
        """
        return cls(detection_report(y_true, y_score, **options)).plot(ax, metric=metric)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, metric="rate", ax=None, **options):
        """Score pictures with a fitted detector, and show the report.

        Parameters
        ----------
        estimator : estimator
            A classifier or outlier detector, fitted on other generators and sources than those of
            `X`. Its own threshold is taken unless `threshold` is given.
        X : array-like of shape (n_samples, ...)
            What it takes.
        {y}
        metric : str, default="rate"
            As for `plot`.
        {ax}
        **options : dict
            Further arguments of `detection_report`, such as `generator` and `source`.

        Returns
        -------
        display : GeneratorReportDisplay
            The display, plotted.
        """
        y = np.asarray(y)
        if "threshold" not in options:
            options.setdefault("threshold_from", "the detector's own")
        score, options["threshold"] = scores_and_threshold(estimator, X, y, **options)
        return cls.from_predictions(y, score, metric=metric, ax=ax, **options)

    def frame(self):
        """Return what is shown.

        Returns
        -------
        table : pandas.DataFrame
            As from `DetectionReport.frame`.
        """
        return self.report.frame()

    def plot(self, ax=None, *, metric="rate"):
        """Draw one row for each generator and each real source, the worst on top.

        Parameters
        ----------
        {ax}
        metric : str, default="rate"
            "rate" is the share called generated: right is good for generators, left for real
            sources. Or a metric of the report, such as "auc" or "tpr_at_5pct_fpr". Lines are
            intervals; the number of pictures stands in brackets, with a star where it is small.

        Returns
        -------
        self : GeneratorReportDisplay
            The display itself.

        Raises
        ------
        ImportError
            matplotlib is missing.
        ValueError
            There is no such metric.
        """
        if metric not in ("rate", *METRICS):
            raise ValueError(f"metric must be 'rate' or one of {METRICS}, got {metric!r}")
        table = self._rows(metric)
        self._axes_with_rows(ax, len(table))
        handles = {}
        for place, (_, row) in enumerate(table.iterrows()):
            style = STYLES[row["class"]]
            ends = [row["low"], row["high"]]
            self.ax_.plot(ends, [place, place], color=style["color"], linewidth=1.5)
            handles[row["class"]] = self.ax_.plot(row["value"], place, linestyle="", **style)[0]
        names = [
            f"{row['name']} ({row['pictures']}{'*' if row['small'] else ''})"
            for _, row in table.iterrows()
        ]
        self.ax_.set_yticks(range(len(table)), names, fontsize="small")
        n_generated = (table["class"] == "generated").sum()
        self.ax_.axhline(n_generated - 0.5, color="0.4", linewidth=1)
        self.ax_.set_xlim(-0.02, 1.02)
        self.ax_.set_xlabel(_TITLES[metric])
        legend_below(self.ax_, list(handles.values()))
        return self

    def _rows(self, metric):
        """Return what is drawn, from top to bottom."""
        table = self.frame().reindex(columns=["ece_low", "ece_high", *self.frame().columns])
        parts = []
        for word in ("generated", "real"):
            column = {"generated": "tpr", "real": "fpr"}[word] if metric == "rate" else metric
            part = table[table["class"] == word].assign(
                value=table[column], low=table[f"{column}_low"], high=table[f"{column}_high"]
            )
            parts.append(part.sort_values("value", ascending=column not in _LESS_IS_BETTER))
        return pd.concat(parts)


@public("sklearn_ssafe.metrics")
class ScoreDistributionDisplay(Display):
    """Show the scores of every generator and every real source, and the threshold.

    Make it with `from_result`, `from_predictions` or `from_estimator`.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns ``generated`` (bool), ``name``, ``score`` and ``threshold``, as
        ``DetectionReport.scores`` has them.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        With the plot, after `plot`.
    figure_ : matplotlib.figure.Figure
        That it is in, after `plot`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn_ssafe.metrics import ScoreDistributionDisplay
    >>> display = ScoreDistributionDisplay.from_predictions(
    ...     [0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], generator=["", "", "gan", "gan"]
    ... )
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['gan', '(unnamed)']
    """

    def __init__(self, scores):
        self.scores = scores

    @classmethod
    def from_result(cls, result, *, ax=None):
        """Show the scores that a report was made of.

        Parameters
        ----------
        result : DetectionReport
            From `detection_report` or `cross_val_report`.
        {ax}

        Returns
        -------
        display : ScoreDistributionDisplay
            The display, plotted.
        """
        return cls(result.scores).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_score,
        *,
        generator=None,
        source=None,
        threshold=0.5,
        pos_label=None,
        ax=None,
    ):
        """Show scores that you have.

        Parameters
        ----------
        {y_true}
        {y_score}
        {generator}
        {source}
        threshold : float or array-like of float, shape (n_samples,), default=0.5
            From which score a picture is called generated.
        {pos_label}
        {ax}

        Returns
        -------
        display : ScoreDistributionDisplay
            The display, plotted.
        """
        generated = is_generated(y_true, pos_label)
        scores = pd.DataFrame(
            {
                "generated": generated,
                "name": names_of(generated, generator, source),
                "score": np.asarray(y_score, dtype=float),
                "threshold": threshold,
            }
        )
        return cls(scores).plot(ax)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, pos_label=None, ax=None, **options):
        """Score pictures with a fitted detector, and show the scores.

        Parameters
        ----------
        estimator : estimator
            A classifier or outlier detector, fitted on other pictures than `X`. Its own threshold
            is taken unless `threshold` is given.
        X : array-like of shape (n_samples, ...)
            What it takes.
        {y}
        {pos_label}
        {ax}
        **options : dict
            Further arguments of `from_predictions`, such as `generator` and `source`.

        Returns
        -------
        display : ScoreDistributionDisplay
            The display, plotted.
        """
        y = np.asarray(y)
        score, options["threshold"] = scores_and_threshold(
            estimator, X, y, pos_label=pos_label, **options
        )
        return cls.from_predictions(y, score, pos_label=pos_label, ax=ax, **options)

    def frame(self):
        """Return what is shown.

        Returns
        -------
        table : pandas.DataFrame
            One row for each score, with ``generated``, ``name``, ``score`` and ``threshold``.
        """
        return self.scores.copy()

    def plot(self, ax=None):
        """Draw one row for each generator and each real source.

        Points are pictures (150 of a row at most), the thick bar holds the middle half, the thin
        one the middle nine tenths, and the mark is the median. Generators are sorted by their
        median, lowest on top; real sources highest on top. The dotted lines are the thresholds:
        one, or one for each fold. With several folds, compare scores within a row with care: they
        come from different classifiers.

        Parameters
        ----------
        {ax}

        Returns
        -------
        self : ScoreDistributionDisplay
            The display itself.

        Raises
        ------
        ImportError
            matplotlib is missing.
        """
        rows = []
        for side, sign in ((True, 1), (False, -1)):
            of_class = self.scores[self.scores["generated"] == side].groupby("name")["score"]
            order = (sign * of_class.median()).sort_values(kind="stable").index
            rows += [(side, name, of_class.get_group(name).to_numpy()) for name in order]
        self._axes_with_rows(ax, len(rows))
        rng = np.random.default_rng(0)
        handles = {}
        for place, (side, _, score) in enumerate(rows):
            word = "generated" if side else "real"
            style = STYLES[word]
            colour = style["color"]
            shown = score if len(score) <= _MOST_POINTS else rng.choice(score, _MOST_POINTS, False)
            heights = place + rng.uniform(-0.3, 0.3, len(shown))
            self.ax_.scatter(shown, heights, s=5, color=colour, alpha=0.35, linewidth=0)
            low, first, median, third, high = np.quantile(score, [0.05, 0.25, 0.5, 0.75, 0.95])
            self.ax_.plot([low, high], [place, place], color=colour, linewidth=1)
            self.ax_.plot([first, third], [place, place], color=colour, linewidth=3)
            handles[word] = self.ax_.plot(median, place, linestyle="", zorder=3, **style)[0]
        thresholds = np.unique(self.scores["threshold"])
        for threshold in thresholds[np.isfinite(thresholds)]:
            line = self.ax_.axvline(threshold, color="0.2", linestyle=":", linewidth=1.2)
            line.set_label("threshold" if len(thresholds) == 1 else "threshold of a fold")
            handles["threshold"] = line
        names = [name or "(unnamed)" for _, name, _ in rows]
        self.ax_.set_yticks(range(len(rows)), names, fontsize="small")
        self.ax_.axhline(sum(side for side, _, _ in rows) - 0.5, color="0.4", linewidth=1)
        self.ax_.set_xlabel("score (higher: more likely generated)")
        legend_below(self.ax_, list(handles.values()))
        return self
