"""How often the leak audit raises an alarm where labels were shuffled, so that nothing leaks.

Pictures are read once; then labels are shuffled, and the audit's checks are made, 200 times over.
Only findings with a p-value count: that there are copies is a fact, whatever the labels.

    python benchmarks/leak_false_alarms.py --output benchmarks/results/leak_false_alarms.json
    python benchmarks/leak_false_alarms.py --data NAME=FOLDER_OR_TABLE --output ...
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from sklearn_ssafe.datasets import load_images, make_generated_images
from sklearn_ssafe.images.inputs import as_pictures
from sklearn_ssafe.leaks.audit import examine
from sklearn_ssafe.leaks.pictures import read_pictures

SETTINGS = {"min_auc": 0.55, "alpha": 0.01, "n_permutations": 999}
BLOCK = 5  # pictures of a group, where there are groups


def read(data, n_images, rng):
    """Read the pictures, or as many of them as wanted."""
    rows = np.arange(len(data.X))
    if n_images is not None and n_images < len(rows):
        rows = np.sort(rng.choice(rows, n_images, replace=False))
    nothing = np.full(len(rows), "", dtype=object)
    labels = {"generator": nothing, "source": data.source[rows], "group": nothing, "split": nothing}
    items = as_pictures([data.X[row] for row in rows])
    return read_pictures(items, data.y[rows], labels, num_workers=None, verbose="auto")[0]


def blocks_of_like_pictures(source):
    """Group the pictures of a source by fives, as the frames of one film would be."""
    group = np.empty(len(source), dtype=object)
    for name in np.unique(source.astype(str)):
        for number, row in enumerate(np.flatnonzero(source == name)):
            group[row] = f"{name} {number // BLOCK}"
    return group


def count_alarms(pictures, rng, n_draws, group=None, *, tell_groups=True):
    """Shuffle labels (of whole groups, where given) and audit, many times."""
    alarms = []
    for _ in range(n_draws):
        if group is None:
            y = rng.permutation(pictures.y)
        else:
            names, number = np.unique(group.astype(str), return_inverse=True)
            y = (rng.permutation(len(names)) < len(names) / 2).astype(int)[number]
        shuffled = replace(pictures, y=y)
        if group is not None and tell_groups:
            shuffled = replace(shuffled, group=group)
        seed = np.random.RandomState(rng.integers(2**31))
        findings, _, _ = examine(shuffled, **SETTINGS, rng=seed)
        alarms.append([found.code for found in findings if not np.isnan(found.p_value)])
    codes = [code for found in alarms for code in found]
    return {
        "images": len(pictures.y),
        "draws": n_draws,
        "draws_with_an_alarm": sum(map(bool, alarms)),
        "draws_with_a_leak": sum(any(code not in _NOTES for code in found) for found in alarms),
        "alarms_by_code": {code: codes.count(code) for code in sorted(set(codes))},
    }


_NOTES = {"metadata", "camera", "c2pa", "generator_text", "modified", "path"}


def main():
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="*", default=[], help="other sets, as NAME=PATH")
    parser.add_argument("--images", type=int, help="at most so many of each")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument(
        "--output", type=Path, help="write the figures as JSON here, beside those of other sets"
    )
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    sets = {}
    for entry in arguments.data:
        name, _, path = entry.partition("=")
        sets[name] = load_images(path)
    if not sets:
        sets["make_generated_images"] = make_generated_images(200, image_size=128, random_state=0)
    figures = {"settings": SETTINGS, "block": BLOCK, "sets": {}}
    if arguments.output and arguments.output.exists():
        figures["sets"] = json.loads(arguments.output.read_text())["sets"]
    for name, data in sets.items():
        pictures = read(data, arguments.images, rng)
        group = blocks_of_like_pictures(pictures.source)
        runs = {
            "labels shuffled by picture": count_alarms(pictures, rng, arguments.draws),
            "labels shuffled by group, groups given": count_alarms(
                pictures, rng, arguments.draws, group
            ),
            "labels shuffled by group, groups not given": count_alarms(
                pictures, rng, arguments.draws, group, tell_groups=False
            ),
        }
        figures["sets"][name] = runs
        for words, result in runs.items():
            print(f"{name}: {words}: {result}", flush=True)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
