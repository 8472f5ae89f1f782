"""What displays share: where they draw, their looks, and how they are made of a result."""

# Okabe and Ito's colours; in black and white, shape and filling tell the marks apart.
STYLES = {
    "generated": {"color": "#D55E00", "marker": "^", "label": "generated"},
    "real": {"color": "#0072B2", "marker": "o", "markerfacecolor": "white", "label": "real"},
    "no pixels": {
        "color": "0.35", "marker": "o", "markerfacecolor": "white", "label": "no pixels seen"
    },
    "pictures": {"color": "#0072B2", "marker": "s", "label": "with pictures"},
    "leak": {"color": "#D55E00", "marker": "s", "label": "leak"},
    "note": {"color": "#0072B2", "marker": "^", "label": "note (not seen in pixels)"},
    "silent": {"color": "0.55", "marker": "o", "markerfacecolor": "white", "label": "silent"},
}  # fmt: skip
LINES = (
    {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    {"color": "#009E73", "marker": "^", "linestyle": "-."},
    {"color": "#CC79A7", "marker": "D", "linestyle": ":"},
    {"color": "#E69F00", "marker": "v", "linestyle": "-"},
    {"color": "#56B4E9", "marker": "P", "linestyle": "--"},
)


class Display:
    """What every display can do; a subclass has `frame` and `plot`, and is made of a result."""

    @classmethod
    def from_result(cls, result, *, ax=None, **options):
        """Show a result that you have."""
        return cls(result).plot(ax, **options)

    def _axes(self, ax, size):
        """Return where to draw: `ax`, or the only axis of a figure of this size."""
        pyplot()
        self.ax_ = self._own_figure(size).add_subplot() if ax is None else ax
        self.figure_ = self.ax_.figure
        return self.ax_

    def _axes_with_rows(self, ax, n_rows):
        """Return an axis for rows of names from top to bottom."""
        ax = self._axes(ax, (7.5, 1.3 + 0.28 * n_rows))
        ax.set_ylim(n_rows - 0.4, -0.6)
        ax.grid(axis="x", color="0.9", linewidth=0.8)
        ax.set_axisbelow(True)
        return ax

    def _own_figure(self, size):
        """Make a figure; one that is still open is drawn anew, so that none is shown twice."""
        figure = getattr(self, "_figure", None)
        if figure is not None and pyplot().fignum_exists(figure.number):
            figure.clear()
            figure.set_size_inches(size)
        else:
            self._figure = figure = pyplot().figure(figsize=size, layout="constrained")
        return figure


def pyplot():
    """Import matplotlib, or say how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib, which is not installed: "
            'pip install "sklearn-ssafe[explain]". frame() needs none.'
        ) from error
    return plt


def legend_below(ax, handles):
    """Put a legend under an axis, in one line, where it hides nothing."""
    ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -2.6 / (ax.get_ylim()[0] + 2)),
        ncols=len(handles),
        frameon=False,
        fontsize="small",
    )
