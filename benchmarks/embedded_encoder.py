"""How strong the default encoder and the embedded one are, or any other one.

    python benchmarks/embedded_encoder.py --data FOLDER
    python benchmarks/embedded_encoder.py --data FOLDER --cache FOLDER
    python benchmarks/embedded_encoder.py --data FOLDER --size 256 --views 1 --out PATH
    python benchmarks/embedded_encoder.py --data FOLDER --encoder NAME --weights FILE --out PATH

FOLDER holds ``manifest.csv`` with the columns path, label (real or generated), generator (empty for
photographs) and source. Format is equalised first, then whole generators and whole real sources
are held out at once; nothing of a test fold is in its training set. Generators like certain sizes
of picture; with ``--size`` all pictures are cropped to one size, so that it tells nothing.
``--cache`` keeps the rows for the next run, and the result is written anew after every head.

With ``--encoder`` it is one encoder, in its own preprocessing.
``--pairs generator:source ...`` names generators and real sources that show
the same kind of thing.
"""

import io
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from lightgbm import LGBMClassifier
from PIL import Image
from protocol import (
    DEFAULT,
    LARGEST_SIDE,
    OWN,
    describe,
    encoder_of,
    equalised_set,
    hardware,
    held_out_folds,
    held_out_generators_or_reals,
    options_of,
    parser_of,
    part_of,
    split_halves,
)
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from sklearn_ssafe.detector.default_head import default_head
from sklearn_ssafe.images import read_image

MEANS = ("all", "development", "test")


def jpeg_75(content):
    """Compress a picture once more, as whoever sends it on may do."""
    again = io.BytesIO()
    Image.fromarray(read_image(content)).save(again, "JPEG", quality=75, subsampling="4:2:0")
    return again.getvalue()


def heads():
    """Name the classifiers to compare: scikit-learn's defaults, and a sensible user's."""
    return {
        "LogisticRegression()": LogisticRegression(),
        "scaled LogisticRegression(C=0.001, balanced)": make_pipeline(
            StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced", max_iter=1000)
        ),
        "RandomForestClassifier()": RandomForestClassifier(random_state=0),
        "LGBMClassifier()": LGBMClassifier(random_state=0, n_jobs=1, verbose=-1),
    }


def own_heads(transformer):
    """Name the classifiers that a user of the package's own encoders comes to."""
    return {
        "LogisticRegression()": LogisticRegression(),
        "head of SSAFEClassifier()": default_head(transformer),
        "LGBMClassifier()": heads()["LGBMClassifier()"],
    }


def heads_for_embeddings():
    """Name the classifiers that embeddings usually get; trees on them take hours."""
    return {
        "LogisticRegression()": LogisticRegression(),
        "LogisticRegression(C=10)": LogisticRegression(C=10, max_iter=1000),
        "scaled LogisticRegression(C=0.001, balanced)": heads()[
            "scaled LogisticRegression(C=0.001, balanced)"
        ],
    }


def fold_scores(head, features, is_generated, test, again=None):
    """Scores of all pictures, and of `again`, from a head fitted on those outside the test set."""
    with warnings.catch_warnings():
        # LightGBM names the columns itself and then warns that the array has no names.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        fitted = clone(head).fit(features[~test], is_generated[~test])
        rows = features if again is None else np.vstack([features, again])
        return fitted.predict_proba(rows)[:, 1]


def held_out_aucs(features, manifest, folds, head, pairs=(), again=None):
    """AUC of each held-out generator against the held-out real sources of its fold.

    Returns
    -------
    aucs : DataFrame
        Columns generator, auc, and part: "development" or "test" where both the generator and the
        real sources are of that part, else "mixed".
    like : dict of str to float
        AUC of each pair of a generator and one real source, from the fold that holds out both.
    called : list of (float, float)
        For each fold the share of held-out real pictures that score 0.5 or more, as they are and
        as `again` has them, with one row for each real picture; empty without.
    """
    is_generated = (manifest.label == "generated").to_numpy()
    rows, like, called = [], {}, []
    real, n = np.flatnonzero(~is_generated), len(is_generated)
    # Two folds at a time, each on one core.
    all_scores = Parallel(n_jobs=2, return_as="generator")(
        delayed(fold_scores)(head, features, is_generated, test, again) for _, _, test in folds
    )
    progress = tqdm(all_scores, total=len(folds), desc=type(head).__name__)
    for (generators, reals, test), scores in zip(folds, progress, strict=True):
        if again is not None:
            parts, scores = (scores[:n][real], scores[n:]), scores[:n]
            called.append([float((part[test[real]] >= 0.5).mean()) for part in parts])
        for generator in generators:
            chosen = held_out_generators_or_reals(manifest, [generator], reals)
            auc = roc_auc_score(is_generated[chosen], scores[chosen])
            part = part_of(manifest, generator, reals)
            rows.append({"generator": generator, "auc": auc, "part": part})
        for generator, source in pairs:
            if generator in generators and source in reals:
                chosen = held_out_generators_or_reals(manifest, [generator], [source])
                auc = roc_auc_score(is_generated[chosen], scores[chosen])
                like[f"{generator} against {source}"] = float(auc)
    return pd.DataFrame(rows), like, called


