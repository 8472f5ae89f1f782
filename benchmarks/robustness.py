"""What a detector withstands, on pictures whose generator and source it has not seen.

    python benchmarks/robustness.py --data FOLDER
    python benchmarks/robustness.py --data FOLDER --encoder NAME --weights FILE --out PATH

FOLDER holds ``manifest.csv``, as for embedded_encoder.py. All pictures are first brought to one
format. `SSAFEClassifier` is fitted on pictures of the development half of generators and of real
sources, its threshold chosen there, once with the pictures as they are and once with ``augment=``;
and tested on pictures of the other half. Nothing is fitted on the test half. With ``--cache``
nothing is encoded twice, and a stopped run goes on where it was.
"""

import json
from pathlib import Path

import numpy as np
from protocol import (
    FORMAT,
    describe,
    encoder_of,
    equalised_set,
    options_of,
    parser_of,
    split_halves,
)

from sklearn_ssafe import SSAFEClassifier, robustness_curve

TARGET = 0.05
OUT = Path(__file__).parent / "results" / "robustness"
# Strengths that are not among those tested.
AUGMENT = {"jpeg": [80, 45], "resize_bicubic": 0.6}
TESTED = {"jpeg": 75, "blur": 1, "resize_bicubic": 0.5}


def halves(manifest):
    """Say which rows are for training: development generators and development real sources."""
    development, real_groups = split_halves(manifest)
    reals = {name for group in real_groups[::2] for name in group}
    is_real = manifest["label"] == "real"
    return np.where(
        is_real, manifest["source"].isin(reals), manifest["generator"].isin(development)
    ).astype(bool)


def draw(manifest, rows, n_each, seed=0):
    """Draw as many pictures of each class, as evenly as can be from its generators or sources."""
    chosen = manifest[rows].sample(frac=1, random_state=seed)
    turn = chosen.groupby(["label", "source"]).cumcount()
    return chosen.loc[turn.sort_values(kind="stable").index].groupby("label").head(n_each)


def main():
    """Train, test, and write the figures, anew after each detector."""
    parser = parser_of(__doc__)
    parser.add_argument("--train", type=int, default=100, help="pictures of each class, trained on")
    parser.add_argument("--pictures", type=int, default=40, help="of each class, tested")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()

    contents, _, manifest = equalised_set(options)
    training = halves(manifest)
    tables = {
        "trained_on": draw(manifest, training, options.train),
        "tested_on": draw(manifest, ~training, options.pictures),
    }
    known, tested = (
        {
            "X": [contents[row] for row in table.index],
            "y": (table["label"] == "generated").to_numpy().astype(int),
            "generator": table["generator"].to_numpy(),
            "source": table["source"].where(table["label"] == "real", "").to_numpy(),
        }
        for table in tables.values()
    )
    encoder = encoder_of(options)
    result = {
        "options": f"{options_of(options)} --train {options.train} --pictures {options.pictures}",
        "encoder": describe(encoder),
        "augment": AUGMENT,
        "target_fpr": TARGET,
        **{part: counts(table) for part, table in tables.items()},
        "detectors": {},
    }
    for name, augment in (("as they are", None), ("with changed copies", AUGMENT)):
        detector = SSAFEClassifier(encoder, target_fpr=TARGET, augment=augment).fit(**known)
        curve = robustness_curve(detector, **tested, perturbations=TESTED, verbose=True)
        result["detectors"][name] = {
            "threshold": detector.threshold_,
            "out_of_fold_auc": detector.out_of_fold_.fold_averages()["auc"][0],
            "figures": curve.frame().round(4).to_dict("records"),
            "at_half": at_half(curve),
        }
        text = json.dumps(result, indent=1).replace("NaN", "null")
        options.out.with_suffix(".json").write_text(text + "\n")
        options.out.with_suffix(".md").write_text(report(result))
    print(report(result))


def counts(table):
    """Count pictures by generator and real source."""
    return {
        label: table[table["label"] == label]["source"].value_counts().sort_index().to_dict()
        for label in ("real", "generated")
    }


def at_half(curve):
    """Rates at a threshold of 0.5 rather than the detector's: [FPR, TPR] of each condition."""
    called = curve.score >= 0.5
    return [
        [float(called[curve.y == label, k].mean()) for label in (0, 1)]
        for k in range(called.shape[1])
    ]


def report(result):
    """Write the result as Markdown."""
    trained, tested = result["trained_on"], result["tested_on"]
    lines = [
        "# What a detector withstands",
        "",
        f"Made by `python benchmarks/robustness.py --data FOLDER{result['options']}`. {FORMAT}, "
        f"before anything else is done to them. `SSAFEClassifier(target_fpr="
        f"{result['target_fpr']})`, trained on {sum(trained['real'].values())} photographs of "
        f"{len(trained['real'])} sources and {sum(trained['generated'].values())} pictures of "
        f"{len(trained['generated'])} generators, tested on {sum(tested['real'].values())} and "
        f"{sum(tested['generated'].values())} pictures of {len(tested['real'])} other sources and "
        f"{len(tested['generated'])} other generators.",
        "",
        f"- {result['encoder']}",
        f"- with changed copies: `augment={result['augment']}`. None of these strengths is tested.",
        "",
        "These are few pictures of few sources: the JSON file beside this one has the intervals, "
        "from resampling whole sources and generators. FPR and TPR are at the detector's own "
        "threshold, chosen out of fold on unchanged training pictures; those at 0.5 are what "
        "`SSAFEClassifier()` without a goal does.",
        "",
        "| change | "
        + " | ".join(
            f"{name}: AUC | FPR | TPR | FPR at 0.5 | TPR at 0.5" for name in result["detectors"]
        )
        + " |",
        "|---" * (1 + 5 * len(result["detectors"])) + "|",
    ]
    detectors = result["detectors"].values()
    for place, row in enumerate(next(iter(detectors))["figures"]):
        name = row["perturbation"]
        name = "unchanged" if name == "none" else f"{name} {row['strength']:g}"
        cells = [cells_of(detector, place) for detector in detectors]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cells_of(detector, place):
    """Format one detector's part of a line."""
    row, at_half = detector["figures"][place], detector["at_half"][place]
    shares = [row["fpr"], row["tpr"], *at_half]
    return f"{row['auc']:.2f} | " + " | ".join(f"{share:.0%}" for share in shares)


if __name__ == "__main__":
    main()
