"""Does the monitor keep its word, and what does it find? Each generator is left out in turn.

    python benchmarks/monitor.py --data FOLDER --cache FOLDER

FOLDER holds ``manifest.csv`` with the columns path, label (real or generated), generator (empty for
photographs) and source. Pictures are encoded once by the default encoder. Without one generator,
six pictures in ten of every other one and of every real source are the reference, on which the
detector is trained, too; the others are the stream. From it come

- looks at known pictures: drawn as the reference was, in other proportions, and of one generator or
  source alone: how often is there an alarm?
- whole periods of looks at known pictures, which share the window;
- looks at pictures some or all of which are of the generator left out: is there an alarm?
- a feed of 200 pictures, one in five of the generator left out: some are labelled, as `suggest`
  has it, or drawn at random, and the detector is trained again with them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier
from sklearn_ssafe.monitoring import NoveltyMonitor

RATE, N_LOOKS = 0.05, 20
KNOWN_SIZES, SIZES = (50, 200), (25, 50, 100, 200)
SHARES = (0.25, 1.0)
PERIOD_WINDOW, PERIOD_NEW, N_PERIODS = 200, 20, 1
FEED, FEED_SHARE, LABELS = 200, 0.2, (20, 40)
KINDS = ("as the reference", "other proportions", "one group alone")
OUT = Path(__file__).parent / "results" / "monitor"


class Split:
    """Reference and stream without one generator, a detector and a monitor."""

    def __init__(self, X, manifest, left_out, seed):
        self.rng = np.random.default_rng([seed, len(left_out), *left_out.encode()])
        self.X = X
        self.y = (manifest.label == "generated").to_numpy(dtype=int)
        self.generator = manifest.generator.to_numpy(dtype=object)
        self.source = manifest.source.to_numpy(dtype=object)
        self.new = self.rng.permutation(np.flatnonzero(self.generator == left_out))
        known = self.rng.permutation(np.flatnonzero(self.generator != left_out))
        n_reference = int(0.6 * len(known))
        self.reference, self.stream = known[:n_reference], known[n_reference:]
        self.detector = self.train(self.reference)
        self.monitor = NoveltyMonitor(
            self.detector, false_alarm_rate=RATE, n_looks=N_LOOKS, random_state=seed
        ).fit(self.X[self.reference], self.y[self.reference], **self.names(self.reference))

    def names(self, rows):
        """Return generators and sources."""
        return {"generator": self.generator[rows], "source": self.source[rows]}

    def train(self, rows):
        """Return the default detector of these rows."""
        detector = SSAFEClassifier(encoder=None, cv=None)
        return detector.fit(self.X[rows], self.y[rows])

    def draw(self, kind, n):
        """Draw rows of the stream; None where there are too few of them."""
        rows = self.stream
        if kind == KINDS[0]:
            return self.rng.choice(rows, n, replace=False)
        group = np.where(self.y[rows] == 1, self.generator[rows], self.source[rows])
        names, sizes = np.unique(group, return_counts=True)
        if kind == KINDS[2]:
            large = names[sizes >= n]
            if not len(large):
                return None
            return self.rng.choice(rows[group == self.rng.choice(large)], n, replace=False)
        counts = self.rng.multinomial(n, self.rng.dirichlet(np.full(len(names), 0.3)))
        parts = [
            self.rng.choice(rows[group == name], min(count, size), replace=False)
            for name, count, size in zip(names, counts, sizes, strict=True)
        ]
        return np.concatenate(parts)

    def look(self, rows):
        """Return what a look at these rows alone finds."""
        self.monitor.set_params(window=len(rows))
        found = self.monitor.update(self.X[self.rng.permutation(rows)])
        return {"p_change": found.p_change, "p_unknown": found.p_unknown, "level": found.level}


def false_alarms(split, repeats):
    """Look at known pictures."""
    for kind in KINDS:
        for n in KNOWN_SIZES:
            for _ in range(repeats):
                rows = split.draw(kind, n)
                if rows is not None and len(rows) >= 20:
                    yield {"kind": kind, "pictures": n, **split.look(rows)}


def periods(split):
    """Look at known pictures again and again, through one window."""
    split.monitor.set_params(window=PERIOD_WINDOW)
    rows = split.rng.permutation(split.stream)
    for number in range(min(N_PERIODS, len(rows) // (N_LOOKS * PERIOD_NEW))):
        of_period = rows[number * N_LOOKS * PERIOD_NEW :][: N_LOOKS * PERIOD_NEW]
        batches = of_period.reshape(N_LOOKS, PERIOD_NEW)
        found = [split.monitor.update(split.X[some]) for some in batches]
        yield {
            "change": any(look.changed for look in found),
            "unknown": any(look.unknown for look in found),
        }


def detections(split, repeats):
    """Look at pictures some of which are of the generator left out."""
    for share in SHARES:
        for n in SIZES:
            n_new = round(share * n)
            if n_new > len(split.new):
                continue
            for _ in range(repeats):
                new = split.rng.choice(split.new, n_new, replace=False)
                known = split.rng.choice(split.stream, n - n_new, replace=False)
                yield {
                    "share": share,
                    "pictures": n,
                    **split.look(np.concatenate([new, known])),
                }


def labelling(split):
    """Label some pictures of a feed, train again, and test on what was not in it."""
    n_new = min(int(FEED_SHARE * FEED), len(split.new) // 2)
    feed = np.concatenate([split.new[:n_new], split.rng.choice(split.stream, FEED - n_new, False)])
    feed = split.rng.permutation(feed)
    real = np.setdiff1d(split.stream[split.y[split.stream] == 0], feed)
    test = np.concatenate([split.new[n_new:], real])
    split.monitor.set_params(window=FEED)
    split.monitor.update(split.X[feed])
    order = {
        "suggest": split.monitor.suggest(FEED)["row"].to_numpy(),
        "random": split.rng.permutation(FEED),
    }

    def auc(detector):
        return roc_auc_score(split.y[test], detector.predict_proba(split.X[test])[:, 1])

    before = auc(split.detector)
    for way, chosen in order.items():
        for n in LABELS:
            labelled = feed[chosen[:n]]
            yield {
                "way": way,
                "labels": n,
                "found": int(np.isin(labelled, split.new).sum()),
                "of": n_new,
                "auc_before": before,
                "auc": auc(split.train(np.concatenate([split.reference, labelled]))),
            }


def summarise(tables):
    """Return the tables of the report."""
    known, runs, found, labels = (tables[name] for name in ("known", "periods", "new", "labels"))
    for table in (known, found):
        for name in ("change", "unknown"):
            table[name] = table[f"p_{name}"] <= table["level"]
            table[f"{name}_5pct"] = table[f"p_{name}"] <= 0.05
    columns = ["unknown", "unknown_5pct", "change", "change_5pct"]
    new = found.groupby(["generator", "share", "pictures"])[columns].mean()
    of_generators = labels.groupby(["generator", "way", "labels"]).mean(numeric_only=True)
    return {
        "known": known.groupby(["kind", "pictures"])[columns].agg(["mean", "size"]),
        "periods": runs[["change", "unknown"]].assign(any=runs.change | runs.unknown),
        "new": new.groupby(["share", "pictures"]).agg(["mean", "size"]),
        "labels": of_generators.groupby(["way", "labels"]).mean(),
    }


def share(value):
    """Write a share in per cent."""
    return f"{value:.1%}"


def alarm_rows(table, first="{}"):
    """Write a row for what pictures are and how many; `first` is how the first is written."""
    means = table.xs("mean", axis=1, level=1)
    sizes = table["unknown", "size"].astype(int)
    return [
        f"| {first.format(kind)} | {n} | {size} | " + " | ".join(map(share, figures)) + " |"
        for (kind, n), size, figures in zip(table.index, sizes, means.to_numpy(), strict=True)
    ]


def report(summary, n_pictures, n_generators):
    """Write the result as Markdown."""
    runs = summary["periods"]
    lines = [
        "# The monitor, each generator left out in turn",
        "",
        f"Made by `python benchmarks/monitor.py --data FOLDER`: {n_pictures} pictures, "
        f"{n_generators} generators left out in turn, default encoder. `false_alarm_rate={RATE}`, "
        f"`n_looks={N_LOOKS}`: in a look either p-value counts at {RATE / 2 / N_LOOKS:g}.",
        "",
        "## Known pictures: alarms in a look",
        "",
        "| pictures are | pictures | looks | unknown | unknown, p <= 0.05 | change | change, p <= "
        "0.05 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += alarm_rows(summary["known"])
    lines += [
        "",
        "Other proportions are a change, and are to be found as one; they are nothing unknown.",
        "",
        f"Whole periods of {N_LOOKS} looks, {PERIOD_NEW} new pictures in each, window "
        f"{PERIOD_WINDOW}, drawn as the reference: {int(runs['any'].sum())} of {len(runs)} have a "
        f"false alarm ({share(runs['any'].mean())}; {share(RATE)} are allowed).",
        "",
        "## Pictures of the generator left out: alarms in a look, mean over generators",
        "",
        "| share of them | pictures | generators | unknown | unknown, p <= 0.05 | change | change, "
        "p <= 0.05 |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += alarm_rows(summary["new"], "{:.0%}")
    lines += [
        "",
        "## Labels worth having",
        "",
        f"A feed of {FEED} pictures, one in five of the generator left out (fewer where there are "
        "fewer); the others as the reference. So many are labelled, the detector is trained again "
        "with them, and tested on other pictures of that generator against other photographs. Mean "
        "over generators.",
        "",
        "| labelled | labels | of the generator left out | AUC before | AUC after |",
        "|---|---:|---:|---:|---:|",
    ]
    for (way, n), row in summary["labels"].iterrows():
        lines.append(
            f"| {way} | {n} | {row['found']:.1f} of {row['of']:.1f} | {row['auc_before']:.3f} | "
            f"{row['auc']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def main():
    """Run all, write ``results/monitor.json`` and ``.md``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--cache")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="leave out these generators alone")
    parser.add_argument("--output", default=OUT, type=Path)
    options = parser.parse_args()
    manifest = pd.read_csv(Path(options.data) / "manifest.csv", keep_default_na=False)
    encoder = FrozenEncoderTransformer(cache=options.cache)
    X = encoder.fit_transform([str(Path(options.data) / path) for path in manifest.path])
    generators = options.only or sorted(set(manifest.generator) - {""})
    rows = {"known": [], "periods": [], "new": [], "labels": []}
    for left_out in tqdm(generators):
        split = Split(X, manifest, left_out, seed=0)
        for name, found in (
            ("periods", periods(split)),  # first, while the window is empty
            ("known", false_alarms(split, options.repeats)),
            ("new", detections(split, options.repeats)),
            ("labels", labelling(split)),
        ):
            rows[name] += [{"generator": left_out, **row} for row in found]
        write(rows, X, options.output)
    print(options.output.with_suffix(".md").read_text())


def write(rows, X, output):
    """Write figures and report."""
    summary = summarise({name: pd.DataFrame(found) for name, found in rows.items()})
    n_generators = len({row["generator"] for row in rows["new"]})
    output.parent.mkdir(exist_ok=True)
    output.with_suffix(".json").write_text(json.dumps(rows, indent=0, default=float) + "\n")
    output.with_suffix(".md").write_text(report(summary, len(X), n_generators))


if __name__ == "__main__":
    main()
