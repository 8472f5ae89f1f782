"""``ssafe explain``: which regions of a picture push its verdict."""

import click

from ..results import visible
from . import options
from .paths import PathType


@click.command()
@options.detector
@click.argument("image", type=PathType(exists=True, dir_okay=False))
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
def explain(detector, image, output, method, grid, nearest, weights, device, allow_download, cache):
    """Draw on IMAGE which regions push the verdict of DETECTOR, and how.

    Orange regions, with a plus, push towards generated; blue ones, with a minus, towards real. The
    nearest training pictures are listed where the detector was saved with them.
    """
    from ..detector.loading import load_detector

    judge = load_detector(detector, weights=weights, device=device, allow_download=allow_download)
    explanation = judge.explain(image, method=method, grid=grid, n_nearest=nearest)
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
    if explanation.nearest is None:
        click.echo("The detector keeps no training pictures: ssafe fit --keep-training-rows.")
    elif nearest:
        click.echo("\nNearest training pictures:")
        nearest = explanation.nearest.to_string(index=False, float_format="{:.3f}".format)
        click.echo(visible(nearest))
