"""RobustnessCurveDisplay: a panel for each perturbation, a point with its interval a strength."""

import numpy as np

from ..plotting import LINES, Display, pyplot
from ..public import public
from .curve import robustness_curve

_METRICS = {
    "balanced_accuracy": "balanced accuracy",
    "tpr": "true-positive rate",
    "fpr": "false-positive rate",
    "auc": "AUC",
    "flipped": "verdicts flipped",
}
_COLUMNS = 3


@public("sklearn_ssafe.robustness")
class RobustnessCurveDisplay(Display):
    """Show how a detector's figures change with each perturbation.

    Make it with `from_estimator`, or with `from_result` from a curve that you have.

    Parameters
    ----------
    curve : RobustnessCurve
        From `robustness_curve`.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, after `plot`.
    ax_ : matplotlib.axes.Axes
        The axis that was given, whose place the panels take, or the first panel.
    axes_ : ndarray of matplotlib.axes.Axes, shape (n_panels,)
        One for each perturbation; those that share the part of their name before ``_``, such as
        ``resize_nearest`` and ``resize_bicubic``, share a panel.

    See Also
    --------
    robustness_curve : Compute what is shown.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ssafe import FrozenEncoderTransformer
    >>> from sklearn_ssafe.robustness import RobustnessCurveDisplay
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=24, image_size=64, random_state=0)
    >>> detector = make_pipeline(FrozenEncoderTransformer(), LogisticRegression())
    >>> _ = detector.fit(pictures.X[:12], pictures.y[:12])
    >>> display = RobustnessCurveDisplay.from_estimator(
    ...     detector, pictures.X[12:], pictures.y[12:], perturbations=["crop", "gamma"]
    ... )
    >>> [axis.get_title() for axis in display.axes_]
    ['crop', 'gamma']
    """

    def __init__(self, curve):
        self.curve = curve

    @classmethod
    def from_estimator(cls, estimator, X, y, *, metric="balanced_accuracy", ax=None, **options):
        """Compute the curve of a detector and plot it.

        Parameters
        ----------
        estimator : estimator
            As for `robustness_curve`.
        X : array-like of shape (n_pictures,)
            As for `robustness_curve`.
        y : array-like of shape (n_pictures,)
            As for `robustness_curve`.
        metric : str, default="balanced_accuracy"
            As for `plot`.
        {ax}
        **options : dict
            Further arguments of `robustness_curve`, such as `perturbations`.

        Returns
        -------
        display : RobustnessCurveDisplay
            The display, plotted.
        """
        return cls(robustness_curve(estimator, X, y, **options)).plot(ax, metric=metric)

    def frame(self):
        """Return what is shown.

        Returns
        -------
        table : pandas.DataFrame
            As from `RobustnessCurve.frame`.
        """
        return self.curve.frame()

    def plot(self, ax=None, *, metric="balanced_accuracy"):
        """Draw one panel for each perturbation.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            The panels take its place; None makes a figure.
        metric : {"balanced_accuracy", "tpr", "fpr", "auc", "flipped"}, default="balanced_accuracy"
            What is drawn. All but "flipped" have intervals. The horizontal line is the figure of
            the pictures unchanged.

        Returns
        -------
        self : RobustnessCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            matplotlib is missing.
        ValueError
            There is no such metric.
        """
        if metric not in _METRICS:
            raise ValueError(f"metric must be one of {', '.join(_METRICS)}; got {metric!r}.")
        table = self.frame()
        panels = self._panels()
        self._make_panels(ax, len(panels))
        for number, (axis, (title, perturbations)) in enumerate(
            zip(self.axes_, panels.items(), strict=True)
        ):
            self._draw(axis, title, perturbations, table, metric)
            if number % _COLUMNS == 0:
                axis.set_ylabel(_METRICS[metric])
            if number == 0 or len(perturbations) > 1:
                handles = axis.lines if len(perturbations) > 1 else axis.lines[:1]
                axis.legend(handles=handles, fontsize="x-small", frameon=False)
        return self

    def _panels(self):
        """Perturbations by panel; a panel's perturbations have the same strengths."""
        panels = {}
        for each in self.curve.perturbations:
            family = each.name.partition("_")[0], each.strengths
            panels.setdefault(family, []).append(each)
        return {
            family if len(members) > 1 else members[0].name: members
            for (family, _), members in panels.items()
        }

    def _draw(self, axis, title, perturbations, table, metric):
        unchanged = table.loc[0, metric]
        axis.axhline(unchanged, color="0.45", linewidth=1, zorder=0, label="unchanged")
        for number, perturbation in enumerate(perturbations):
            rows = table[table["perturbation"] == perturbation.name]
            # Beside each other, so that no interval hides another.
            places = np.arange(len(rows)) + 0.09 * (number - (len(perturbations) - 1) / 2)
            values = rows[metric].to_numpy()
            style = LINES[number % len(LINES)]
            axis.plot(places, values, markersize=4, label=_label(perturbation.name, title), **style)
            if metric != "flipped":
                low, high = rows[f"{metric}_low"], rows[f"{metric}_high"]
                axis.vlines(places, low, high, color=style["color"], linewidth=1)
        strengths = perturbations[0].strengths
        axis.set_xticks(range(len(strengths)), [f"{strength:g}" for strength in strengths])
        axis.set_xlim(-0.5, len(strengths) - 0.5)
        axis.set_ylim(-0.03, 1.03)
        axis.set_title(title, fontsize="medium")
        axis.set_xlabel(perturbations[0].unit)

    def _make_panels(self, ax, n_panels):
        pyplot()
        n_columns = min(_COLUMNS, n_panels)
        n_rows = -(-n_panels // n_columns)
        if ax is None:
            self.figure_ = self._own_figure((3.4 * n_columns, 2.6 * n_rows))
            grid = self.figure_.add_gridspec(n_rows, n_columns)
        else:
            self.figure_ = ax.figure
            ax.set_axis_off()
            place = ax.get_subplotspec()
            if place is None:  # of an axis that lies in no grid
                (left, bottom), (right, top) = ax.get_position().get_points()
                room = {"left": left, "bottom": bottom, "right": right, "top": top}
                place = self.figure_.add_gridspec(1, 1, **room)[0]
            grid = place.subgridspec(n_rows, n_columns, wspace=0.3, hspace=0.9)
        panels = [
            self.figure_.add_subplot(grid[divmod(number, n_columns)]) for number in range(n_panels)
        ]
        self.axes_ = np.array(panels, dtype=object)
        self.ax_ = panels[0] if ax is None else ax


def _label(name, title):
    return name.removeprefix(f"{title}_")
