"""Images per second from JPEG paths: sklearn_ssafe beside what a user would write instead.

All contenders hold the same random weights, read the same 1024x768 JPEG files, and must agree on
the embeddings before they are timed. They take turns, several rounds in one run, so that the ratios
hold even where the machine is not quiet; the absolute figures are of this machine.

Then each stage of ours is run by itself on the same pictures; reading alone, from path to the batch
that is handed to the device, on one core and on two; and the encoder alone, as it is and compiled,
beside the rate that a bf16 matrix product of the same shapes allows.

    pip install ".[test]" embetter
    python benchmarks/throughput.py --output benchmarks/results/throughput.json

With ``--only-reading`` that part alone is measured, in half a minute, and put into the file.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from copy import copy
from importlib.metadata import version
from pathlib import Path

import numpy as np
import open_clip
import timm
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.encoding.engine import StoredEncoding
from sklearn_ssafe.images import read_image
from sklearn_ssafe.images.picture import as_picture
from sklearn_ssafe.store.disk import open_disk_store
from sklearn_ssafe.store.keys import Settings
from sklearn_ssafe.store.opening import open_store

MODEL, TAG = "ViT-B-32", "laion2b_s34b_b79k"
TIMM_MODEL = "vit_base_patch32_clip_224.laion2b"
BATCH = 16  # ours on a CPU
LOADER_BATCH = 32


def write_pictures(folder, n_images):
    """Write 1024x768 JPEG files, quality 90: crops of photographs, each with its own grain."""
    photographs = [Image.fromarray(image) for image in load_sample_images().images]
    rng = np.random.default_rng(0)
    paths = []
    for number in range(n_images):
        large = photographs[number % len(photographs)].resize((1280, 854), Image.Resampling.LANCZOS)
        left, top = rng.integers(0, 256), rng.integers(0, 86)
        pixels = np.asarray(large.crop((left, top, left + 1024, top + 768)), dtype=np.float32)
        noisy = (pixels + rng.normal(0, 3, pixels.shape)).clip(0, 255).astype(np.uint8)
        paths.append(str(folder / f"{number:04d}.jpg"))
        Image.fromarray(noisy).save(paths[-1], quality=90)
    return paths


def ours(weights, precision):
    """Encode by `FrozenEncoderTransformer`."""
    transformer = FrozenEncoderTransformer(
        MODEL,
        pretrained=TAG,
        weights=weights,
        precision=precision,
        device="cpu",
        cache=None,
        verbose=False,
    )
    return transformer.fit_transform


def plain_loop(model, preprocess):
    """Open, preprocess, encode, one picture at a time: the loop of open_clip's own README."""

    @torch.no_grad()
    def encode(paths):
        return np.concatenate(
            [model.encode_image(preprocess(Image.open(path))[None]).numpy() for path in paths]
        )

    return encode


def data_loader_loop(model, preprocess, n_workers):
    """Encode batches from a `DataLoader` with worker processes: the best plain loop in fp32."""

    class Pictures(torch.utils.data.Dataset):
        def __init__(self, paths):
            self.paths = paths

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, row):
            return preprocess(Image.open(self.paths[row]))

    @torch.inference_mode()
    def encode(paths):
        loader = torch.utils.data.DataLoader(Pictures(paths), LOADER_BATCH, num_workers=n_workers)
        return torch.cat([model.encode_image(batch) for batch in loader]).numpy()

    return encode


def embetter_pipeline(state, preprocess):
    """Encode by embetter's loader and timm encoder, with the same weights put in.

    timm crops a little tighter for these weights than open_clip does; the same preprocessing is put
    in too, so that all contenders do the same work.
    """
    from embetter.vision import ImageLoader, TimmEncoder
    from timm.models.vision_transformer import checkpoint_filter_fn

    original = timm.create_model

    def without_download(name, pretrained, **options):
        # All of the timm model is kept but the head, which is open_clip's projection.
        return original(name, pretrained=False, **{**options, "num_classes": 512})

    timm.create_model = without_download
    try:
        encoder = TimmEncoder(TIMM_MODEL)
    finally:
        timm.create_model = original
    encoder.model.load_state_dict(checkpoint_filter_fn(dict(state), encoder.model))
    encoder.model.eval()
    encoder.transform_img = preprocess
    loader = ImageLoader()
    return lambda paths: encoder.transform(loader.transform(paths))


def random_weights(folder):
    """Return open_clip's model, and a file of its weights."""
    torch.manual_seed(0)
    model = open_clip.create_model(MODEL).eval()
    weights = folder / "weights.pt"
    torch.save(model.state_dict(), weights)
    return model, weights