def summarise(aucs):
    """Mean AUC per generator, and means over generators of all, development and test folds.

    Parameters
    ----------
    aucs : DataFrame
        From `held_out_aucs`.

    Returns
    -------
    per_generator : dict of str to float
        Mean over the real groups.
    means : dict of str to float
        "all": mean of `per_generator`. "development" and "test": the same, over rows of that part.
    """
    per_generator = aucs.groupby("generator").auc.mean()
    means = {"all": per_generator.mean()}
    for part in MEANS[1:]:
        means[part] = aucs[aucs.part == part].groupby("generator").auc.mean().mean()
    return per_generator.to_dict(), means


def development_to_test(features, is_generated, manifest, head):
    """Mean AUC per test generator of a head trained on development sources alone."""
    development, real_groups = split_halves(manifest)
    real = ~is_generated
    groups = {source: k for k, group in enumerate(real_groups) for source in group}
    group = manifest.source.map(groups).to_numpy()
    train = np.where(real, group % 2 == 0, manifest.generator.isin(development))
    scores = fold_scores(head, features, is_generated, ~train.astype(bool))
    test_real = real & (group % 2 == 1)
    aucs = []
    for generator in sorted(set(manifest.generator[is_generated]) - development):
        test = test_real | (is_generated & (manifest.generator == generator).to_numpy())
        aucs.append(roc_auc_score(is_generated[test], scores[test]))
    return float(np.mean(aucs))


def power(arguments, transformers):
    """Run the held-out comparison and write ``out``.json and ``out``.md, anew after every head."""
    torch.set_num_threads(1)
    size, out = arguments.size, Path(arguments.out)
    pairs = [tuple(pair.split(":")) for pair in arguments.pairs]
    contents, sizes, manifest = equalised_set(arguments, size)
    is_generated = (manifest.label == "generated").to_numpy()
    folds = held_out_folds(manifest)
    development, real_groups = split_halves(manifest)
    counts = manifest.source.where(~is_generated, manifest.generator).value_counts()
    candidates, described = {}, {}
    for name, transformer in transformers.items():
        features = transformer.fit_transform(contents)
        described[name] = describe(transformer)
        chosen = own_heads(transformer) if name in OWN else heads_for_embeddings()
        for head_name, head in chosen.items():
            candidates[f"{name}: {head_name}"] = head, features
    candidates["picture size alone: RandomForestClassifier()"] = (
        RandomForestClassifier(random_state=0),
        sizes,
    )
    again = None
    if DEFAULT in transformers and not size:
        real = [content for content, fake in zip(contents, is_generated, strict=True) if not fake]
        again = transformers[DEFAULT].transform([jpeg_75(content) for content in real])
    result = {
        "encoders": described,
        "options": chosen_sizes(arguments) + options_of(arguments),
        "absent": arguments.absent,
        "size": f"exactly {size}" if size else f"at most {LARGEST_SIDE}",
        "n_real": int((~is_generated).sum()),
        "n_generated": int(is_generated.sum()),
        "counts": counts.to_dict(),
        "development_generators": sorted(development),
        "real_groups": real_groups,
        "hardware": hardware(),
        "heads": {},
    }
    shuffled = StratifiedKFold(5, shuffle=True, random_state=0)
    # The quick ones first: boosting takes longer than all of them together.
    for name, (head, columns) in sorted(candidates.items(), key=lambda item: "LGBM" in item[0]):
        changed = again if name.startswith(f"{DEFAULT}: ") else None
        aucs, like, called = held_out_aucs(columns, manifest, folds, head, pairs, changed)
        per_generator, means = summarise(aucs)
        shuffled_scores = cross_val_predict(
            head, columns, is_generated, cv=shuffled, method="predict_proba", n_jobs=2
        )[:, 1]
        row = result["heads"][name] = {
            "per_generator": per_generator,
            "mean": means,
            "development_to_test": development_to_test(columns, is_generated, manifest, head),
            "shuffled": roc_auc_score(is_generated, shuffled_scores),
            "like_content": like,
        }
        if called:
            row["called_generated"] = np.mean(called, axis=0).tolist()
        print(name, {key: round(value, 3) for key, value in means.items()}, flush=True)
        out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        out.with_suffix(".md").write_text(report(result))


def chosen_sizes(arguments):
    """Write --size and --views as they were typed."""
    given = {"size": arguments.size, "views": arguments.views}
    return "".join(f" --{name} {value}" for name, value in given.items() if value)


