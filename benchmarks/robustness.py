"""What the embedded encoder withstands, on pictures whose generator and source it has not seen.

    python benchmarks/robustness.py --data FOLDER

FOLDER holds ``manifest.csv``, as for embedded_encoder.py. All pictures are first cropped to one
size and compressed alike. A linear head is trained on the development half of generators and of
real sources, once as they are and once with changed copies beside them, and tested on the other
half. Nothing is fitted on the test half.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from embedded_encoder import equalise, split_halves
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, robustness_curve
from sklearn_ssafe.images import perturb

SIDE = 256
# Strengths that are not among those tested.
TRAINING_CHANGES = (("jpeg", 80), ("jpeg", 45), ("blur", 0.8), ("resize_bicubic", 0.6))


def halves(manifest):
    """Say which rows are for training: development generators and development real sources."""
    development, real_groups = split_halves(manifest)
    reals = {name for group in real_groups[::2] for name in group}
    is_real = manifest["label"] == "real"
    return np.where(
        is_real, manifest["source"].isin(reals), manifest["generator"].isin(development)
    )


def draw(manifest, rows, n_each, seed=0):
    """Draw as many pictures of each class, as evenly as can be from its generators or sources."""
    chosen = manifest[rows].sample(frac=1, random_state=seed)
    turn = chosen.groupby(["label", "source"]).cumcount()
    return chosen.loc[turn.sort_values(kind="stable").index].groupby("label").head(n_each)


def main():
    """Train, test, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=80, help="of each class, tested")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/robustness")
    options = parser.parse_args()

    manifest = pd.read_csv(options.data / "manifest.csv", keep_default_na=False)
    training = halves(manifest)
    tested = draw(manifest, ~training, options.pictures)
    X = [equalise(options.data / path, SIDE) for path in manifest.loc[training, "path"]]
    y = (manifest.loc[training, "label"] == "generated").to_numpy().astype(int)
    X_test = [equalise(options.data / path, SIDE) for path in tested["path"]]
    y_test = (tested["label"] == "generated").to_numpy().astype(int)

    # C was not tuned: it is that of embedded_encoder.py.
    detector = make_pipeline(
        FrozenEncoderTransformer(n_views=1),
        StandardScaler(),
        LogisticRegression(C=1e-3, class_weight="balanced", max_iter=1000),
    )
    changed = [perturb(x, name, strength) for name, strength in TRAINING_CHANGES for x in X]
    trainings = {
        "as they are": (X, y),
        "with changed copies": (X + changed, np.tile(y, 1 + len(TRAINING_CHANGES))),
    }
    frames = {}
    for name, (pictures, labels) in trainings.items():
        fitted = clone(detector).fit(pictures, labels)
        curve = robustness_curve(fitted, X_test, y_test, groups=tested["source"].to_numpy())
        frames[name] = curve.frame()
    write(options, frames, y, y_test, tested)


def write(options, frames, y, y_test, tested):
    """Write the figures as JSON, and as Markdown to read."""
    about = {
        "command": f"python benchmarks/robustness.py --data FOLDER --pictures {options.pictures}",
        "trained_on": {"real": int((y == 0).sum()), "generated": int(y.sum())},
        "tested_on": {"real": int((y_test == 0).sum()), "generated": int(y_test.sum())},
        "tested_sources": tested.groupby("label")["source"].unique().map(sorted).to_dict(),
        "training_changes": [f"{name} {strength:g}" for name, strength in TRAINING_CHANGES],
    }
    results = {name: frame.round(4).to_dict("records") for name, frame in frames.items()}
    text = json.dumps({**about, "results": results}, indent=1).replace("NaN", "null")
    options.out.with_suffix(".json").write_text(text + "\n")

    lines = [
        "# What the embedded encoder withstands",
        "",
        f"Made by `{about['command']}`. Centre crops of {SIDE} pixels, JPEG 90, 4:2:0; a scaled "
        "logistic regression on the embedded encoder. Trained on "
        f"{about['trained_on']['real']} photographs and {about['trained_on']['generated']} "
        f"generated pictures, tested on {about['tested_on']['real']} and "
        f"{about['tested_on']['generated']} of other sources and other generators. Intervals: "
        "95 %, from resampling whole sources and generators. Copies that the second detector is "
        f"trained on as well: {', '.join(about['training_changes'])}.",
        "",
        "| change | trained as they are: balanced accuracy | TPR | FPR | AUC | flipped "
        "| with changed copies: balanced accuracy | TPR | FPR | AUC | flipped |",
        "|---" * 11 + "|",
    ]
    for rows in zip(*(frame.to_dict("records") for frame in frames.values()), strict=True):
        name = rows[0]["perturbation"]
        name = "unchanged" if name == "none" else f"{name} {rows[0]['strength']:g}"
        lines.append(f"| {name} | " + " | ".join(map(cells, rows)) + " |")
    options.out.with_suffix(".md").write_text("\n".join(lines) + "\n")


def cells(row):
    """Format one detector's part of a line."""
    return (
        f"{row['balanced_accuracy']:.2f} "
        f"[{row['balanced_accuracy_low']:.2f}, {row['balanced_accuracy_high']:.2f}] "
        f"| {row['tpr']:.2f} | {row['fpr']:.2f} | {row['auc']:.2f} | {row['flipped']:.0%}"
    )


if __name__ == "__main__":
    main()
