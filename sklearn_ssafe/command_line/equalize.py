"""``ssafe equalize``: a copy in which the form of the files tells nothing, and its audit."""

import click

from . import options


@click.command()
@options.data
@options.output("New folder.", type=options.NEW_FOLDER)
@click.option(
    "--size", default=256, show_default=True, type=click.IntRange(1), help="Side, pixels."
)
@click.option("--how", default="crop", show_default=True, type=click.Choice(["crop", "resize"]))
@click.option(
    "--codec", default="jpeg", show_default=True, type=click.Choice(["jpeg", "png", "webp"])
)
@click.option("--quality", default=90, show_default=True, type=click.IntRange(1, 100))
@click.option("--upscale", is_flag=True, help="Enlarge pictures that are smaller than --size.")
@options.quiet
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
        verbose=options.verbose(quiet),
    )
    click.echo(f"Wrote {len(copy.X)} pictures and manifest.csv to {output}.")
    if len(copy.failures):
        lost = ", ".join(
            f"{n} of {total} {word}" for word, n, total in _losses(pictures.y, copy.failures["row"])
        )
        click.echo(f"Left out: {lost}. Their names and the reasons are in failures.csv.")
    click.echo("\nAn audit of the copy:\n")
    origin = {"generator": copy.generator, "source": copy.source, "groups": copy.groups}
    click.echo(str(audit_leaks(copy.X, copy.y, **origin, verbose=options.verbose(quiet))))


def _losses(y, rows):
    for label, word in ((0, "real"), (1, "generated")):
        yield word, int((y[rows] == label).sum()), int((y == label).sum())
