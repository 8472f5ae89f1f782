"""Does curation help? The paper's ablation, on pictures of your own.

    python benchmarks/curation.py --data FOLDER
    python benchmarks/curation.py --data FOLDER --encoder NAME --weights FILE --out PATH

FOLDER holds ``manifest.csv`` with the columns path, label (real or generated), generator (empty for
photographs) and source. All pictures are brought to one format first and encoded. Each
fold holds out whole generators and one group of real sources; from the rest, training sets of one
size are chosen: by curation; from as many generators drawn at random; from all generators; each
several times, with other pictures drawn. All the rest is a training set, too, and a larger one. A
head trained on each is tested on what was held out. Nothing of a test fold is looked at in
choosing. With ``--cache`` a stopped run encodes nothing again, and ``--n-generators`` does one part
and keeps the others.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from protocol import (
    FORMAT,
    describe,
    encoder_of,
    equalised_set,
    held_out_folds,
    options_of,
    parser_of,
    part_of,
)
from scipy.stats import wilcoxon
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from sklearn_ssafe import GeneratorCurator
from sklearn_ssafe.detector.default_head import default_head
from sklearn_ssafe.exceptions import CurationWarning

N_GENERATORS = (4, 8)
N_SAMPLES = 320
N_DRAWS, N_DRAWS_OF_VARIANTS = 10, 3
# So that a draw of small generators is no smaller training set.
MIN_PICTURES = 40
RANDOM, ALL = "random generators", "all generators, as many pictures"
PARTS = ("all", "development", "test")
OUT = Path(__file__).parent / "results" / "curation"
WAYS = {
    "curated": {},
    "curated, sampling within clusters": {"sampling": "within"},
    "curated, k-means prototypes": {"selection": "k_means"},
    "curated, k-centre greedy": {"selection": "k_centre"},
    "curated, linear kernel": {"kernel": "linear"},
}


def curate(pool, seed, n_generators, n_samples, **options):
    """Choose rows of a pool by curation."""
    curator = GeneratorCurator(
        n_generators,
        n_samples=n_samples,
        min_pictures=MIN_PICTURES,
        random_state=seed,
        **options,
    )
    with warnings.catch_warnings():
        # Small generators are no candidates, and small real sources give all they have.
        warnings.simplefilter("ignore", CurationWarning)
        curator.fit(pool.features, pool.y, generator=pool.generator, source=pool.source)
    return curator.sample_indices_, curator.selected_generators_.tolist()


class Pool:
    """What may be trained on in a fold."""

    def __init__(self, features, manifest):
        self.features = features
        self.y = (manifest.label == "generated").to_numpy(dtype=int)
        self.generator = manifest.generator.to_numpy(dtype=object)
        self.source = manifest.source.to_numpy(dtype=object)
        names, counts = np.unique(self.generator[self.y == 1], return_counts=True)
        self.candidates = names[counts >= MIN_PICTURES]

    def of(self, generators):
        """Return the rows of these generators and of all real pictures, and their pool."""
        rows = np.flatnonzero((self.y == 0) | np.isin(self.generator, generators))
        other = object.__new__(Pool)
        for name in ("features", "y", "generator", "source"):
            setattr(other, name, getattr(self, name)[rows])
        return rows, other


def training_sets(pool, fold, n_generators, n_samples):
    """Yield name, draw, rows and generators of every training set of a fold."""
    everything = sorted(set(pool.generator) - {""})
    yield "everything", 0, np.arange(len(pool.y)), everything
    rng = np.random.default_rng([fold, n_generators])
    for draw in range(N_DRAWS):
        seed = N_DRAWS * fold + draw
        for name, options in WAYS.items():
            if options and draw >= N_DRAWS_OF_VARIANTS:
                continue
            yield (name, draw, *curate(pool, seed, n_generators, n_samples, **options))
        for name, generators in (
            (RANDOM, rng.choice(pool.candidates, n_generators, replace=False)),
            (ALL, pool.candidates),
        ):
            rows, part = pool.of(generators)
            chosen, generators = curate(part, seed, len(generators), n_samples)
            yield name, draw, rows[chosen], generators


def run_fold(features, manifest, head, scaled, fold, held_out, n_generators, n_samples):
    """Train on every training set of a fold, and test on each held-out generator."""
    generators, reals, _ = held_out
    generated = (manifest.label == "generated").to_numpy()
    test_real = ~generated & manifest.source.isin(reals).to_numpy()
    test_generated = generated & manifest.generator.isin(generators).to_numpy()
    in_pool = ~(test_real | test_generated)
    if scaled:  # like everything that is fitted, the scaler sees the pool alone
        features = StandardScaler().fit(features[in_pool]).transform(features)
    pool = Pool(features[in_pool], manifest[in_pool])
    rows = []
    for name, draw, chosen, trained_on in training_sets(pool, fold, n_generators, n_samples):
        fitted = clone(head).fit(pool.features[chosen], pool.y[chosen])
        scores = np.full(len(features), np.nan)
        scores[~in_pool] = fitted.predict_proba(features[~in_pool])[:, 1]
        for generator in generators:
            mine = test_real | (test_generated & (manifest.generator == generator).to_numpy())
            right = (scores >= 0.5) == generated
            rows.append(
                {
                    "fold": fold,
                    "training_set": name,
                    "draw": draw,
                    "n_generators": n_generators,
                    "pictures": len(chosen),
                    "trained_on": trained_on,
                    "generator": generator,
                    "part": part_of(manifest, generator, reals),
                    "auc": roc_auc_score(generated[mine], scores[mine]),
                    "accuracy": (right[mine & generated].mean() + right[test_real].mean()) / 2,
                }
            )
    return rows


def mean_over_generators(rows, measure, part="all"):
    """Average over groups of real sources, then over generators."""
    rows = rows if part == "all" else rows[rows.part == part]
    return float(rows.groupby("generator")[measure].mean().mean())


def summarise(rows):
    """Return a line for each training set: mean and spread over the draws."""
    lines = []
    for name in [RANDOM, *WAYS, ALL, "everything"]:
        mine = rows[rows.training_set == name]
        line = {"training_set": name, "pictures": float(mine.pictures.mean())}
        for measure in ("auc", "accuracy"):
            values = [mean_over_generators(draw, measure) for _, draw in mine.groupby("draw")]
            line[measure] = {
                "mean": float(np.mean(values)),
                "deviation": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                "least": min(values),
                "most": max(values),
            }
        draws = [draw for _, draw in mine.groupby("draw")]
        line["auc_by_part"] = {
            part: float(np.mean([mean_over_generators(draw, "auc", part) for draw in draws]))
            for part in PARTS
        }
        lines.append(line)
    return lines


def compare_by_generator(rows, other):
    """Compare curated and another training set, means over the draws, generator by generator."""
    means = rows.groupby(["training_set", "generator"]).auc.mean()
    difference = means["curated"] - means[other]
    return {
        "generators": len(difference),
        "curated_better": int((difference > 0).sum()),
        "mean_difference": float(difference.mean()),
        "wilcoxon_p": float(wilcoxon(difference).pvalue),
    }


def is_development(manifest, generators, reals):
    """Say whether a fold holds out development generators and development sources alone."""
    return all(part_of(manifest, name, reals) == "development" for name in generators)


def report(result):
    """Write the result as Markdown."""
    lines = [
        "# Curated, random and everything",
        "",
        f"Made by `python benchmarks/curation.py --data FOLDER{result['options']}`: "
        f"{result['n_real']} photographs of {result['n_sources']} sources, "
        f"{result['n_generated']} pictures of {result['n_all_generators']} generators. {FORMAT}, "
        "the same pictures as in `embedded_encoder.md`.",
        "",
        f"- {result['encoder']}",
        f"- head: `{result['head']}`, the default of `SSAFEClassifier` with this encoder",
        "",
        f"{result['n_folds']} folds, each holding out two generators and one group of real "
        f"sources. Training sets have at most {result['n_samples']} pictures, half real; "
        f"generators with fewer than {MIN_PICTURES} pictures are tested on, but not chosen. AUC "
        "and balanced accuracy at 0.5 of each held-out generator against the held-out photographs "
        "of its fold, averaged over generators. Development and test: AUC over folds where "
        "generator and real sources are both of that part. Nothing about curation was chosen on "
        "these pictures.",
        "",
        "| generators chosen | training set | pictures | AUC | development | test "
        "| balanced accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    for n_generators, part in result["by_n_generators"].items():
        for row in part["training_sets"]:
            aucs = [row["auc_by_part"][name] for name in PARTS[1:]]
            by_part = ["" if np.isnan(auc) else f"{auc:.3f}" for auc in aucs]
            cells = [spread(row["auc"]), *by_part, spread(row["accuracy"])]
            lines.append(
                f"| {n_generators} | {row['training_set']} | {row['pictures']:.0f} | "
                f"{' | '.join(cells)} |"
            )
    lines += [
        "",
        f"± is the standard deviation over {N_DRAWS} draws ({N_DRAWS_OF_VARIANTS} for the variants "
        "of curation), with the least and the most. A draw is of pictures, and for random of "
        "generators, too.",
        "",
        "Curated against others, means over the draws, generator by generator (AUC):",
        "",
    ]
    for n_generators, part in result["by_n_generators"].items():
        for other, compared in part["curated_against"].items():
            lines.append(
                f"- {n_generators} generators, against {other}: better for "
                f"{compared['curated_better']} of {compared['generators']}, by "
                f"{compared['mean_difference']:+.3f} on average (Wilcoxon p = "
                f"{compared['wilcoxon_p']:.3f})."
            )
    return "\n".join(lines) + "\n"


def spread(found):
    """Write a mean, and where there are several draws their spread."""
    text = f"{found['mean']:.3f}"
    if found["deviation"] is None:
        return text
    return f"{text} ± {found['deviation']:.3f} ({found['least']:.3f} to {found['most']:.3f})"


def main():
    """Read the command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--development", action="store_true", help="folds of that part alone")
    parser.add_argument("--n-samples", type=int, default=N_SAMPLES)
    parser.add_argument(
        "--n-generators",
        type=int,
        nargs="+",
        default=N_GENERATORS,
        help="others are kept as they are",
    )
    arguments = parser.parse_args()
    contents, _, manifest = equalised_set(arguments)
    transformer = encoder_of(arguments)
    features = transformer.fit_transform(contents).astype(np.float64)
    head = default_head(transformer)
    generated = manifest.label == "generated"
    folds = held_out_folds(manifest)
    if arguments.development:
        folds = [fold for fold in folds if is_development(manifest, *fold[:2])]
    more = "" if arguments.n_samples == N_SAMPLES else f" --n-samples {arguments.n_samples}"
    result = {
        "options": options_of(arguments) + more + " --development" * arguments.development,
        "encoder": describe(transformer),
        "head": repr(head),
        "n_samples": arguments.n_samples,
        "n_real": int((~generated).sum()),
        "n_generated": int(generated.sum()),
        "n_sources": int(manifest.source[~generated].nunique()),
        "n_all_generators": int(manifest.generator[generated].nunique()),
        "n_folds": len(folds),
        "by_n_generators": {},
    }
    written = arguments.out.with_suffix(".json")
    if written.exists():
        earlier = json.loads(written.read_text())
        if all(earlier.get(name) == result[name] for name in ("options", "encoder", "head")):
            result["by_n_generators"] = earlier["by_n_generators"]
    scaled = transformer.encoder == "forensic"
    for n_generators in arguments.n_generators:
        jobs = Parallel(n_jobs=2, return_as="generator")(
            delayed(run_fold)(
                features, manifest, head, scaled, fold, held_out, n_generators, arguments.n_samples
            )
            for fold, held_out in enumerate(folds)
        )
        rows = pd.DataFrame([row for rows in tqdm(jobs, total=len(folds)) for row in rows])
        result["by_n_generators"][str(n_generators)] = {
            "training_sets": summarise(rows),
            "curated_against": {
                other: compare_by_generator(rows, other) for other in (RANDOM, ALL, "everything")
            },
            "folds_that_chose": rows[(rows.training_set == "curated") & (rows.draw == 0)]
            .drop_duplicates("fold")
            .trained_on.explode()
            .value_counts()
            .to_dict(),
        }
        written.write_text(json.dumps(result, indent=1) + "\n")
        arguments.out.with_suffix(".md").write_text(report(result))
    print(report(result))


if __name__ == "__main__":
    main()
