"""``ssafe audit`` and ``ssafe equalize``: what gives the class away, and a copy without it."""

import json
import sys
from pathlib import Path

import click

# Apart from 1 (an error) and 2 (wrong use).
_LEAKS_FOUND = 3
_DATA = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("data", type=_DATA)
@click.option("--split", metavar="COLUMN", help="Column of the table that names fold or part.")
@click.option("--min-auc", default=0.55, show_default=True, type=click.FloatRange(0.5, 1))
@click.option("--alpha", default=0.01, show_default=True, help="Chance of any false alarm.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def audit(data, split, min_auc, alpha, as_json, quiet):
    """Look for what gives the class away without looking at the picture.

    DATA is a folder with the subfolders real/ and generated/, or a CSV, Excel or Parquet table
    with the columns path and label, and if you have them generator, source and group.

    Format, size, compression, metadata, duplicates, corner marks and so on: for each, the AUC of a
    predictor that sees nothing else. Exit code 0: no leak; 3: leaks; 1: an error.
    """
    from .. import audit_leaks, datasets

    pictures = datasets.load_images(data)
    found = audit_leaks(
        pictures.X,
        pictures.y,
        generator=pictures.generator,
        source=pictures.source,
        groups=pictures.groups,
        split=None if split is None else _column(pictures.frame, split, data),
        min_auc=min_auc,
        alpha=alpha,
        verbose=not quiet,
    )
    click.echo(json.dumps(found.to_dict(), indent=2) if as_json else str(found))
    if found.leaks:
        sys.exit(_LEAKS_FOUND)


@click.command("equalize")
@click.argument("data", type=_DATA)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="New folder.")
@click.option(
    "--size", default=256, show_default=True, type=click.IntRange(1), help="Side, pixels."
)
@click.option("--how", default="crop", show_default=True, type=click.Choice(["crop", "resize"]))
@click.option(
    "--codec", default="jpeg", show_default=True, type=click.Choice(["jpeg", "png", "webp"])
)
@click.option("--quality", default=90, show_default=True, type=click.IntRange(1, 100))
@click.option("--upscale", is_flag=True, help="Enlarge pictures that are smaller than --size.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def equalize(data, output, size, how, codec, quality, upscale, quiet):
    """Copy pictures, all in one size, codec and quality and without metadata, and audit the copy.

    DATA is a folder or table as for ``ssafe audit``. OUTPUT gets images/, manifest.csv and, if some
    pictures failed, failures.csv. Nothing is enlarged unless you say so.
    """
    from .. import audit_leaks, datasets
    from .. import equalize as make_equal

    pictures = datasets.load_images(data)
    copy = make_equal(
        pictures.X,
        pictures.y,
        generator=pictures.generator,
        source=pictures.source,
        groups=pictures.groups,
        output_dir=output,
        size=size,
        how=how,
        codec=codec,
        quality=quality,
        upscale=upscale,
        verbose=not quiet,
    )
    click.echo(f"Wrote {len(copy.X)} pictures and manifest.csv to {output}.")
    if len(copy.failures):
        lost = ", ".join(
            f"{n} of {total} {word}" for word, n, total in _losses(pictures.y, copy.failures["row"])
        )
        click.echo(f"Left out: {lost}. Their names and the reasons are in failures.csv.")
    click.echo("\nAn audit of the copy:\n")
    origin = {"generator": copy.generator, "source": copy.source, "groups": copy.groups}
    click.echo(str(audit_leaks(copy.X, copy.y, **origin, verbose=not quiet)))


def _column(frame, name, data):
    if name not in frame.columns:
        raise click.UsageError(f"{data} has no column {name!r}; it has {', '.join(frame.columns)}.")
    return frame[name]


def _losses(y, rows):
    for label, word in ((0, "real"), (1, "generated")):
        yield word, int((y[rows] == label).sum()), int((y == label).sum())
