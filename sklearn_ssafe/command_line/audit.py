"""``ssafe audit``: what gives the class away without looking at the picture."""

import sys

import click

from . import options

# Apart from 1 (an error) and 2 (wrong use).
_LEAKS_FOUND = 3


@click.command()
@options.data
@click.option("--split", metavar="COLUMN", help="Column of the table that names fold or part.")
@click.option("--min-auc", default=0.55, show_default=True, type=click.FloatRange(0.5, 1))
@click.option("--alpha", default=0.01, show_default=True, help="Chance of any false alarm.")
@options.as_json("Print JSON.")
@options.quiet
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
        verbose=options.verbose(quiet),
    )
    click.echo(found.to_json() if as_json else str(found))
    if found.leaks:
        sys.exit(_LEAKS_FOUND)


def _column(frame, name, data):
    if name not in frame.columns:
        raise click.UsageError(f"{data} has no column {name!r}; it has {', '.join(frame.columns)}.")
    return frame[name]
