"""Where a display draws, and the looks that displays share."""

# Okabe and Ito's colours; in black and white, shape and filling tell the classes apart.
STYLES = {
    "generated": {"color": "#D55E00", "marker": "^", "label": "generated"},
    "real": {"color": "#0072B2", "marker": "o", "markerfacecolor": "white", "label": "real"},
    "average": {"color": "0.25", "marker": "D", "label": "average"},
}


def axes_with_rows(ax, n_rows):
    """Return an axis for rows of names from top to bottom.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a figure that is high enough.
    n_rows : int
        How many rows there will be.

    Returns
    -------
    ax : matplotlib.axes.Axes
        With its first row on top.

    Raises
    ------
    ImportError
        matplotlib is missing.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib, which is not installed: "
            'pip install "sklearn-ssafe[explain]". frame() needs none.'
        ) from error
    if ax is None:
        _, ax = plt.subplots(figsize=(7.5, 1.3 + 0.28 * n_rows), layout="constrained")
    ax.set_ylim(n_rows - 0.4, -0.6)
    ax.grid(axis="x", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def legend_below(ax, handles):
    """Put a legend under an axis, in one line, where it hides nothing.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axis.
    handles : list
        What it explains.
    """
    ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -2.6 / (ax.get_ylim()[0] + 2)),
        ncols=len(handles),
        frameon=False,
        fontsize="small",
    )
