"""What the leak audit costs: facts of files, a look at pixels, and the checks.

All in one run. Reading is compared with decoding the same files by Pillow; the checks are timed on
made-up facts, because their time depends on the number of pictures alone.

    python benchmarks/leak_audit.py --output benchmarks/results/leak_audit.json
"""

import argparse
import json
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from sklearn_ssafe.images import FileFacts, read_file_facts
from sklearn_ssafe.leaks.audit import examine
from sklearn_ssafe.leaks.pictures import Pictures, read_pictures

SETTINGS = {"min_auc": 0.55, "alpha": 0.01, "n_permutations": 999}


def write_pictures(folder, n_images):
    """Write JPEG files of quality 90, 1024x768, each with a grain of its own."""
    photographs = [Image.fromarray(image) for image in load_sample_images().images]
    rng = np.random.default_rng(0)
    paths = []
    for number in range(n_images):
        large = photographs[number % len(photographs)].resize((1024, 768))
        pixels = np.asarray(large, dtype=np.float32) + rng.normal(0, 3, (768, 1024, 3))
        paths.append(str(folder / f"{number:04d}.jpg"))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return paths


def decode(path):
    """Decode one picture by Pillow."""
    with Image.open(path) as image:
        return np.asarray(image)


def look(paths):
    """Read what the audit reads."""
    nothing = np.full(len(paths), "", dtype=object)
    labels = dict.fromkeys(("generator", "source", "group", "split"), nothing)
    y = np.arange(len(paths)) % 2
    read_pictures(paths, y, labels, num_workers=None, verbose=False)


def made_up(n_images, rng):
    """Pictures as the checks see them, with random properties."""
    facts = [
        FileFacts(
            width=int(rng.integers(400, 2000)),
            height=int(rng.integers(400, 2000)),
            colour_mode="RGB",
            has_alpha=False,
            format="JPEG",
            bit_depth=8,
            n_bytes=int(rng.integers(1e5, 1e6)),
            icc_profile="",
            metadata="none",
            camera=f"camera {rng.integers(50)}",
            has_c2pa=False,
            named_generator="",
            jpeg_quality=int(rng.integers(60, 100)),
            jpeg_tables=f"own {rng.integers(100)}",
            subsampling="4:2:0",
            path=f"folder {rng.integers(20)}/{row}.jpg",
            modified=float(rng.integers(1e9)),
        )
        for row in range(n_images)
    ]
    nothing = np.full(n_images, "", dtype=object)
    return Pictures(
        row=np.arange(n_images),
        name=[fact.path for fact in facts],
        y=rng.integers(0, 2, n_images),
        facts=facts,
        digest=[rng.bytes(16) for _ in range(n_images)],
        hash=rng.random((n_images, 256)) < 0.5,
        patches=rng.normal(size=(n_images, 8, 16, 16)).astype(np.float16),
        generator=nothing,
        source=nothing,
        group=nothing,
        split=nothing,
    )


def seconds(function):
    """Time one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main():
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10000, 50000])
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    arguments = parser.parse_args()

    steps = {
        "file facts, one thread": lambda paths: [read_file_facts(path) for path in paths],
        "facts, copies and corners, threads": look,
        "decoding by Pillow, one thread": lambda paths: [decode(path) for path in paths],
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = write_pictures(Path(folder), arguments.images)
        times = {name: [] for name in steps}
        for _ in range(arguments.rounds):
            for name, step in steps.items():
                times[name].append(seconds(lambda step=step: step(paths)))
    rates = {name: arguments.images / float(np.median(found)) for name, found in times.items()}
    rng = np.random.default_rng(0)
    checks = {}
    for n_images in arguments.sizes:
        pictures = made_up(n_images, rng)
        checks[n_images] = seconds(
            lambda: examine(pictures, **SETTINGS, rng=np.random.RandomState(0))  # noqa: B023
        )
    figures = {
        "picture": "1024x768 JPEG, quality 90",
        "images_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "seconds_for_all_checks_by_number_of_images": {
            str(size): round(took, 1) for size, took in checks.items()
        },
        "settings": SETTINGS,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("numpy", "scipy", "pillow")},
    }
    print(json.dumps(figures, indent=2))
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
