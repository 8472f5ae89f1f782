"""GeneratorReportDisplay: a line for each generator and each real source."""

import numpy as np
import pandas as pd

from ..labels import is_generated
from ..plotting import STYLES, axes_with_rows, legend_below
from ..public import public
from .detection_report import detection_report
from .report_rows import METRICS
from .scores import detector_scores, scores_and_own_threshold

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


@public("sklearn_ssafe.metrics")
class GeneratorReportDisplay:
    """Show how well each generator is found, and how often each real source is accused.

    Make it with `from_report`, `from_predictions` or `from_estimator`.

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
    def from_report(cls, report, *, metric="rate", ax=None):
        """Show a report that you have.

        Parameters
        ----------
        report : DetectionReport
            From `detection_report` or `cross_val_report`.
        metric : str, default="rate"
            As for `plot`.
        ax : matplotlib.axes.Axes or None, default=None
            As for `plot`.

        Returns
        -------
        display : GeneratorReportDisplay
            The display, plotted.
        """
        return cls(report).plot(ax, metric=metric)

    @classmethod
    def from_predictions(cls, y_true, y_score, *, metric="rate", ax=None, **options):
        """Judge scores and show the report.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            As for `detection_report`.
        y_score : array-like of float, shape (n_samples,)
            As for `detection_report`.
        metric : str, default="rate"
            As for `plot`.
        ax : matplotlib.axes.Axes or None, default=None
            As for `plot`.
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
        estimator : classifier
            Fitted, on other generators and sources than those of `X`. Its own threshold is taken
            unless `threshold` is given. For an outlier detector `threshold` is needed.
        X : array-like of shape (n_samples, ...)
            What it takes.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        metric : str, default="rate"
            As for `plot`.
        ax : matplotlib.axes.Axes or None, default=None
            As for `plot`.
        **options : dict
            Further arguments of `detection_report`, such as `generator` and `source`.

        Returns
        -------
        display : GeneratorReportDisplay
            The display, plotted.
        """
        y = np.asarray(y)
        positive = y[is_generated(y, options.get("pos_label"))][0]
        if "threshold" in options:
            score = detector_scores(estimator, X, positive)
        else:
            score, options["threshold"] = scores_and_own_threshold(estimator, X, positive)
            options.setdefault("threshold_from", "the classifier's own")
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
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.
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
        self.ax_ = axes_with_rows(ax, len(table))
        self.figure_ = self.ax_.figure
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
