"""What the store of embeddings costs: a second pass, memory, and a grid search.

Three measurements, each in processes of its own. A second pass over stored embeddings of 768
numbers, from paths to the matrix: the cost of a row must not grow with their number. Peak memory
of a first pass, without the matrix that it returns: it must not grow either. A search over 20
candidates in 5 folds, beside one plain pass and the heads alone.

    python benchmarks/store.py --rows 10000 100000 1000000 --output benchmarks/results/store.json
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from joblib.externals.loky import get_reusable_executor
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.images.file_state import FileState
from sklearn_ssafe.store.disk import open_disk_store
from sklearn_ssafe.store.keys import Settings

N_FEATURES = 768
PREPROCESS = {"size": 16, "mean": 0.5, "std": 0.5}
VIT = {"encoder": "ViT-B-32", "pretrained": "openai", "weights": "random", "precision": "fp32"}


class Trivial(torch.nn.Module):
    """768 numbers for next to nothing."""

    fingerprint = "every pixel"

    def forward(self, pixels):
        """Return every pixel."""
        return pixels.flatten(1)[:, :N_FEATURES]


def trivial(cache):
    """Return the transformer that is measured."""
    return FrozenEncoderTransformer(Trivial, preprocess=PREPROCESS, cache=cache, verbose=False)


def fill(folder, n_rows):
    """Make empty files, and a store that knows them; return the seconds that storing took."""
    settings = Settings(load_encoder(Trivial, preprocess=PREPROCESS))
    store = open_disk_store(folder / "cache")
    rng = np.random.default_rng(0)
    paths, seconds = [], 0.0
    for start in range(0, n_rows, 2000):
        rows, files = {}, {}
        for number in range(start, min(start + 2000, n_rows)):
            path = folder / f"{number // 10_000}" / f"{number}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.touch()
            digest = hashlib.sha256(b"%d" % number).digest()
            state = FileState(path)
            files[state.path_key] = (state.stamp, digest)
            rows[digest] = rng.standard_normal(N_FEATURES, dtype=np.float32)
            paths.append(str(path))
        started = time.perf_counter()
        store.put(settings, rows, files)
        seconds += time.perf_counter() - started
    return paths, seconds


def second_pass(n_rows, answer):
    """Measure a pass over stored embeddings."""
    with tempfile.TemporaryDirectory() as name:
        paths, storing = fill(Path(name), n_rows)
        transformer = trivial(Path(name, "cache")).fit(paths[:1])
        started = time.perf_counter()
        features = transformer.transform(paths)
        seconds = time.perf_counter() - started
        assert np.isfinite(features).all()
        size = Path(name, "cache", "embeddings.lmdb").stat().st_size
    answer.put(
        {
            "rows": n_rows,
            "seconds": seconds,
            "us_per_row": 1e6 * seconds / n_rows,
            "us_per_row_stored": 1e6 * storing / n_rows,
            "file_bytes_per_row": size / n_rows,
        }
    )


def private_bytes():
    """Memory of this process alone: without the mapped file, which the system may drop."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    raise OSError("no RssAnon in /proc/self/status")


def memory(n_images, answer):
    """Measure the peak memory of a first pass, and of the matrix that it returns."""
    with tempfile.TemporaryDirectory() as name:
        rng = np.random.default_rng(0)
        paths = []
        for number in range(n_images):
            paths.append(f"{name}/{number}.bmp")
            Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(paths[-1])
        transformer = trivial(Path(name, "cache"))
        transformer.fit_transform(paths[:200])
        before, peak, done = private_bytes(), 0, threading.Event()

        def watch():
            nonlocal peak
            while not done.wait(0.02):
                peak = max(peak, private_bytes())

        watcher = threading.Thread(target=watch)
        watcher.start()
        features = transformer.transform(paths)
        done.set()
        watcher.join()
    answer.put({"images": n_images, "peak_mb": (peak - before - features.nbytes) / 1e6})


def search(n_images, answer):
    """Measure a grid search with the encoder inside, by the number of jobs."""
    with tempfile.TemporaryDirectory() as name:
        rng = np.random.default_rng(0)
        paths = []
        for number in range(n_images):
            paths.append(f"{name}/{number}.jpg")
            small = Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
            small.resize((512, 384), Image.Resampling.BICUBIC).save(paths[-1])
            os.utime(paths[-1], (1e9, 1e9))
        y = np.arange(n_images) % 2
        grid = np.logspace(-4, 3, 20)

        def seconds(work):
            started = time.perf_counter()
            work()
            return time.perf_counter() - started

        plain = FrozenEncoderTransformer(**VIT, cache=None, verbose=False)
        features = plain.fit_transform(paths[:32])
        plain_pass = seconds(lambda: plain.transform(paths))
        features = plain.transform(paths)
        head = GridSearchCV(LogisticRegression(max_iter=1000), {"C": grid}, cv=5)
        heads = seconds(lambda: head.fit(features, y))
        result = {"images": n_images, "plain_pass_s": plain_pass, "heads_s": heads}
        for n_jobs, cache in ((1, "memory"), (1, "folder"), (2, "folder")):
            where = cache if cache == "memory" else Path(name, f"cache_{n_jobs}")
            pipe = make_pipeline(
                FrozenEncoderTransformer(**VIT, cache=where, verbose=False),
                LogisticRegression(max_iter=1000),
            )
            inside = GridSearchCV(pipe, {"logisticregression__C": grid}, cv=5, n_jobs=n_jobs)
            took = seconds(lambda inside=inside: inside.fit(paths, y))
            result[f"search_s, n_jobs={n_jobs}, {cache}"] = took
            result[f"ratio, n_jobs={n_jobs}, {cache}"] = took / (plain_pass + heads)
        get_reusable_executor().shutdown()  # or this process would wait for idle workers
    answer.put(result)


def in_own_process(measure, size):
    """Run a measurement in a fresh process and return its answer."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=measure, args=(size, answer))
    process.start()
    result = answer.get()
    process.join()
    print({k: round(v, 2) if isinstance(v, float) else v for k, v in result.items()}, flush=True)
    return result


def main():
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--images", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--search-images", type=int, default=200)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    results = {
        "second_pass": [in_own_process(second_pass, n) for n in arguments.rows],
        "memory": [in_own_process(memory, n) for n in arguments.images],
        "search": in_own_process(search, arguments.search_images),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {name: version(name) for name in ("lmdb", "numpy", "scikit-learn", "torch")},
    }
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