def contenders(folder, n_workers):
    """Return the contenders by name, all with the same weights."""
    model, weights = random_weights(folder)
    state = model.state_dict()
    settings = open_clip.get_pretrained_cfg(MODEL, TAG)
    preprocess = open_clip.image_transform(
        model.visual.image_size, is_train=False, mean=settings["mean"], std=settings["std"]
    )
    chosen = {
        "sklearn_ssafe, bf16": ours(weights, "bf16"),
        "sklearn_ssafe, fp32": ours(weights, "fp32"),
        "open_clip, one by one, fp32": plain_loop(model, preprocess),
        f"open_clip, DataLoader ({n_workers} workers), fp32": data_loader_loop(
            model, preprocess, n_workers
        ),
    }
    try:
        chosen["embetter, fp32"] = embetter_pipeline(state, preprocess)
    except ImportError:
        print("embetter is not installed and is left out: pip install embetter")
    return chosen


def stages(paths, weights, folder):
    """Run each stage by itself; return milliseconds of processor time per picture, on all cores."""
    encoder = load_encoder(MODEL, pretrained=TAG, weights=weights, precision="bf16", device="cpu")
    store, settings = open_disk_store(folder / "cache"), Settings(encoder)
    done, milliseconds = {}, {}

    def stage(name, work):
        started = time.process_time()
        done[name] = work()
        milliseconds[name] = 1e3 * (time.process_time() - started) / len(paths)

    stage("read and hash", lambda: [(c := as_picture(p).loaded(), c.digest()) for p in paths])
    stage("decode", lambda: [read_image(picture) for picture, _ in done["read and hash"]])
    stage("preprocess", lambda: [encoder.prepare(image) for image in done["decode"]])
    views = done.pop("preprocess")
    starts = range(0, len(views), BATCH)
    stage("stack", lambda: [torch.from_numpy(np.stack(views[s : s + BATCH])) for s in starts])
    stage("encode", lambda: [encoder.encode(batch) for batch in done["stack"]])
    rows = torch.cat(done["encode"]).numpy()
    digests = [digest for _, digest in done["read and hash"]]
    stage("store", lambda: store.put(settings, dict(zip(digests, rows, strict=True)), {}))
    return milliseconds


def reading_alone(paths, weights, rounds):
    """Read, decode, resize and stack by the engine itself, for a device that takes no time.

    Return pictures/s by number format and cores; which of them is up goes round, as all else here.
    """
    pictures = [as_picture(path) for path in paths]
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return {}
    seconds = {}
    for precision in ("bf16", "fp32"):
        encoder = load_encoder(
            MODEL, pretrained=TAG, weights=weights, precision=precision, device="cpu"
        )
        idle = copy(encoder)
        nothing = torch.zeros(BATCH, encoder.n_features)
        idle.encode = lambda views, nothing=nothing: nothing[: len(views)]
        for n_cores in (1, 2):
            seconds[f"{precision}, resized by {encoder.resizer}", n_cores] = idle, []
    for _ in range(4 * rounds):
        for (_, n_cores), (encoder, times) in seconds.items():
            os.sched_setaffinity(0, cores[:n_cores])
            store = open_store(None, None)
            how = {"batch_size": BATCH, "num_workers": n_cores}
            work = StoredEncoding(encoder, pictures, store, **how)
            started = time.perf_counter()
            work.look_up()
            work.encode(lambda _: None)
            times.append(time.perf_counter() - started)
            assert not work.reasons
    os.sched_setaffinity(0, cores)
    rates = {}
    for (how, n_cores), (_, times) in seconds.items():
        rates.setdefault(how, {})[f"cores {n_cores}"] = len(paths) / np.median(times)
    for rate in rates.values():
        rate["two over one"] = rate["cores 2"] / rate["cores 1"]
    return {
        how: {what: round(value, 2) for what, value in each.items()} for how, each in rates.items()
    }


def print_reading(reading):
    """Print its table."""
    print(f"\n{'reading alone, pictures/s':46s}{'one core':>9s}{'two cores':>11s}{'ratio':>8s}")
    for how, rate in reading.items():
        print(f"{how:46s}{rate['cores 1']:9.0f}{rate['cores 2']:11.0f}{rate['two over one']:8.2f}")


def only_reading(arguments):
    """Measure reading alone, and put it into a file that is there."""
    with tempfile.TemporaryDirectory() as name:
        weights = random_weights(Path(name))[1]
        paths = write_pictures(Path(name), 2 * arguments.images)
        reading = reading_alone(paths, weights, arguments.rounds)
    print_reading(reading)
    if arguments.output:
        figures = json.loads(arguments.output.read_text()) | {"reading_alone": reading}
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")


