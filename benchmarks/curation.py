"""Does curation help? The paper's ablation, on pictures of your own.

    python benchmarks/curation.py --data FOLDER

FOLDER holds ``manifest.csv`` with the columns path, label (real or generated), generator (empty for
photographs) and source. All pictures are brought to one format and one size first and encoded by
the embedded encoder. Each fold holds out whole generators and one group of real sources; from the
rest, training sets of one size are chosen: by curation; from as many generators drawn at random;
from all generators; each several times, with other pictures drawn. All the rest is a training set,
too, and a larger one. A head trained on each is tested on what was held out. Nothing of a test fold
is looked at in choosing.
"""

import argparse
import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from embedded_encoder import compute_features, held_out_folds
from joblib import Parallel, delayed
from scipy.stats import wilcoxon
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from sklearn_ssafe import GeneratorCurator
from sklearn_ssafe.exceptions import CurationWarning

SIZE, N_VIEWS = 256, 1
N_GENERATORS = (4, 8)
N_SAMPLES = 320
N_DRAWS, N_DRAWS_OF_VARIANTS = 10, 3
# So that a draw of small generators is no smaller training set.
MIN_PICTURES = 40
RANDOM = "random generators"
OUT = Path(__file__).parent / "results" / "curation"
WAYS = {
    "curated": {},
    "curated, sampling within clusters": {"sampling": "within"},
    "curated, k-means prototypes": {"selection": "k_means"},
    "curated, k-centre greedy": {"selection": "k_centre"},
    "curated, linear kernel": {"kernel": "linear"},
}


def load(folder, kept):
    """Return embeddings and manifest, encoding once and keeping the result in a file."""
    manifest = pd.read_csv(Path(folder) / "manifest.csv", keep_default_na=False)
    if not kept.exists():
        features, sizes = compute_features(
            [Path(folder) / path for path in manifest.path], SIZE, N_VIEWS
        )
        np.savez(kept, features=features, sizes=sizes)
    with np.load(kept) as arrays:
        features, sizes = arrays["features"], arrays["sizes"]
    of_one_size = (sizes == SIZE).all(axis=1)
    return features[of_one_size], manifest[of_one_size].reset_index(drop=True)


def head():
    """Return the classifier that is trained on every training set."""
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced", max_iter=1000)
    )


def curate(pool, seed, n_generators, **options):
    """Choose rows of a pool by curation."""
    curator = GeneratorCurator(
        n_generators,
        n_samples=N_SAMPLES,
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


def training_sets(pool, fold, n_generators):
    """Yield name, draw, rows and generators of every training set of a fold."""
    everything = sorted(set(pool.generator) - {""})
    yield "everything", 0, np.arange(len(pool.y)), everything
    rng = np.random.default_rng([fold, n_generators])
    for draw in range(N_DRAWS):
        seed = N_DRAWS * fold + draw
        for name, options in WAYS.items():
            if options and draw >= N_DRAWS_OF_VARIANTS:
                continue
            yield (name, draw, *curate(pool, seed, n_generators, **options))
        for name, generators in (
            (RANDOM, rng.choice(pool.candidates, n_generators, replace=False)),
            ("all generators, as many pictures", pool.candidates),
        ):
            rows, part = pool.of(generators)
            chosen, generators = curate(part, seed, len(generators))
            yield name, draw, rows[chosen], generators


def run_fold(features, manifest, fold, held_out, n_generators):
    """Train on every training set of a fold, and test on each held-out generator."""
    generators, reals, _ = held_out
    generated = (manifest.label == "generated").to_numpy()
    test_real = ~generated & manifest.source.isin(reals).to_numpy()
    test_generated = generated & manifest.generator.isin(generators).to_numpy()
    in_pool = ~(test_real | test_generated)
    # Like everything that is fitted, the scaler sees the pool alone.
    features = StandardScaler().fit(features[in_pool]).transform(features)
    pool = Pool(features[in_pool], manifest[in_pool])
    rows = []
    for name, draw, chosen, trained_on in training_sets(pool, fold, n_generators):
        fitted = head().fit(pool.features[chosen], pool.y[chosen])
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
                    "reals": "+".join(reals),
                    "auc": roc_auc_score(generated[mine], scores[mine]),
                    "accuracy": (right[mine & generated].mean() + right[test_real].mean()) / 2,
                }
            )
    return rows


