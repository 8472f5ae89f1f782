"""How often an interval of the report holds the truth, where generators and sources vary at random.

Scores are drawn whose mean differs by generator and by real source (normal random effects). What
further generators and sources would give is then known, and each row of the report is asked whether
its interval holds it: "macro" and "pooled" for further generators and sources, a generator's row
for further pictures of this generator and further sources, a source's row the other way round.

Then the promise of `target_fpr`, of detectors with 4 to 2,000 features: in how many draws more real
pictures than promised are called generated. "One head" has the same threshold, and one head that
was trained on all pictures; "by picture" takes pictures of one source to be independent.

    python benchmarks/coverage.py --output benchmarks/results/coverage.json
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from sklearn_ssafe import SSAFEClassifier, detection_report
from sklearn_ssafe.exceptions import TooFewRealPicturesWarning
from sklearn_ssafe.metrics import threshold_for_fpr
from sklearn_ssafe.metrics.figures import RocCounts
from sklearn_ssafe.metrics.report_rows import METRICS, RANKING

DISTANCE = 2.5  # of the classes, in standard deviations of the pictures of one source
SPREAD = {"generators": 0.7, "sources": 0.5}  # of their means
SHIFT = 1.2  # a probability of 0.5 is here
N_PICTURES = 40  # of each generator and each source
GRID = np.linspace(-6, 9, 3001)
SHOWN = [name for name in METRICS if name != "ece"]


def draw(rng, n_generators, n_sources):
    """Draw one set of scores; return it, and the means of generators and of sources."""
    means = [
        DISTANCE + SPREAD["generators"] * rng.normal(size=n_generators),
        SPREAD["sources"] * rng.normal(size=n_sources),
    ]
    unit = np.repeat(np.arange(n_generators + n_sources), N_PICTURES)
    y = (unit < n_generators).astype(int)
    score = expit(np.concatenate(means)[unit] + rng.normal(size=len(unit)) - SHIFT)
    names = np.array([f"unit {number}" for number in unit], dtype=object)
    known = {"generator": np.where(y == 1, names, ""), "source": np.where(y == 1, "", names)}
    return y, score, known, means


def densities(means, spread):
    """Share of the scores in each cell of the grid, a row for each mean."""
    edges = np.append(GRID, np.inf)[None] - np.atleast_1d(means)[:, None]
    return np.diff(norm.cdf(edges / spread), axis=1)


def figures(generated, real, n_generated, n_real):
    """Each metric of endlessly many pictures, for each row of densities."""
    n_rows = max(len(generated), len(real))
    weights = np.hstack(
        [
            np.broadcast_to(n_generated * generated, (n_rows, len(GRID))),
            np.broadcast_to(n_real * real, (n_rows, len(GRID))),
        ]
    )
    is_generated = np.repeat([True, False], len(GRID))
    counts = RocCounts(is_generated, np.tile(GRID, 2), weights)
    found = {name: np.broadcast_to(of(counts), n_rows) for name, of in RANKING.items()}
    called = GRID >= SHIFT
    tpr, fpr = (generated * called).sum(axis=1), (real * called).sum(axis=1)
    probability = expit(GRID - SHIFT)
    squares = np.append((1 - probability) ** 2, probability**2)
    found |= {"tpr": tpr, "fpr": fpr, "balanced_accuracy": (tpr + 1 - fpr) / 2}
    found["brier"] = (weights * squares).sum(axis=1) / weights.sum(axis=1)
    return {name: np.broadcast_to(value, n_rows) for name, value in found.items()}


def truths(means):
    """What further generators and sources would give, by row of the report."""
    n_generated, n_real = (N_PICTURES * len(of_side) for of_side in means)
    any_real = densities(0, np.hypot(1, SPREAD["sources"]))
    any_generated = densities(DISTANCE, np.hypot(1, SPREAD["generators"]))
    nodes, shares = np.polynomial.hermite_e.hermegauss(31)
    all_generators = densities(DISTANCE + SPREAD["generators"] * nodes, 1)
    by_generator = figures(all_generators, any_real, N_PICTURES, n_real)
    macro = {name: values @ shares / shares.sum() for name, values in by_generator.items()}
    pooled = figures(any_generated, any_real, n_generated, n_real)
    of_generators = figures(densities(means[0], 1), any_real, N_PICTURES, n_real)
    of_sources = figures(any_generated, densities(means[1], 1), n_generated, N_PICTURES)
    rows = {"macro": macro, "pooled": {name: value[0] for name, value in pooled.items()}}
    for start, found in ((0, of_generators), (len(means[0]), of_sources)):
        for number in range(len(found["auc"])):
            rows[f"unit {start + number}"] = {name: found[name][number] for name in SHOWN}
    return rows


def coverage(n_generators, n_sources, n_draws, n_resamples, rng):
    """Coverage and mean width of each metric's intervals, by kind of row."""
    held, width = {}, {}
    for _ in range(n_draws):
        y, score, known, means = draw(rng, n_generators, n_sources)
        seed = int(rng.integers(2**31))
        report = detection_report(y, score, n_resamples=n_resamples, random_state=seed, **known)
        truth = truths(means)
        for row in report.frame().to_dict("records"):
            kind = {"generated": "one generator", "real": "one source"}.get(row["class"])
            for name in SHOWN:
                low, high = row[f"{name}_low"], row[f"{name}_high"]
                key = (kind or row["name"], name)
                # No interval is none that holds.
                held.setdefault(key, []).append(low <= truth[row["name"]][name] <= high)
                width.setdefault(key, []).append(high - low)
    return {
        kind: {
            name: {
                "coverage": round(float(np.mean(held[kind, name])), 3),
                "width": round(float(np.nanmean(width[kind, name])), 3),
            }
            for name in SHOWN
        }
        for kind in ("macro", "pooled", "one generator", "one source")
    }


