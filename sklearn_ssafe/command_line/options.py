"""Arguments and options that commands share."""

import functools
from pathlib import Path

import click

from .paths import NewFile, PathType

FILE = NewFile(dir_okay=False, path_type=Path)
NEW_FOLDER = PathType(path_type=Path)

data = click.argument("data", type=PathType(exists=True, path_type=Path))
detector = click.argument("detector", type=PathType(exists=True, file_okay=False, path_type=Path))
device = click.option("--device", default="auto", show_default=True)
weights_here = click.option("--weights", help="Where the encoder's weights are on this machine.")
allow_download = click.option(
    "--allow-download",
    is_flag=True,
    help="Fetch the encoder's weights from the hub where they are not on this machine.",
)
trust_anchors = click.option(
    "--trust-anchors",
    type=PathType(exists=True, dir_okay=False, path_type=Path),
    help="For provenance: a PEM file of the authorities whose signers are trusted.",
)
cache = click.option(
    "--cache",
    type=PathType(file_okay=False, path_type=Path),
    help="Keep embeddings in this folder. Commands that share it encode each picture once.",
)
embeddings = click.option(
    "--embeddings",
    type=PathType(exists=True, path_type=Path),
    help="What ssafe embed wrote of the pictures: a .npz or .parquet file, or a folder of .parquet "
    "files. Nothing is encoded.",
)
folds = click.option("--folds", default=5, show_default=True, type=click.IntRange(2))
quiet = click.option("--quiet", is_flag=True, help="No progress bar.")


def output(help, type=FILE, **more):
    """The option -o, --output, required unless `more` says otherwise."""
    return click.option("-o", "--output", type=type, help=help, **{"required": True, **more})


def verbose(quiet):
    """Turn --quiet into the parameter of the library: bars where somebody watches."""
    return False if quiet else "auto"


def kept_in(cache):
    """Turn --cache into the parameter of the library, which keeps embeddings in memory without."""
    return "memory" if cache is None else cache


def columns(help):
    """The option --columns; see `named_columns`."""
    return click.option("--columns", metavar="NAME,NAME", help=help)


# What is predicted, and what gives it away: a real picture has no generator.
_ANSWERS = ("path", "label", "generator", "source", "group")


def named_columns(frame, columns):
    """Take the columns of a table that --columns names."""
    names = [name.strip() for name in columns.split(",")]
    if answers := [name for name in names if name in _ANSWERS]:
        raise click.UsageError(
            f"--columns: {answers[0]!r} is what a picture is known by, and no picture to be judged "
            "has it: name columns that a new picture has as well."
        )
    if missing := [name for name in names if name not in frame.columns]:
        raise click.UsageError(
            f"--columns: there is no column {missing[0]!r}; there are {', '.join(frame.columns)}"
        )
    return frame[names]


def set_cache(detector, cache):
    """Let a loaded detector keep embeddings in --cache; one of embeddings has none to keep."""
    if cache is not None and detector.encoder_ is not None:
        detector.encoder_.set_params(cache=cache)


def as_json(help):
    """The flag --json, as the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=help)


def encoder(command):
    """--encoder, --pretrained, --weights and --device, as one dict with these names."""

    @functools.wraps(command)
    def with_encoder(encoder, pretrained, weights, device, **others):
        names = ("encoder", "pretrained", "weights", "device")
        values = (encoder, pretrained, weights, device)
        return command(encoder=dict(zip(names, values, strict=True)), **others)

    for option in (
        device,
        click.option("--weights", help="A file or folder with the weights."),
        click.option("--pretrained", help="Tag of the encoder's weights."),
        click.option(
            "--encoder",
            default="efficientnet_lite0",
            show_default=True,
            help="See: ssafe encoders.",
        ),
    ):
        with_encoder = option(with_encoder)
    return with_encoder


def engine(command):
    """--engine and --ray-address, as the parameter `ray`: None, or the address ("" for none)."""

    @functools.wraps(command)
    def with_engine(engine, ray_address, **others):
        if ray_address is not None and engine != "ray":
            raise click.UsageError("--ray-address goes with --engine ray.")
        return command(ray=(ray_address or "") if engine == "ray" else None, **others)

    for option in (
        click.option(
            "--ray-address",
            metavar="ADDRESS",
            help='Of a Ray cluster, such as HOST:6379, or "auto" on one of its machines. Without, '
            "Ray is started on this machine, for this command alone.",
        ),
        click.option(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="What encodes pictures: this process, or Ray, with the extra [ray].",
        ),
    ):
        with_engine = option(with_engine)
    return with_engine
