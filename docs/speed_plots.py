"""The plots of "How fast, and why", drawn from the figures in ``benchmarks/results``."""

import json
from pathlib import Path

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"
FIGURES = DOCS / "user_guide" / "figures"


def draw(app):
    """Draw all of them, before Sphinx reads the pages."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    FIGURES.mkdir(exist_ok=True)
    throughput = json.loads((RESULTS / "throughput.json").read_text())
    store = json.loads((RESULTS / "store.json").read_text())
    for name, plot, figures in (
        ("throughput", _throughput, throughput),
        ("stages", _stages, throughput),
        ("reading", _reading, throughput),
        ("store", _store, store),
    ):
        figure = plot(plt, figures)
        figure.savefig(FIGURES / f"{name}.svg", bbox_inches="tight")
        plt.close(figure)


def _throughput(plt, figures):
    rates = figures["images_per_second"]
    alone = figures["encoder_alone"]
    figure, axes = plt.subplots(figsize=(7, 2.4))
    names = list(rates)[::-1]
    colours = ["#0072b2" if name.startswith("sklearn_ssafe") else "#bbbbbb" for name in names]
    bars = axes.barh(names, [rates[name] for name in names], color=colours, edgecolor="black")
    axes.bar_label(bars, fmt="%.1f", padding=3)
    bound = alone["images_per_second_at_that_rate"]
    axes.axvline(bound, color="black", linestyle="--")
    axes.set_title("dashed: a bf16 matrix product's rate, nothing else done", loc="right", size=9)
    axes.set_xlabel("images per second, from JPEG paths")
    axes.set_xlim(0, 1.05 * bound)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _stages(plt, figures):
    stages = figures["processor_ms_per_image"]
    total = sum(stages.values())
    figure, axes = plt.subplots(figsize=(7, 2.2))
    names = list(stages)[::-1]
    bars = axes.barh(names, [stages[name] for name in names], color="#0072b2", edgecolor="black")
    axes.bar_label(bars, [f"{stages[name] / total:.1%}" for name in names], padding=3)
    axes.set_xlabel("milliseconds of processor time per picture")
    axes.set_xlim(0, 1.12 * max(stages.values()))
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _reading(plt, figures):
    reading = figures["reading_alone"]
    figure, axes = plt.subplots(figsize=(7, 2.2))
    names = list(reading)[::-1]
    for offset, cores, colour in ((0.2, 1, "#56b4e9"), (-0.2, 2, "#0072b2")):
        rates = [reading[name][f"cores {cores}"] for name in names]
        places = [place + offset for place in range(len(names))]
        label = f"{cores} core{'s' if cores > 1 else ''}"
        bars = axes.barh(places, rates, 0.38, color=colour, edgecolor="black", label=label)
        axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("pictures per second, from JPEG paths to batches")
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _store(plt, figures):
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.4), layout="constrained")
    passes = figures["second_pass"]
    left.plot([p["rows"] for p in passes], [p["us_per_row"] for p in passes], "o-", color="#0072b2")
    left.set(xscale="log", xlabel="embeddings in the store", ylabel="microseconds a row")
    left.set_ylim(0, 40)
    left.set_title("a second pass", size=10)
    memory = figures["memory"]
    peaks = [max(0, m["peak_mb"]) for m in memory]
    right.plot([m["images"] for m in memory], peaks, "o-", color="#0072b2")
    right.set(xscale="log", xlabel="pictures", ylabel="MB beside the result", ylim=(0, 100))
    right.set_title("peak memory of a first pass", size=10)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
