"""ComparisonDisplay: candidates side by side, fold by fold."""

from ..plotting import STYLES, Display, legend_below
from ..public import public
from .comparison import compare_detectors


@public("sklearn_ssafe.comparison")
class ComparisonDisplay(Display):
    """Show what every encoder, head and baseline reaches.

    Make it with `from_result`, or with `from_pictures`, which makes the comparison.

    Parameters
    ----------
    comparison : DetectorComparison
        From `compare_detectors`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        With the plot, after `plot`.
    figure_ : matplotlib.figure.Figure
        That it is in, after `plot`.

    See Also
    --------
    compare_detectors : Compute what is shown.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np
    >>> from sklearn_ssafe.comparison import ComparisonDisplay
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 20)
    >>> pictures = [np.zeros((8, 8), np.uint8)] * 40
    >>> display = ComparisonDisplay.from_pictures(
    ...     pictures, y, encoders={"mine": rng.normal(size=(40, 3)) + y[:, None]},
    ...     heads=["linear"], baselines=False,
    ... )
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['mine / linear']
    """

    def __init__(self, comparison):
        self.comparison = comparison

    @classmethod
    def from_pictures(cls, X, y, *, metric=None, ax=None, **options):
        """Compare detectors and show the comparison.

        Parameters
        ----------
        X : array-like of shape (n_samples,)
            Pictures.
        y : array-like of shape (n_samples,)
            Labels of two classes, or numbers for a regression.
        metric : str or None, default=None
            As for `plot`.
        {ax}
        **options : dict
            Further arguments of `compare_detectors`.

        Returns
        -------
        display : ComparisonDisplay
            The display, plotted.
        """
        return cls(compare_detectors(X, y, **options)).plot(ax, metric=metric)

    def frame(self):
        """Return what is shown.

        Returns
        -------
        table : pandas.DataFrame
            As from `DetectorComparison.frame`.
        """
        return self.comparison.frame()

    def plot(self, ax=None, *, metric=None):
        """Draw one row for each candidate, the best on top.

        The mark is the mean, the line its interval, small points are folds. Intervals of two
        candidates may overlap although one is better in every fold: for that, look at
        `DetectorComparison.differences`.

        Parameters
        ----------
        {ax}
        metric : {"auc", "tpr_at_fpr", "r2", "rmse"} or None, default=None
            Which figure; None takes "auc" or, for a regression, "r2".

        Returns
        -------
        self : ComparisonDisplay
            The display itself.

        Raises
        ------
        ImportError
            matplotlib is missing.
        ValueError
            The comparison does not have that metric.
        """
        metrics = self.comparison.metrics
        metric = metrics[0] if metric is None else metric
        if metric not in metrics:
            raise ValueError(f"metric must be one of {metrics}, got {metric!r}")
        table = self.frame().sort_values(metric, ascending=metric == "rmse", kind="stable")
        self._axes_with_rows(ax, len(table))
        folds = self.comparison.folds.set_index(["input", "head"])[metric]
        handles = {}
        for place, row in enumerate(table.itertuples()):
            style = STYLES["no pixels" if row.baseline else "pictures"]
            values = folds.loc[[(row.input, row.head)]]
            self.ax_.plot(
                values, [place + 0.22] * len(values), ".", color="0.6", markersize=4, zorder=1
            )
            low, high = getattr(row, f"{metric}_low"), getattr(row, f"{metric}_high")
            self.ax_.plot([low, high], [place, place], color=style["color"], linewidth=1.5)
            mean = getattr(row, metric)
            handles[row.baseline] = self.ax_.plot(mean, place, linestyle="", **style)[0]
        names = [f"{row.input} / {row.head}" for row in table.itertuples()]
        self.ax_.set_yticks(range(len(table)), names, fontsize="small")
        if metric == "auc":
            self.ax_.axvline(0.5, color="0.4", linestyle=":", linewidth=1.2)
        self.ax_.set_xlabel(self.comparison.title(metric))
        legend_below(self.ax_, list(handles.values()))
        return self
