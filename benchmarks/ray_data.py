"""What Ray Data costs beside the plain transformer, how two actors scale, what memory they take.

The encoder is EfficientNet-Lite0's network with random weights, on one thread. Contenders take
turns, in as many rounds as asked for: the plain transformer, one actor, two actors. Time and
pictures count from when all actors are up. CPU seconds are those of all of Ray's processes (or of
this one), by which a ratio can be told where other programs take their share of the cores. Memory
is private to the processes; of the store of objects, what is in use.

    python benchmarks/ray_data.py --pictures 5000 --output benchmarks/results/ray_data.json

It is not called ray.py: from there, ``import ray`` would find the script.
"""

import argparse
import importlib
import json
import logging
import os
import platform
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import ray
import ray.data
from PIL import Image

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.distributed import encode_dataset

psutil = importlib.import_module("psutil")  # Ray brings it along, where it is not installed
CROP = {"size": 256, "mean": 0.5, "std": 0.5, "resize_mode": "crops"}


def write_pictures(folder, n_pictures):
    """Write JPEG files of 512 x 384 pixels, no two of the same content, and return their paths."""
    rng = np.random.default_rng(0)
    small = [Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)) for _ in range(20)]
    pictures = [one.resize((512, 384), Image.Resampling.BICUBIC) for one in small]
    paths = [f"{folder}/{number}.jpg" for number in range(n_pictures)]
    for number, path in enumerate(paths):
        pictures[number % len(pictures)].save(path, quality=90, comment=str(number))
    return paths


def lite0(ups):
    """Return the transformer; each process that builds its encoder writes down when it is there."""

    def build():
        import timm
        import torch

        torch.manual_seed(0)
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
        with open(ups, "a") as file:
            file.write(f"{time.time()}\n")
        return network

    return FrozenEncoderTransformer(
        build, preprocess=CROP, precision="fp32", cache=None, num_workers=1, verbose=False
    )


def processes_of_ray():
    """Return this process's descendants, which are all of Ray's."""
    return psutil.Process().children(recursive=True)


def cpu_seconds(processes):
    """Return what processes have used; those that are gone count in their parents."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def private_mb(processes):
    """Return the memory that is of these processes alone."""
    total = 0
    for process in processes:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in status.splitlines() if "RssAnon" in line)
    return total / 1000


class Watch:
    """Notes time, pictures and memory, once a second."""

    def __init__(self, processes, shared):
        self.curve, self.n_done = [], 0
        self._processes, self._shared = processes, shared
        self._ended = threading.Event()
        self._began = time.time()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._ended.wait(1):
            self.curve.append(
                {
                    "seconds": round(time.time() - self._began, 1),
                    "pictures": self.n_done,
                    "private_mb": round(private_mb(self._processes())),
                    "object_store_mb": round(self._shared(), 1),
                }
            )

    def end(self):
        """Stop."""
        self._ended.set()
        self._thread.join()


def run_plain(paths, folder):
    """Encode with the plain transformer, in this process."""
    import torch

    torch.set_num_threads(1)
    transformer = lite0(folder / "ups").fit(paths[:1])
    me = [psutil.Process()]
    used, began = cpu_seconds(me), time.time()
    transformer.transform(paths)
    return {"seconds": time.time() - began, "cpu_seconds": cpu_seconds(me) - used}


def run_ray(paths, folder, n_actors):
    """Encode with so many actors of one thread each, from when they are up."""
    ups = folder / f"ups_{time.time_ns()}"
    ds = ray.data.from_arrow(pa.table({"path": paths}))
    ds = encode_dataset(ds, lite0(ups), num_actors=n_actors, num_cpus=1, batch_size=128)

    def stored():
        free = ray.available_resources().get("object_store_memory", 0)
        return (ray.cluster_resources()["object_store_memory"] - free) / 1e6

    watch, used, n_before = Watch(processes_of_ray, stored), None, None
    rows = iter(ds.iter_batches(batch_size=None, batch_format="pyarrow"))

    def when_up():
        nonlocal used, n_before
        while not ups.exists() or len(ups.read_text().split()) < n_actors:
            time.sleep(0.05)
        used, n_before = cpu_seconds(processes_of_ray()), watch.n_done

    waiting = threading.Thread(target=when_up, daemon=True)
    waiting.start()
    for batch in rows:
        assert batch["reason"].null_count == len(batch)
        watch.n_done += len(batch)
        used_at_last, ended = cpu_seconds(processes_of_ray()), time.time()
    waiting.join()
    watch.end()
    assert watch.n_done == len(paths)
    up = max(map(float, ups.read_text().split()))
    share = len(paths) / (len(paths) - n_before)  # one actor begins before the other is up
    return {
        "seconds": (ended - up) * share,
        "cpu_seconds": (used_at_last - used) * share,
        "pictures_before_all_were_up": n_before,
        "curve": watch.curve,
    }


def main():
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        address="local",
        num_cpus=3,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=500 * 10**6,
        _node_ip_address="127.0.0.1",
    )
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    runs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_pictures(folder, arguments.pictures)
        for round_ in range(arguments.rounds):
            for contender, run in {
                "plain": lambda: run_plain(paths, folder),
                "one actor": lambda: run_ray(paths, folder, 1),
                "two actors": lambda: run_ray(paths, folder, 2),
            }.items():
                load = os.getloadavg()[0]
                runs.append({"contender": contender, "round": round_, "load_before": load, **run()})
                shown = {key: value for key, value in runs[-1].items() if key != "curve"}
                print(shown, flush=True)
    ray.shutdown()

    def total(contender, key):
        return sum(run[key] for run in runs if run["contender"] == contender)

    results = {
        "pictures": arguments.pictures,
        "overhead, time": total("one actor", "seconds") / total("plain", "seconds") - 1,
        "overhead, CPU": total("one actor", "cpu_seconds") / total("plain", "cpu_seconds") - 1,
        "two actors beside one, time": total("one actor", "seconds")
        / total("two actors", "seconds"),
        "two actors beside one, CPU": total("one actor", "cpu_seconds")
        / total("two actors", "cpu_seconds"),
        "runs": runs,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {name: version(name) for name in ("ray", "torch", "timm", "pyarrow")},
    }
    print({key: value for key, value in results.items() if key != "runs"})
    if arguments.output:
        arguments.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
