"""What curation costs: seconds and peak memory, by the size of the pool and the way of computing.

    python benchmarks/curation_scale.py pool     # 50,000 x 1,280 in 28 combinations, in memory
    python benchmarks/curation_scale.py map      # 1,000,000 x 1,024 from a memory map of 4 GB
    python benchmarks/curation_scale.py curve    # cost against size
    python benchmarks/curation_scale.py streamed # up to 1,000,000 x 1,024 from Parquet files
    python benchmarks/curation_scale.py error    # random features against the exact distances
    python benchmarks/curation_scale.py report   # what was measured, as Markdown

The embeddings are synthetic: combinations share a few directions and lie at different distances.
Each run is a process of its own; its peak is what the system counts for it, the data and the
imported packages included. Pages of a file that is mapped count as well, as long as they are held.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from sklearn_ssafe import GeneratorCurator
from sklearn_ssafe.exceptions import CurationWarning

RESULTS = Path(__file__).parent / "results" / "curation_scale.json"
N_DOMAINS, N_GENERATORS, N_SOURCES = 4, 7, 7
POOL = {"n_generated": 50_000, "n_real": 5_000, "n_features": 1280}
MAP = {"n_generated": 900_000, "n_real": 100_000, "n_features": 1024}
STREAMED = [
    {"n_generated": n_rows * 9 // 10, "n_real": n_rows // 10, "n_features": n_features}
    for n_rows, n_features in (
        (10_000, 1024),
        (100_000, 1024),
        (1_000_000, 1024),
        (10_000_000, 64),  # as many rows as are extrapolated to, narrow enough for a small disk
    )
]
EXTRAPOLATED = 10_000_000
EXACT_SIZES = (3_125, 6_250, 12_500, 25_000, 50_000)
LINEAR_SIZES = (12_500, 25_000, 50_000, 100_000, 200_000)
FREQUENCIES = (64, 256, 1024, 4096)
N_DRAWS = 5
# Of "error", so that nothing but the random features differs; near the median distance.
BANDWIDTH = 1.4


def embeddings(n_generated, n_real, n_features):
    """Yield float32 rows, the generated ones first, and where they begin, a piece at a time."""
    rng = np.random.default_rng(0)
    n_rows = n_generated + n_real
    centres = rng.normal(size=(N_DOMAINS * N_GENERATORS + N_SOURCES, 12))
    directions = rng.normal(size=(12, n_features)) / 12
    combination = np.concatenate(
        [
            np.arange(n_generated) % (N_DOMAINS * N_GENERATORS),
            N_DOMAINS * N_GENERATORS + np.arange(n_real) % N_SOURCES,
        ]
    )
    for start in range(0, n_rows, 20_000):
        mine = combination[start : start + 20_000]
        noise = rng.standard_normal((len(mine), n_features), dtype=np.float32)
        yield start, (noise + centres[mine] @ directions).astype(np.float32)


def write_map(path, n_generated, n_real, n_features):
    """Write rows as a NumPy file that can be mapped."""
    shape = n_generated + n_real, n_features
    rows = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=shape)
    for start, piece in embeddings(n_generated, n_real, n_features):
        rows[start : start + len(piece)] = piece
    rows.flush()


def write_parquet(folder, n_generated, n_real, n_features):
    """Write rows and their labels as Parquet files of 20,000 rows, of 82 MB at the widest here."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    for start, piece in embeddings(n_generated, n_real, n_features):
        mine = labels(np.arange(start, start + len(piece)), n_generated)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(piece.ravel()), n_features)
        pq.write_table(
            pa.table({**mine, "embedding": lists}), folder / f"part-{start // 20_000:05}.parquet"
        )