def mean_over_generators(rows, measure):
    """Average over groups of real sources, then over generators."""
    return float(rows.groupby("generator")[measure].mean().mean())


def summarise(rows):
    """Return a line for each training set: mean and spread over the draws."""
    lines = []
    for name in [RANDOM, *WAYS, "all generators, as many pictures", "everything"]:
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
        lines.append(line)
    return lines


def compare_by_generator(rows):
    """Compare curated and random, means over the draws, generator by generator."""
    means = rows.groupby(["training_set", "generator"]).auc.mean()
    difference = means["curated"] - means[RANDOM]
    return {
        "generators": len(difference),
        "curated_better": int((difference > 0).sum()),
        "mean_difference": float(difference.mean()),
        "wilcoxon_p": float(wilcoxon(difference).pvalue),
    }


def report(result):
    """Write the result as Markdown."""
    lines = [
        "# Curated, random and everything",
        "",
        f"Made by `python benchmarks/curation.py --data FOLDER`: {result['n_real']} photographs of "
        f"{result['n_sources']} sources, {result['n_generated']} pictures of "
        f"{result['n_all_generators']} generators. Centre crop to {SIZE}x{SIZE}, JPEG quality 90, "
        "the embedded encoder, scaled logistic regression (C=0.001).",
        "",
        f"{result['n_folds']} folds, each holding out two generators and one group of real "
        f"sources. Training sets have {N_SAMPLES} pictures, half real; generators with fewer than "
        f"{MIN_PICTURES} pictures are tested on, but not chosen. AUC and balanced accuracy at 0.5 "
        "of each held-out generator against the held-out photographs of its fold, averaged over "
        "generators.",
        "",
        "| generators chosen | training set | pictures | AUC | balanced accuracy |",
        "|---|---|---|---|---|",
    ]
    for n_generators, part in result["by_n_generators"].items():
        for row in part["training_sets"]:
            cells = []
            for measure in ("auc", "accuracy"):
                found = row[measure]
                cells.append(f"{found['mean']:.3f}")
                if found["deviation"] is not None:
                    cells[-1] += (
                        f" ± {found['deviation']:.3f} ({found['least']:.3f} to {found['most']:.3f})"
                    )
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
        "Curated against random, means over the draws, generator by generator (AUC):",
        "",
    ]
    for n_generators, part in result["by_n_generators"].items():
        compared = part["curated_against_random"]
        lines.append(
            f"- {n_generators} generators: better for {compared['curated_better']} of "
            f"{compared['generators']}, by {compared['mean_difference']:+.3f} on average "
            f"(Wilcoxon p = {compared['wilcoxon_p']:.3f})."
        )
    return "\n".join(lines) + "\n"


def main():
    """Read the command line."""
    kept = Path(tempfile.gettempdir()) / "ssafe_curation_embeddings.npz"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with manifest.csv")
    parser.add_argument("--keep", type=Path, default=kept, help="where embeddings are kept")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument(
        "--n-generators",
        type=int,
        nargs="+",
        default=N_GENERATORS,
        help="others are kept as they are",
    )
    arguments = parser.parse_args()
    features, manifest = load(arguments.data, arguments.keep)
    generated = manifest.label == "generated"
    folds = held_out_folds(manifest)
    result = {
        "n_real": int((~generated).sum()),
        "n_generated": int(generated.sum()),
        "n_sources": int(manifest.source[~generated].nunique()),
        "n_all_generators": int(manifest.generator[generated].nunique()),
        "n_folds": len(folds),
        "by_n_generators": {},
    }
    written = arguments.out.with_suffix(".json")
    if written.exists():
        result["by_n_generators"] = json.loads(written.read_text())["by_n_generators"]
    for n_generators in arguments.n_generators:
        jobs = Parallel(n_jobs=2, return_as="generator")(
            delayed(run_fold)(features, manifest, fold, held_out, n_generators)
            for fold, held_out in enumerate(folds)
        )
        rows = pd.DataFrame([row for rows in tqdm(jobs, total=len(folds)) for row in rows])
        result["by_n_generators"][str(n_generators)] = {
            "training_sets": summarise(rows),
            "curated_against_random": compare_by_generator(rows),
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
