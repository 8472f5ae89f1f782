"""The plot of "Unsure, and your own cameras", drawn from the figures in ``benchmarks/results``."""

import json
from pathlib import Path

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"
FIGURES = DOCS / "user_guide" / "figures"
WAYS = {"each name": ("#0072B2", "o"), "out of fold": ("#009E73", "s"), "pooled": ("#D55E00", "^")}


def draw(app):
    """Draw it, before Sphinx reads the pages."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    FIGURES.mkdir(exist_ok=True)
    rows = json.loads((RESULTS / "verdicts.json").read_text())["simulated"]
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
    for ax, word in zip(axes, ("real", "generated"), strict=True):
        for way, (colour, marker) in WAYS.items():
            mine = [row for row in rows if row["way"] == way]
            x = [row["coverage"] for row in mine]
            y = [row[f"worst_{word}"] for row in mine]
            ax.scatter(x, y, color=colour, marker=marker, label=way)
        ax.axhline(0.1, color="0.3", linestyle=":")
        ax.set_title({"real": "worst source", "generated": "worst generator"}[word], fontsize=11)
        ax.set_xlabel("share of pictures with a verdict")
        ax.set_xlim(0, 1)
    axes[0].set_ylabel("true rate of wrong verdicts")
    axes[0].set_ylim(bottom=0)
    axes[1].legend(title="calibrated", frameon=False, fontsize="small")
    figure.savefig(FIGURES / "verdicts.svg", bbox_inches="tight")
    plt.close(figure)