def report(result):
    """Write the result as Markdown."""
    heads_ = result["heads"]
    real_groups = "; ".join(
        " + ".join(f"{source} ({result['counts'][source]})" for source in group)
        + (" [development]" if k % 2 == 0 else " [test]")
        for k, group in enumerate(result["real_groups"])
    )
    own = DEFAULT in result["encoders"]
    chosen = "Nothing was chosen on these pictures."
    if own:
        chosen = (
            "Features and settings were chosen on development folds alone (generators and real "
            "sources marked development), from some 35 configurations, so the development column "
            "flatters, and differences below 0.01 are no evidence."
        )
    names = " and ".join(result["encoders"])
    lines = [
        f"# {names} on generators and photograph sources that they have not seen",
        "",
        f"Made by `python benchmarks/embedded_encoder.py --data FOLDER{result['options']}`: "
        f"{result['n_real']} photographs, {result['n_generated']} generated pictures.",
        "",
        *(f"- {text}" for text in result["encoders"].values()),
        "- " + ", ".join(f"{name} {value}" for name, value in result["hardware"].items()),
        "",
        f"Metadata dropped, centre crop to {result['size']} pixels a side, JPEG quality 90, "
        "4:2:0. Each fold holds out two whole generators and one whole group of real sources; a "
        "generator's AUC is the mean over the groups, ranked within a fold. "
        f"{chosen} Test means are over folds where both are of the test part.",
        "",
        "The last row says how much the size of the pictures gives away after this crop; it is "
        "0.5 where all are of one size.",
        "",
        f"Groups of real sources (pictures): {real_groups}.",
        "",
        *absent_generators(result["absent"]),
        "| head | mean AUC per generator, all | development | test | trained on development "
        "sources alone: test | shuffled 5-fold (leaks sources) |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in heads_.items():
        means = " | ".join(f"{row['mean'][part]:.3f}" for part in MEANS)
        lines.append(
            f"| {name} | {means} | {row['development_to_test']:.3f} | {row['shuffled']:.3f} |"
        )
    lines += [
        "",
        "## AUC per generator, mean over the held-out groups of real sources",
        "",
        "| generator | pictures | part | " + " | ".join(heads_) + " |",
        "|---|---|---|" + "---|" * len(heads_),
    ]
    for generator in next(iter(heads_.values()))["per_generator"]:
        part = "development" if generator in result["development_generators"] else "test"
        aucs = " | ".join(f"{row['per_generator'][generator]:.3f}" for row in heads_.values())
        lines.append(f"| {generator} | {result['counts'][generator]} | {part} | {aucs} |")
    return "\n".join([*lines, *compressed(heads_), *like_content(heads_)]) + "\n"


def absent_generators(absent):
    """Say whose pictures were not to be had, and what that changes."""
    if not absent:
        return []
    return [
        f"Absent: {', '.join(absent)}, whose pictures could not be had for this table. The other "
        "generators are dealt as if they were there, so each has the part that it always had.",
        "",
    ]


def compressed(heads_):
    """Write how many held-out real pictures are called generated, where it was measured."""
    measured = {
        name: row["called_generated"] for name, row in heads_.items() if "called_generated" in row
    }
    if not measured:
        return []
    return [
        "",
        "## Held-out real pictures called generated at a threshold of 0.5",
        "",
        "Mean over folds. A threshold of 0.5 promises nothing about this share; `target_fpr` does.",
        "",
        "| head | as they are | after one more JPEG of quality 75 |",
        "|---|---|---|",
        *(
            f"| {name} | " + " | ".join(f"{100 * share:.0f} %" for share in shares) + " |"
            for name, shares in measured.items()
        ),
    ]


def like_content(heads_):
    """Write the table of pairs that show the same kind of thing, where there are any."""
    pairs = next(iter(heads_.values()))["like_content"]
    if not pairs:
        return []
    return [
        "",
        "## Pairs that show the same kind of thing",
        "",
        "An encoder of meanings may tell the classes apart by **what the pictures show**: much of "
        "the generated set is art, and hardly any photograph is. So the means above may flatter "
        "it. Here a generator is compared with one source of like content alone, neither of "
        "which the head was trained on. These are few pictures, and few pairs.",
        "",
        "| pair | " + " | ".join(heads_) + " |",
        "|---|" + "---|" * len(heads_),
        *(
            f"| {pair} | "
            + " | ".join(f"{row['like_content'][pair]:.3f}" for row in heads_.values())
            + " |"
            for pair in pairs
        ),
    ]


def main():
    """Read the command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--views", type=int, help="crops of each picture")
    parser.add_argument("--size", type=int, help="crop to this size; leave out smaller pictures")
    parser.add_argument("--pairs", nargs="*", default=[], help="GENERATOR:SOURCE of like content")
    parser.add_argument("--out", default="benchmarks/results/embedded_encoder")
    arguments = parser.parse_args()
    names = [arguments.encoder] if arguments.encoder else OWN
    power(arguments, {name: encoder_of(arguments, name, n_views=arguments.views) for name in names})


if __name__ == "__main__":
    main()