TARGET = 0.05
# Features, kind of features, real sources (0: pictures are independent), pictures of each class.
PROMISES = [
    (4, "normal", 0, 300),
    (50, "normal", 0, 300),
    (200, "normal", 0, 300),
    (800, "normal", 0, 300),
    (2000, "normal", 0, 300),
    (4, "signs", 0, 300),
    (10, "signs", 0, 300),
    (10, "normal", 5, 300),
    (10, "normal", 10, 400),
    (200, "normal", 10, 400),
    (10, "normal", 40, 400),
    (10, "signs", 10, 400),
]


def draw_features(rng, n_features, kind, y, unit):
    """Draw features whose classes differ in ten directions, and units in that of the classes."""
    away = np.zeros(n_features)
    away[:10] = DISTANCE / np.sqrt(min(n_features, 10))
    means = SPREAD["sources"] * rng.normal(size=unit.max() + 1)[unit] if unit.any() else 0 * unit
    X = rng.normal(size=(len(y), n_features)) + (y + means / DISTANCE)[:, None] * away
    return np.sign(X) if kind == "signs" else X


def promise(n_features, kind, n_sources, n, n_draws, rng):
    """False-positive rate and recall on new pictures of new sources, of three ways, by draw."""
    found = {"majority": [], "one head": [], "by picture": []}
    y, new = np.repeat([0, 1], n), np.repeat([0, 1], 2000)
    for _ in range(n_draws):
        unit = np.arange(2 * n) % n_sources + n_sources * y if n_sources else np.zeros(2 * n, int)
        X = draw_features(rng, n_features, kind, y, unit)
        names = [f"unit {number}" if n_sources else "" for number in unit]
        known = {"generator": np.where(y, names, ""), "source": np.where(y, "", names)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TooFewRealPicturesWarning)
            detector = SSAFEClassifier(None, target_fpr=TARGET).fit(X, y, **known)
            real_scores = detector.out_of_fold_.score[y == 0]
            by_picture = threshold_for_fpr(real_scores, TARGET).threshold
        head = SSAFEClassifier(None, cv=None).fit(X, y)
        apart = np.arange(len(new)) if n_sources else np.zeros(len(new), int)
        X_new = draw_features(rng, n_features, kind, new, apart)
        majority = detector.predict_proba(X_new)[:, 1]
        for name, score, threshold in (
            ("majority", majority, detector.threshold_),
            ("one head", head.predict_proba(X_new)[:, 1], detector.threshold_),
            ("by picture", majority, by_picture),
        ):
            called = score >= threshold
            found[name].append((called[new == 0].mean(), called[new == 1].mean()))
    return {
        name: {
            "broken": round(float(np.mean([fpr > TARGET for fpr, _ in pairs])), 3),
            "fpr": round(float(np.mean([fpr for fpr, _ in pairs])), 4),
            "recall": round(float(np.mean([tpr for _, tpr in pairs])), 3),
        }
        for name, pairs in found.items()
    }


def promises_table(results):
    """Write promises as Markdown."""
    ways = ("majority", "one head", "by picture")
    heads = [f"{way}: {what}" for way in ways for what in ("broken", "FPR", "recall")]
    lines = [
        "| features | kind | real sources | real pictures | " + " | ".join(heads) + " |",
        "| ---: | --- | ---: | ---: |" + " ---: |" * len(heads),
    ]
    for row in results["promises"]:
        cells = [f"{row[way][what]:g}" for way in ways for what in ("broken", "fpr", "recall")]
        first = [str(row[name]) for name in ("features", "kind", "sources", "real")]
        lines.append("| " + " | ".join(first + cells) + " |")
    return "\n".join(lines) + "\n"


def table(results):
    """Write coverages as Markdown, a row for each kind of row and number of units."""
    lines = [
        "| generators + sources | row | " + " | ".join(SHOWN) + " |",
        "| --- | --- |" + " ---: |" * len(SHOWN),
    ]
    for units, kinds in results["intervals"].items():
        for kind, found in kinds.items():
            cells = [f"{found[name]['coverage']:.3f}" for name in SHOWN]
            lines.append(f"| {units} | {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    """Parse, simulate, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=150)
    parser.add_argument("--units", nargs="*", default=["2+2", "3+3", "5+5", "10+10", "20+20"])
    parser.add_argument("--promise-draws", type=int, default=150)
    arguments = parser.parse_args()
    results = {"claimed": 0.95, "draws": arguments.draws, "resamples": arguments.resamples}
    results["intervals"] = {}
    for units in arguments.units:
        n_units = map(int, units.split("+"))
        rng = np.random.default_rng(0)
        found = coverage(*n_units, arguments.draws, arguments.resamples, rng)
        results["intervals"][units] = found
        print(table({"intervals": {units: found}}), flush=True)
    results["promises"] = []
    for n_features, kind, n_sources, n in PROMISES:
        rng = np.random.default_rng(0)
        found = promise(n_features, kind, n_sources, n, arguments.promise_draws, rng)
        row = {"features": n_features, "kind": kind, "sources": n_sources, "real": n, **found}
        results["promises"].append(row)
        print(row, flush=True)
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = [
        f"How often an interval holds the truth; {results['claimed']} is claimed.",
        table(results),
        f"How often more than the promised {TARGET:.0%} are called generated; 5 % is claimed.",
        promises_table(results),
    ]
    arguments.output.with_suffix(".md").write_text("\n\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