def encoder_alone(weights, rounds):
    """Return images/s of the bf16 encoder, and those that a matrix product's rate would allow."""
    encoder = load_encoder(MODEL, pretrained=TAG, weights=weights, precision="bf16", device="cpu")
    spec = encoder.prepare(np.zeros((64, 64, 3), np.uint8)).shape
    views = torch.randint(0, 256, (BATCH, *spec), dtype=torch.uint8)
    visual = encoder.tower.module
    blocks, width = len(visual.transformer.resblocks), visual.conv1.out_channels
    n_tokens = len(visual.positional_embedding)
    # Multiplications and additions: patches; in every block the projections of the attention (4),
    # the perceptron (8), the attention itself; the last projection.
    gflop = 2e-9 * (
        (n_tokens - 1) * visual.conv1.weight.numel()
        + blocks * (12 * n_tokens * width**2 + 2 * n_tokens**2 * width)
        + visual.proj.numel()
    )
    compiled = encoder.compiled()
    started = time.perf_counter()
    compiled.encode(views)
    compiling = time.perf_counter() - started
    left = torch.randn(BATCH * n_tokens, width, dtype=torch.bfloat16)
    right = torch.randn(width, 4 * width, dtype=torch.bfloat16)
    times = {"eager": [], "compiled": [], "product": []}
    for _ in range(4 * rounds):
        for name, work in (
            ("eager", lambda: encoder.encode(views)),
            ("compiled", lambda: compiled.encode(views)),
            ("product", lambda: [left @ right for _ in range(10)]),
        ):
            started = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - started)
    seconds = {name: np.median(each) for name, each in times.items()}
    tflops = 10 * 2e-12 * left.numel() * right.shape[1] / seconds["product"]
    bound = 1e3 * tflops / gflop
    return {
        "gflop_per_image": gflop,
        "matrix_product_tflops": tflops,
        "images_per_second_at_that_rate": bound,
        "eager": BATCH / seconds["eager"],
        "eager_share": BATCH / seconds["eager"] / bound,
        "compiled": BATCH / seconds["compiled"],
        "compiled_share": BATCH / seconds["compiled"] / bound,
        "seconds_to_compile": compiling,
    }


def unit(rows):
    """Scale rows to unit length."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main():
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader")
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    parser.add_argument("--only-reading", action="store_true", help="no encoder, nobody else")
    arguments = parser.parse_args()
    if arguments.only_reading:
        only_reading(arguments)
        return

    with tempfile.TemporaryDirectory() as name:
        all_paths = write_pictures(Path(name), 2 * arguments.images)
        paths = all_paths[: arguments.images]
        encoders = contenders(Path(name), arguments.workers)
        agreed = {}
        reference = unit(encoders["open_clip, one by one, fp32"](paths[:8]))
        for contender, encode in encoders.items():  # warms up as well
            agreed[contender] = float((unit(encode(paths[:8])) * reference).sum(axis=1).min())
            assert agreed[contender] > 0.999, (contender, agreed[contender])
        seconds = {contender: [] for contender in encoders}
        for _ in range(arguments.rounds):
            for contender, encode in encoders.items():
                started = time.perf_counter()
                encode(paths)
                seconds[contender].append(time.perf_counter() - started)

        shares = stages(paths, Path(name) / "weights.pt", Path(name))
        reading = reading_alone(all_paths, Path(name) / "weights.pt", arguments.rounds)
        alone = encoder_alone(Path(name) / "weights.pt", arguments.rounds)

    rates = {contender: len(paths) / np.median(times) for contender, times in seconds.items()}
    print(f"{'':46s}{'images/s':>9s}{'ours bf16 / it':>16s}{'cosine':>10s}")
    for contender, rate in rates.items():
        ratio = rates["sklearn_ssafe, bf16"] / rate
        print(f"{contender:46s}{rate:9.1f}{ratio:16.2f}{agreed[contender]:10.5f}")
    total = sum(shares.values())
    print("\nprocessor time per picture, each stage by itself")
    for stage, milliseconds in shares.items():
        print(f"{stage:46s}{milliseconds:9.2f} ms{milliseconds / total:13.1%}")
    print_reading(reading)
    print("\nthe encoder alone")
    for what, value in alone.items():
        print(f"{what:46s}{value:9.3g}")
    if arguments.output:
        figures = {
            "images": len(paths),
            "picture": "1024x768 JPEG, quality 90, 4:2:0",
            "model": f"{MODEL}, random weights",
            "rounds": arguments.rounds,
            "images_per_second": {name: round(rate, 2) for name, rate in rates.items()},
            "seconds": {name: [round(t, 3) for t in times] for name, times in seconds.items()},
            "processor_ms_per_image": {stage: round(ms, 3) for stage, ms in shares.items()},
            "reading_alone": reading,
            "encoder_alone": {what: round(float(value), 4) for what, value in alone.items()},
            "least_cosine_to_open_clip": {name: round(c, 6) for name, c in agreed.items()},
            "cpu_threads": torch.get_num_threads(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "python": platform.python_version(),
            "versions": {
                package: version(package)
                for package in ("torch", "open_clip_torch", "timm", "scikit-learn", "pillow")
            },
        }
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
