"""Images per second from JPEG paths: sklearn_ssafe beside what a user would write instead.

All contenders hold the same random ViT-B-32 weights, read the same 1024x768 JPEG files, and must
agree on the embeddings before they are timed. They take turns, several rounds in one run, so that
the ratios hold even where the machine is not quiet; the absolute figures are of this machine.

    pip install ".[test]" embetter
    python benchmarks/throughput.py --output benchmarks/results/throughput.json
"""

import argparse
import json
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import open_clip
import timm
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from sklearn_ssafe import FrozenEncoderTransformer

MODEL, TAG = "ViT-B-32", "laion2b_s34b_b79k"
TIMM_MODEL = "vit_base_patch32_clip_224.laion2b"
BATCH = 32


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
        MODEL, pretrained=TAG, weights=weights, precision=precision, device="cpu", verbose=False
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
        loader = torch.utils.data.DataLoader(Pictures(paths), BATCH, num_workers=n_workers)
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


def contenders(folder, n_workers):
    """Return the contenders by name, all with the same weights."""
    torch.manual_seed(0)
    model = open_clip.create_model(MODEL).eval()
    state = model.state_dict()
    weights = folder / "weights.pt"
    torch.save(state, weights)
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
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        paths = write_pictures(Path(name), arguments.images)
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

    rates = {contender: len(paths) / np.median(times) for contender, times in seconds.items()}
    print(f"{'':46s}{'images/s':>9s}{'ours bf16 / it':>16s}{'cosine':>10s}")
    for contender, rate in rates.items():
        ratio = rates["sklearn_ssafe, bf16"] / rate
        print(f"{contender:46s}{rate:9.1f}{ratio:16.2f}{agreed[contender]:10.5f}")
    if arguments.output:
        figures = {
            "images": len(paths),
            "picture": "1024x768 JPEG, quality 90, 4:2:0",
            "model": f"{MODEL}, random weights",
            "rounds": arguments.rounds,
            "images_per_second": {name: round(rate, 2) for name, rate in rates.items()},
            "seconds": {name: [round(t, 3) for t in times] for name, times in seconds.items()},
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
