"""ScoreDistributionDisplay: where the scores of each generator and each real source lie."""

import numpy as np
import pandas as pd

from ..labels import is_generated, names_of
from ..plotting import STYLES, axes_with_rows, legend_below
from ..public import public
from .scores import detector_scores, scores_and_own_threshold

# More points than this in a row only make a bar.
_MOST_POINTS = 150


@public("sklearn_ssafe.metrics")
class ScoreDistributionDisplay:
    """Show the scores of every generator and every real source, and the threshold.

    Make it with `from_report`, `from_predictions` or `from_estimator`.

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
    def from_report(cls, report, *, ax=None):
        """Show the scores that a report was made of.

        Parameters
        ----------
        report : DetectionReport
            From `detection_report` or `cross_val_report`.
        ax : matplotlib.axes.Axes or None, default=None
            As for `plot`.

        Returns
        -------
        display : ScoreDistributionDisplay
            The display, plotted.
        """
        return cls(report.scores).plot(ax)

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
        y_true : array-like of shape (n_samples,)
            Labels of two classes.
        y_score : array-like of float, shape (n_samples,)
            Higher means more likely generated.
        generator, source : array-like of str, shape (n_samples,), or None, default=None
            What made each generated picture, where each real one comes from.
        threshold : float or array-like of float, shape (n_samples,), default=0.5
            From which score a picture is called generated.
        pos_label : int, float, bool, str or None, default=None
            The label of generated pictures. None takes the larger of two numbers, such as 1 of 0
            and 1, and knows words such as fake and photo.
        ax : matplotlib.axes.Axes or None, default=None
            As for `plot`.

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
        estimator : classifier
            Fitted on other pictures than `X`. Its own threshold is taken unless `threshold` is
            given. For an outlier detector `threshold` is needed.
        X : array-like of shape (n_samples, ...)
            What it takes.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        pos_label : int, float, bool, str or None, default=None
            As for `from_predictions`.
        ax : matplotlib.axes.Axes or None, default=None
            As for `plot`.
        **options : dict
            Further arguments of `from_predictions`, such as `generator` and `source`.

        Returns
        -------
        display : ScoreDistributionDisplay
            The display, plotted.
        """
        y = np.asarray(y)
        positive = y[is_generated(y, pos_label)][0]
        if "threshold" in options:
            score = detector_scores(estimator, X, positive)
        else:
            score, options["threshold"] = scores_and_own_threshold(estimator, X, positive)
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
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None makes a figure.

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
        self.ax_ = axes_with_rows(ax, len(rows))
        self.figure_ = self.ax_.figure
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
