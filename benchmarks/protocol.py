"""What the benchmarks of encoders share: one format, what is held out, which encoder, where."""

import argparse
import io
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoding.transformer import loaded_encoder
from sklearn_ssafe.images import read_image

LARGEST_SIDE = 768
JPEG_QUALITY = 90
FORMAT = f"Centre crop to at most {LARGEST_SIDE} pixels a side, JPEG quality {JPEG_QUALITY}, 4:2:0"
N_REAL_GROUPS = 4
N_GENERATOR_GROUPS = 10
DEFAULT = "efficientnet_lite0"
OWN = (DEFAULT, "forensic")


# --- pictures ------------------------------------------------------------------------------------


def read_manifest(folder, absent=()):
    """Read ``manifest.csv`` of a folder, and remember which generators are absent from it.

    An absent generator has no pictures, but the others are dealt as if it had: so none changes its
    part because the pictures of another cannot be had any more.
    """
    manifest = pd.read_csv(Path(folder) / "manifest.csv", keep_default_na=False)
    manifest.attrs["absent"] = tuple(absent)
    return manifest


def equalise(path, side):
    """Bring a picture to the one format in which all are compared.

    Parameters
    ----------
    path : Path
        Any picture that the package reads.
    side : int
        Pixels a side of the centre crop, at most.

    Returns
    -------
    content : bytes
        JPEG quality 90, 4:2:0, no metadata.
    """
    image = read_image(path)
    height, width = image.shape[:2]
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    crop = image[top : top + side, left : left + side]
    content = io.BytesIO()
    Image.fromarray(crop).save(content, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0")
    return content.getvalue()


def equalise_all(paths, side, keep=None):
    """Equalised pictures, and their sizes (height, width); `keep` is a folder for them."""
    work = partial(joblib.Memory(keep, verbose=0).cache(equalise), side=side)
    with ThreadPoolExecutor(2) as pool:
        contents = list(tqdm(pool.map(work, paths), total=len(paths)))
    return contents, np.array([Image.open(io.BytesIO(one)).size[::-1] for one in contents])


def equalised_set(arguments, size=None):
    """Equalised pictures, their sizes and their manifest; with `size` all exactly of this size."""
    manifest = read_manifest(arguments.data, arguments.absent)
    paths = [arguments.data / path for path in manifest.path]
    keep = None if arguments.cache == "memory" else Path(arguments.cache) / "equalised"
    contents, sizes = equalise_all(paths, size or LARGEST_SIDE, keep)
    if size:
        kept = (sizes == size).all(axis=1)
        contents = [content for content, keep in zip(contents, kept, strict=True) if keep]
        sizes, manifest = sizes[kept], manifest[kept].reset_index(drop=True)
    return contents, sizes, manifest


# --- what is held out ----------------------------------------------------------------------------


def generators_to_deal(manifest):
    """Names of all generators, those that are absent among them, in alphabetical order."""
    there = manifest.generator[manifest.label == "generated"].unique()
    return sorted({*there, *manifest.attrs.get("absent", ())})


def split_halves(manifest):
    """Deal generators into development and test, and real sources into four groups.

    In alphabetical order, like cards, so that no figure had a part in it.

    Parameters
    ----------
    manifest : DataFrame
        With the columns label, generator and source.

    Returns
    -------
    development_generators : set of str
        Every second generator. The others are for the test.
    real_groups : list of list of str
        Real sources that are held out together; groups 0 and 2 are for development.
    """
    reals = sorted(manifest.source[manifest.label != "generated"].unique())
    groups = [reals[k::N_REAL_GROUPS] for k in range(N_REAL_GROUPS)]
    return set(generators_to_deal(manifest)[::2]), [group for group in groups if group]


def held_out_folds(manifest):
    """One fold for each pair of a group of generators and a group of real sources, both held out.

    Parameters
    ----------
    manifest : DataFrame
        With the columns label, generator and source.

    Returns
    -------
    folds : list of tuple
        Generators and real sources of the test set (lists of str), and its boolean mask. The
        training set has none of these generators and none of these real sources.
    """
    generators = generators_to_deal(manifest)
    absent = manifest.attrs.get("absent", ())
    _, real_groups = split_halves(manifest)
    folds = []
    for k in range(N_GENERATOR_GROUPS):
        held_out = [name for name in generators[k::N_GENERATOR_GROUPS] if name not in absent]
        for reals in real_groups:
            test = held_out_generators_or_reals(manifest, held_out, reals)
            folds.append((held_out, reals, test))
    return folds


def held_out_generators_or_reals(manifest, generators, reals):
    """Mask of the pictures of these generators or of these real sources."""
    generated = manifest.label == "generated"
    return np.where(
        generated, manifest.generator.isin(generators), manifest.source.isin(reals)
    ).astype(bool)


def part_of(manifest, generator, reals):
    """Say which part a generator and a group of real sources are of, or "mixed"."""
    development, real_groups = split_halves(manifest)
    parts = {
        "development" if generator in development else "test",
        "development" if real_groups.index(reals) % 2 == 0 else "test",
    }
    return parts.pop() if len(parts) == 1 else "mixed"


# --- which encoder -------------------------------------------------------------------------------


def parser_of(doc):
    """Make a parser with the options that all of these benchmarks have."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with manifest.csv")
    parser.add_argument("--absent", nargs="*", default=[], help="generators dealt, not there")
    parser.add_argument("--encoder", default=None, help="another encoder than the package's own")
    parser.add_argument("--pretrained", help="tag of its weights")
    parser.add_argument("--weights", help="file or folder with its weights")
    parser.add_argument(
        "--cache", default="memory", help="folder that keeps its rows and the equalised pictures"
    )
    return parser


def encoder_of(arguments, name=None, **more):
    """Make the encoder that the arguments name, or the default one."""
    return FrozenEncoderTransformer(
        name or arguments.encoder or DEFAULT,
        pretrained=arguments.pretrained,
        weights=arguments.weights,
        cache=arguments.cache,
        verbose=True,
        **more,
    )


def options_of(arguments):
    """Write the options of `parser_of` as they are typed; folders are left out."""
    absent = " --absent " + " ".join(arguments.absent) if arguments.absent else ""
    encoder = f" --encoder {arguments.encoder}" if arguments.encoder else ""
    return absent + encoder + (" --weights FOLDER" if arguments.weights else "")


def describe(transformer):
    """Say which encoder it is, in words; file names without their folders."""
    encoder = loaded_encoder(transformer)
    parts = [f"{encoder.name}: {encoder.n_features} features"]
    if transformer.weights is not None:
        parts.append(f"weights from {Path(transformer.weights).name}")
    if getattr(encoder, "weights_hash", None):
        parts.append(f"SHA-256 {encoder.weights_hash[:16]}")
    views = encoder.fingerprint.get("views", f"{encoder.fingerprint.get('n_views')} crops of 256")
    return ", ".join([*parts, f"views: {views}"])


def hardware():
    """Name the processor and the libraries."""
    found = re.findall(r"^(Model name|CPU\(s\)): *(.*)$", subprocess.getoutput("lscpu"), re.M)
    libraries = ("scikit-learn", "lightgbm", "torch", "timm", "pillow", "numpy")
    return {**dict(found), **{name: version(name) for name in libraries}}
