"""``ssafe explain``: which regions of a picture push its verdict."""

from pathlib import Path

import click

from ..results import visible
from . import options
from .paths import PathType


@click.command()
@options.detector
@click.argument("image", type=PathType(exists=True, dir_okay=False))
@click.option(
    "--row", type=click.IntRange(1), help="Of IMAGE, where it is a table: as a spreadsheet counts."
)
@options.output("The picture to write, such as overlay.png.")
@click.option(
    "--method",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "occlusion", "tokens"]),
    help="Cover regions, or read the encoder's patch tokens.",
)
@click.option(
    "--grid", default=8, show_default=True, type=click.IntRange(1), help="Regions along a side."
)
@click.option(
    "--nearest",
    default=5,
    show_default=True,
    type=click.IntRange(0),
    help="Training pictures to name, where the detector keeps them.",
)
@options.weights_here
@options.device
@options.allow_download
@options.cache
def explain(
    detector, image, row, output, method, grid, nearest, weights, device, allow_download, cache
):
    """Draw on IMAGE which regions push the verdict of DETECTOR, and how.

    A DETECTOR of pictures and columns takes a table with them as IMAGE, and --row; what each column
    does is listed.

    Orange regions, with a plus, push towards generated; blue ones, with a minus, towards real. The
    nearest training pictures are listed where the detector was saved with them.
    """
    from ..detector.loading import load_detector

    judge = load_detector(detector, weights=weights, device=device, allow_download=allow_download)
    given = _row_of(image, row, judge.columns, detector)
    explanation = judge.explain(given, method=method, grid=grid, n_nearest=nearest)
    try:
        explanation.overlay().save(output)
    except ValueError as error:  # Pillow, of the name
        raise click.UsageError(f"--output {output}: {error}.") from error
    verdict = "generated" if explanation.is_generated else "real"
    click.echo(
        f"{visible(explanation.path)}: {verdict}, score {explanation.score:.4f} "
        f"(threshold {explanation.threshold:.4f})"
    )
    click.echo(f"Regions drawn in {output}, by {explanation.method}.")
    if explanation.columns is not None:
        effects = explanation.columns.to_string(index=False, float_format="{:.3f}".format)
        click.echo("\nEffect on the log-odds, beside an empty cell and a mean picture:")
        click.echo(visible(effects))
    if explanation.nearest is None:
        click.echo("\nThe detector keeps no training pictures: ssafe fit --keep-training-rows.")
    elif nearest:
        click.echo("\nNearest training pictures:")
        nearest = explanation.nearest.to_string(index=False, float_format="{:.3f}".format)
        click.echo(visible(nearest))


def _row_of(image, row, columns, detector):
    """Return the picture to explain, or a table of one row for a detector of columns."""
    from ..datasets.manifest import manifest_rows
    from ..datasets.table_in import SUFFIXES
    from ..detector.columns import with_pictures

    path = Path(image)
    if path.suffix.lower() not in SUFFIXES:
        if columns is not None:
            needed = ", ".join(["path", *columns])
            raise click.UsageError(
                f"{detector} judges a table with {needed}: give that table as IMAGE, and --row."
            )
        if row is not None:
            raise click.UsageError(f"--row is for tables, and {image} is none.")
        return image
    paths, table = manifest_rows(path, columns or [])
    rows = table.index.tolist()
    if row is None and len(rows) != 1:
        raise click.UsageError(f"{image} is a table of {len(rows)} rows: say which one, --row N.")
    if row not in (None, *rows):
        there = f"rows {rows[0]} to {rows[-1]}" if rows else "no rows"
        raise click.UsageError(f"--row {row}: {image} has {there}.")
    place = 0 if row is None else rows.index(row)
    return paths[place] if columns is None else with_pictures(table.iloc[[place]], [paths[place]])
