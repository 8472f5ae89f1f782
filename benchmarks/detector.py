"""How a detector does on generators and photograph sources that it has not seen, end to end.

    python benchmarks/detector.py --data FOLDER
    python benchmarks/detector.py --data FOLDER --encoder NAME --weights FILE --out PATH
    python benchmarks/detector.py --memory
    python benchmarks/detector.py --regions

FOLDER holds ``manifest.csv`` with the columns path, label (real or generated), generator (empty for
photographs) and source. Every picture is first brought to one format. Generators and real sources
are dealt into two halves, in alphabetical order like cards. A detector is fitted on one half by
`SSAFEClassifier`, its threshold chosen there, then saved, loaded, and used on the other half; and
the other way round. With the default head ``ssafe predict`` does the same for some of the pictures,
and has to give the same scores.

``--memory`` is the peak memory of ``ssafe predict``. ``--regions`` explains made pictures whose
left half is generated and whose right half is not, and says how often a region of the left half has
more effect than one of the right.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from protocol import (
    FORMAT,
    describe,
    encoder_of,
    equalised_set,
    generators_to_deal,
    options_of,
    parser_of,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import LinearProbe, SSAFEClassifier, load_detector
from sklearn_ssafe.datasets import load_manifest, make_generated_images
from sklearn_ssafe.images import read_image

TARGET = 0.05
N_BY_COMMAND = 16
OUT = Path(__file__).parent / "results" / "detector"


def heads():
    """Name the heads to compare."""
    scaled = LogisticRegression(C=1e-3, class_weight="balanced", max_iter=1000)
    return {
        "default": None,
        "LinearProbe": LinearProbe(random_state=0),  # the paper's
        "scaled": make_pipeline(StandardScaler(), scaled),
    }


def write_equalised(arguments, folder):
    """Write equalised pictures and their table; return the table."""
    contents, _, manifest = equalised_set(arguments)
    reals = sorted(manifest.source[manifest.label != "generated"].unique())
    halves = {
        name: k % 2
        for names in (generators_to_deal(manifest), reals)
        for k, name in enumerate(names)
    }
    kept = []
    for number, (content, row) in enumerate(zip(contents, manifest.itertuples(), strict=True)):
        target = folder / f"{number:05d}.jpg"
        target.write_bytes(content)
        name = row.generator if row.label == "generated" else row.source
        kept.append((target.name, row.label, row.generator, row.source, halves[name]))
    return pd.DataFrame(kept, columns=["path", "label", "generator", "source", "half"])


def ssafe(*arguments):
    """Run the command as a user does."""
    command = [sys.executable, "-m", "sklearn_ssafe.command_line.main", *map(str, arguments)]
    subprocess.run(command, check=True)


def train_and_test(folder, train, test, encoder, head):
    """Fit on one half, save, predict the other by the command line; return figures."""
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    known = load_manifest(folder / "train.csv")
    detector = SSAFEClassifier(encoder, head=head, target_fpr=TARGET)
    detector.fit(known.X, known.y, generator=known.generator, source=known.source)
    path = detector.save(folder / "detector")
    detector = load_detector(path)
    detector.encoder_.set_params(cache=encoder.cache, verbose=True)
    score = detector.predict_proba(load_manifest(folder / "test.csv").X)[:, 1]
    called = score >= detector.threshold_
    if head is None:
        some = test.iloc[:: max(1, len(test) // N_BY_COMMAND)]
        some.to_csv(folder / "some.csv", index=False)
        out = folder / "v.csv"
        ssafe("predict", path, folder / "some.csv", "-o", out, "--overwrite", "--quiet")
        verdicts = pd.read_csv(out)
        rows = np.flatnonzero(test.index.isin(some.index))
        assert len(verdicts) == len(rows)
        assert np.abs(verdicts["score"] - score[rows]).max() < 1e-6
        assert ((verdicts["verdict"] == "generated") == called[rows]).all()
    y = (test["label"] == "generated").to_numpy()
    names = test["generator"].where(y, test["source"]).to_numpy()
    per_name = {
        f"{'generated' if label else 'real'}: {name}": {
            "pictures": int((mine := (y == label) & (names == name)).sum()),
            "called_generated": float(called[mine].mean()),
            "auc": float(roc_auc_score(y[mine | ~y], score[mine | ~y])) if label else None,
        }
        for label in (True, False)
        for name in np.unique(names[y == label])
    }
    point = detector.operating_point_
    return {
        "n_train": len(train),
        "n_test": len(test),
        "threshold": detector.threshold_,
        "out_of_fold": {
            "auc": _mean_auc(detector.out_of_fold_),
            "fpr": point.fpr,
            "fpr_upper_bound": point.fpr_upper_bound,
            "n_real": point.n_real,
            "tpr": float(
                (
                    detector.out_of_fold_.score[detector.out_of_fold_.y == 1] >= point.threshold
                ).mean()
            ),
        },
        "test": {
            "auc": float(roc_auc_score(y, score)),
            "fpr": float(called[~y].mean()),
            "tpr": float(called[y].mean()),
            "fpr_at_half": float((score[~y] >= 0.5).mean()),
            "tpr_at_half": float((score[y] >= 0.5).mean()),
        },
        "by_name": per_name,
    }


def _mean_auc(scores):
    folds = [scores.fold == number for number in np.unique(scores.fold)]
    return float(np.mean([roc_auc_score(scores.y[part], scores.score[part]) for part in folds]))


def power(arguments):
    """Run both halves with every head, and write the result as JSON and Markdown."""
    encoder = encoder_of(arguments)
    found = {
        "options": options_of(arguments)
        + (f" --heads {' '.join(arguments.heads)}" if arguments.heads != [*heads()] else ""),
        "encoder": describe(encoder),
        "target_fpr": TARGET,
        "heads": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        table = write_equalised(arguments, folder)
        found["n_pictures"] = len(table)
        for name, head in heads().items():
            if name not in arguments.heads:
                continue
            halves = [table[table["half"] == half] for half in (0, 1)]
            runs = [train_and_test(folder, halves[k], halves[1 - k], encoder, head) for k in (0, 1)]
            found["heads"][name] = runs
            print(name, [run["test"] for run in runs], flush=True)
            arguments.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
            arguments.out.with_suffix(".md").write_text(report(found))


def report(found):
    """Write the result as Markdown."""
    lines = [
        "# A detector on generators and photograph sources that it has not seen",
        "",
        f"Made by `python benchmarks/detector.py --data FOLDER{found['options']}`: "
        f"{found['n_pictures']} pictures. {FORMAT}, the same as in `embedded_encoder.md`. Two "
        "halves of generators and real sources; trained on one (A), tested on the other (B), then "
        "the other way round. The threshold was chosen on out-of-fold scores of the training half "
        f"so that at most {found['target_fpr']:.0%} of real pictures are called generated, with "
        "95 % confidence.",
        "",
        f"- {found['encoder']}",
        "",
        "| head | direction | pictures | out of fold: AUC | FPR | its upper bound | TPR "
        "| test: AUC | FPR | TPR | FPR at 0.5 | TPR at 0.5 |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for head, runs in found["heads"].items():
        for direction, run in zip(("A to B", "B to A"), runs, strict=True):
            a, b = run["out_of_fold"], run["test"]
            lines.append(
                f"| {head} | {direction} | {run['n_train']} to {run['n_test']} | {a['auc']:.3f} | "
                f"{a['fpr']:.3f} | {a['fpr_upper_bound']:.3f} | {a['tpr']:.3f} | {b['auc']:.3f} | "
                f"{b['fpr']:.3f} | {b['tpr']:.3f} | {b['fpr_at_half']:.3f} | "
                f"{b['tpr_at_half']:.3f} |"
            )
    first = next(iter(found["heads"]))
    lines += [
        "",
        f"## By generator and real source, {first}, when it was in the test half",
        "",
        "| | pictures | called generated | AUC |",
        "|---|---|---|---|",
    ]
    for run in found["heads"][first]:
        for name, row in run["by_name"].items():
            auc = "" if row["auc"] is None else f"{row['auc']:.3f}"
            lines.append(f"| {name} | {row['pictures']} | {row['called_generated']:.3f} | {auc} |")
    return "\n".join(lines) + "\n"


def memory():
    """Measure the peak memory of ``ssafe predict`` for 1,000 and for 10,000 pictures."""
    made = make_generated_images(24, image_size=64, random_state=0)
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        SSAFEClassifier(cv=None).fit(made.X, made.y).save(folder / "detector")
        for n in (1_000, 10_000):
            pictures = folder / str(n)
            pictures.mkdir()
            for number in range(n):
                (pictures / f"{number:05d}.jpg").write_bytes(made.X[number % 24])
            command = [sys.executable, __file__, "--one", folder / "detector", pictures]
            done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE)
            peaks[n] = int(done.stdout)
            print(f"{n:,} pictures: {peaks[n]} MiB at most", flush=True)
    found = {"pictures": "64 x 64 JPEG", "peak_mib_by_n_pictures": peaks}
    OUT.with_name("detector_memory.json").write_text(json.dumps(found, indent=1) + "\n")


def one(detector, pictures):
    """Predict in this process, and print its peak memory in MiB."""
    from sklearn_ssafe.command_line.main import ssafe as command

    out = Path(pictures).with_suffix(".csv")
    command.main(["predict", detector, pictures, "-o", str(out), "--quiet"], standalone_mode=False)
    assert len(pd.read_csv(out)) == int(Path(pictures).name)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def regions():
    """Measure how well a map of regions points at the generated half of a picture."""
    made = make_generated_images(200, image_size=256, trace_strength=1, random_state=0)
    detector = SSAFEClassifier(cv=None).fit(made.X[:160], made.y[:160])
    pixels = [read_image(content) for content in made.X[160:]]
    generated = [image for image, label in zip(pixels, made.y[160:], strict=True) if label]
    real = [image for image, label in zip(pixels, made.y[160:], strict=True) if not label]
    found = {}
    for fill in ("blur", "mean"):
        aucs = []
        for left, right in zip(generated[:10], real[:10], strict=True):
            image = np.hstack([left[:, :128], right[:, 128:]])
            heat = detector.explain(image, method="occlusion", grid=6, fill=fill).heat
            is_left = np.arange(6) < 3
            aucs.append(roc_auc_score(np.tile(is_left, 6), heat.ravel()))
        found[fill] = {"mean": float(np.mean(aucs)), "each": aucs}
        print(fill, round(found[fill]["mean"], 3), flush=True)
    OUT.with_name("detector_regions.json").write_text(json.dumps(found, indent=1) + "\n")


def main():
    """Run what the arguments name."""
    parser = parser_of(__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--heads", nargs="+", default=[*heads()], help="some of them alone")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--regions", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(*arguments.one)
    if arguments.memory:
        memory()
    if arguments.regions:
        regions()
    if arguments.data:
        power(arguments)


if __name__ == "__main__":
    main()