def labels(rows, n_generated):
    """Return y, generator, domain and source of rows."""
    made = rows < n_generated
    number = rows % (N_DOMAINS * N_GENERATORS)
    names = np.array([f"generator {k}" for k in range(N_GENERATORS)])
    domains = np.array([f"domain {k}" for k in range(N_DOMAINS)])
    sources = np.array([f"source {k}" for k in range(N_SOURCES)])
    return {
        "y": made.astype(int),
        "generator": np.where(made, names[number % N_GENERATORS], ""),
        "domain": np.where(made, domains[number // N_GENERATORS], ""),
        "source": np.where(made, "", sources[(rows - n_generated) % N_SOURCES]),
    }


def fit_once(path, n_generated, n_real, mapped, options):
    """Fit in this process, and print what it took."""
    if path.is_dir():
        X, columns = path, {name: name for name in ("y", "generator", "domain", "source")}
    else:
        X = np.load(path, mmap_mode="r" if mapped else None)
        columns = labels(np.arange(n_generated + n_real), n_generated)
    curator = GeneratorCurator(**{"random_state": 0, **options})
    with warnings.catch_warnings():
        # Small pools of the curve cannot fill 10,000.
        warnings.simplefilter("ignore", CurationWarning)
        before, load = peak_memory(), round(os.getloadavg()[0], 1)
        start, cpu_start = time.perf_counter(), time.process_time()
        curator.fit_resample(X, **columns)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    result = {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_gb": round(peak_memory(), 2),
        "peak_before_fit_gb": round(before, 2),
        "load_before": load,
        "chosen": len(curator.sample_indices_),
        "method": curator.method_,
        "selected": curator.selected_generators_.tolist(),
    }
    np.save(path.with_name("distances.npy"), curator.distances_)
    print(json.dumps(result))


def peak_memory():
    """Return the most memory that this process held so far, in GB of 10^9 bytes (Linux)."""
    status = Path("/proc/self/status").read_text()
    kilobytes = int(status.split("VmHWM:")[1].split()[0])
    return kilobytes * 1024 / 1e9


def measure(path, sizes, *, mapped=False, **options):
    """Fit in a fresh process and return what it printed."""
    arguments = [str(path), sizes["n_generated"], sizes["n_real"], int(mapped), json.dumps(options)]
    command = [sys.executable, __file__, "fit-once", *map(str, arguments)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = {**sizes, "options": options, **json.loads(printed)}
    print(result, flush=True)
    return result


def measure_pool(folder):
    """Measure the paper's size, exactly and with every way to choose pictures."""
    path = Path(folder) / "pool.npy"
    write_map(path, **POOL)
    return [
        measure(path, POOL, method="exact", selection=selection)
        for selection in ("random", "k_means", "k_centre")
    ]


def measure_map(folder):
    """Measure a million rows that are never in memory at once."""
    path = Path(folder) / "map.npy"
    write_map(path, **MAP)
    try:
        return [measure(path, MAP, mapped=True)]
    finally:
        path.unlink()


def measure_curve(folder):
    """Measure cost against size."""
    results = []
    for n_generated in sorted({*EXACT_SIZES, *LINEAR_SIZES}):
        sizes = {"n_generated": n_generated, "n_real": n_generated // 10, "n_features": 1280}
        path = Path(folder) / "curve.npy"
        write_map(path, **sizes)
        if n_generated in EXACT_SIZES:
            results.append(measure(path, sizes, method="exact"))
        if n_generated in LINEAR_SIZES:
            results.append(measure(path, sizes, method="random_features"))
        path.unlink()
    return results


def measure_streamed(folder):
    """Measure data sets of Parquet files, of which no more than a block is in memory."""
    results = []
    for sizes in STREAMED:
        path = Path(folder) / "parts"
        write_parquet(path, **sizes)
        few = {"n_frequencies": 256} if sizes["n_features"] < 1024 else {}
        results.append(measure(path, sizes, method="random_features", **few))
        shutil.rmtree(path)
    return results


def extrapolated(results):
    """Return seconds, processor seconds and peak GB of a larger size, by the two largest sizes."""
    small, large = [row for row in results if row["n_features"] == 1024][-2:]
    n_small, n_large = (row["n_generated"] + row["n_real"] for row in (small, large))
    ahead = (EXTRAPOLATED - n_large) / (n_large - n_small)
    keys = ("seconds", "cpu_seconds", "peak_gb")
    return [large[key] + ahead * (large[key] - small[key]) for key in keys]


def measure_error(folder):
    """Compare distances by random features with the exact ones, at one bandwidth."""
    path = Path(folder) / "pool.npy"
    write_map(path, **POOL)
    exact = measure(path, POOL, method="exact", bandwidth=BANDWIDTH)
    distances = np.load(path.with_name("distances.npy"))
    pairs = np.triu_indices(len(distances), 1)
    results = []
    for n_frequencies in FREQUENCIES:
        errors, seconds, same = [], [], []
        for draw in range(N_DRAWS):
            approximate = measure(
                path,
                POOL,
                method="random_features",
                bandwidth=BANDWIDTH,
                n_frequencies=n_frequencies,
                random_state=draw,
            )
            errors.append((np.load(path.with_name("distances.npy")) - distances)[pairs])
            seconds.append(approximate["seconds"])
            same.append(len(set(approximate["selected"]) & set(exact["selected"])))
        results.append(
            {
                "n_frequencies": n_frequencies,
                "seconds": float(np.median(seconds)),
                "seconds_exact": exact["seconds"],
                "relative_error_rms": float(np.sqrt(np.mean((errors / distances[pairs]) ** 2))),
                "largest_error": float(np.abs(errors).max()),
                "smallest_distance": float(distances[pairs].min()),
                "largest_distance": float(distances[pairs].max()),
                "same_selected": same,
            }
        )
        print(results[-1], flush=True)
    return results


MEASUREMENTS = {
    "pool": measure_pool,
    "map": measure_map,
    "curve": measure_curve,
    "streamed": measure_streamed,
    "error": measure_error,
}


def report(results):
    """Write the results as Markdown."""
    lines = [
        "# What curation costs",
        "",
        "Made by `python benchmarks/curation_scale.py pool`, `map`, `curve`, `streamed` and "
        f"`error`, on {results['cores']} cores. Synthetic float32 embeddings in "
        f"{N_DOMAINS * N_GENERATORS} combinations of domain and generator; real pictures from "
        f"{N_SOURCES} sources. Seconds of `fit_resample`; peak memory of the whole process in GB "
        "(10^9 bytes), the data, the packages, and the pages of a mapped file included.",
        "",
        "| | generated x columns | real | method | selection | chosen | seconds "
        "| of one processor | peak GB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for part in ("pool", "map", "streamed", "curve"):
        for row in results.get(part, []):
            lines.append(
                f"| {part} | {row['n_generated']:,} x {row['n_features']:,} | {row['n_real']:,} | "
                f"{row['method']} | {row['options'].get('selection', 'random')} | "
                f"{row['chosen']:,} | {row['seconds']} | {row.get('cpu_seconds', '')} | "
                f"{row['peak_gb']} |"
            )
    if "streamed" in results:
        seconds, cpu, peak = extrapolated(results["streamed"])
        before = ", ".join(str(row["load_before"]) for row in results["streamed"])
        lines += [
            "",
            "Streamed, by the slope between the two largest of 1,024 columns, "
            f"{EXTRAPOLATED:,} rows would take {seconds / 60:.0f} minutes "
            f"({cpu / 60:.0f} of one processor) and "
            f"{peak:.1f} GB: extrapolated, not measured. Other work ran beside these; the load "
            f"before each was {before}. The rows of 64 columns were compared by 256 frequencies.",
        ]
    if "error" in results:
        lines += [
            "",
            "## Random features against the exact distances",
            "",
            f"{POOL['n_generated']:,} x {POOL['n_features']:,}; exact: "
            f"{results['error'][0]['seconds_exact']} seconds, distances from "
            f"{results['error'][0]['smallest_distance']:.4f} to "
            f"{results['error'][0]['largest_distance']:.4f}. {N_DRAWS} draws of the frequencies.",
            "",
            "| frequencies | seconds | relative error (root mean square) | largest error | "
            "of 8 generators, the same are chosen |",
            "|---|---|---|---|---|",
        ]
        for row in results["error"]:
            lines.append(
                f"| {row['n_frequencies']} | {row['seconds']} | {row['relative_error_rms']:.2%} | "
                f"{row['largest_error']:.4f} | {', '.join(map(str, row['same_selected']))} |"
            )
    return "\n".join(lines) + "\n"


def main():
    """Read the command line."""
    if sys.argv[1:2] == ["fit-once"]:
        path, n_generated, n_real, mapped, options = sys.argv[2:]
        fit_once(Path(path), int(n_generated), int(n_real), mapped == "1", json.loads(options))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=[*MEASUREMENTS, "report"])
    parser.add_argument("--folder", help="where the embeddings are written, and deleted again")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if arguments.part != "report":
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            results[arguments.part] = MEASUREMENTS[arguments.part](folder)
        results["cores"] = os.cpu_count()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    RESULTS.with_suffix(".md").write_text(report(results))


if __name__ == "__main__":
    main()
