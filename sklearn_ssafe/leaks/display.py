"""LeakAuditDisplay: how well each property alone tells the classes apart."""

import numpy as np

from ..plotting import STYLES, Display
from ..public import public
from .audit import audit_leaks


@public("sklearn_ssafe.leaks")
class LeakAuditDisplay(Display):
    """Show the AUC of every property that an audit looked at.

    Make it with `from_result`, or with `from_pictures`, which makes the audit.

    Parameters
    ----------
    audit : LeakAudit
        From `audit_leaks`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        With the plot, after `plot`.
    figure_ : matplotlib.figure.Figure
        That it is in, after `plot`.

    See Also
    --------
    audit_leaks : Compute what is shown.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn_ssafe.leaks import LeakAuditDisplay
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> data = make_generated_images(40, image_size=64, random_state=0)
    >>> display = LeakAuditDisplay.from_pictures(data.X, data.y)
    >>> set(display.frame()["status"])
    {'silent'}
    """

    def __init__(self, audit):
        self.audit = audit

    @classmethod
    def from_pictures(cls, X, y, *, ax=None, **options):
        """Audit pictures and show the result.

        Parameters
        ----------
        X : array-like of shape (n_samples,)
            As for `audit_leaks`.
        y : array-like of shape (n_samples,)
            As for `audit_leaks`.
        {ax}
        **options : dict
            Further arguments of `audit_leaks`, such as `generator`, `source` and `groups`.

        Returns
        -------
        display : LeakAuditDisplay
            The display, plotted.
        """
        return cls(audit_leaks(X, y, **options)).plot(ax)

    def frame(self):
        """Tabulate what is shown.

        Returns
        -------
        table : pandas.DataFrame
            The checks that have an AUC, the highest first; columns as of `LeakAudit.frame`.
        """
        table = self.audit.frame()
        table = table[table["auc"].notna()]
        return table.sort_values("auc", ascending=False, kind="stable", ignore_index=True)

    def plot(self, ax=None):
        """Draw a line for each property, as long as it tells the classes apart.

        Parameters
        ----------
        {ax}

        Returns
        -------
        display : LeakAuditDisplay
            The display itself, with ``ax_`` and ``figure_``.

        Raises
        ------
        ImportError
            matplotlib is missing.
        """
        table = self.frame()
        ax = self._axes(ax, (7, 1.2 + 0.24 * len(table)))
        rows = np.arange(len(table))
        for status in ("leak", "note", "silent"):
            style = STYLES[status]
            mine = (table["status"] == status).to_numpy()
            if not mine.any():
                continue
            ax.hlines(rows[mine], 0.5, table["auc"][mine], color=style["color"], zorder=1)
            face = style.get("markerfacecolor", style["color"])
            ax.scatter(
                table["auc"][mine],
                rows[mine],
                marker=style["marker"],
                label=style["label"],
                edgecolors=style["color"],
                facecolors=face,
                zorder=2,
            )
        ax.axvline(0.5, color="0.3", linewidth=1)
        ax.set_yticks(rows, table["code"].str.replace("_", " "))
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlim(min(0.44, table["auc"].min() - 0.02), 1.02)
        ax.set_xlabel("AUC of a predictor that sees this property alone")
        ax.legend(loc="lower right", frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        return self
