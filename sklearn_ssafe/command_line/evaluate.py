"""``ssafe evaluate``: a saved detector, labelled pictures, and one page on what it is worth."""

import click

from . import options
from .encoding import cache_for, encode_by_ray


@click.command()
@options.detector
@options.data
@options.output("Write the page to this file, such as report.html.", required=False)
@click.option(
    "--robustness",
    multiple=True,
    metavar="NAME",
    help="Also on changed pictures: jpeg, messenger, 'resize_*' ..., or all (62 changes). "
    "May be given several times.",
)
@click.option("--no-audit", is_flag=True, help="Do not look for leaks in DATA.")
@click.option("--no-provenance", is_flag=True, help="Do not ask the files what they claim.")
@options.trust_anchors
@click.option("--no-thumbnails", is_flag=True, help="No pictures on the page.")
@click.option(
    "--thumbnail-folder",
    is_flag=True,
    help="A small picture of each as well, in a folder beside the page.",
)
@click.option("--no-paths", is_flag=True, help="No paths on the page: rows instead.")
@click.option(
    "--errors", default=12, show_default=True, type=click.IntRange(0), help="Shown, of either kind."
)
@click.option("--title", help="Heading of the page.")
@options.device
@options.allow_download
@options.cache
@options.engine
@options.as_json("Print all facts of the page as JSON.")
@options.quiet
def evaluate(
    detector,
    data,
    output,
    robustness,
    no_audit,
    no_provenance,
    trust_anchors,
    no_thumbnails,
    thumbnail_folder,
    no_paths,
    errors,
    title,
    device,
    allow_download,
    cache,
    ray,
    as_json,
    quiet,
):
    """Say what DETECTOR is worth on the labelled pictures in DATA.

    DETECTOR is a folder that SSAFEClassifier.save wrote. DATA is a folder with the subfolders real/
    and generated/, or a CSV, Excel or Parquet table with the columns path and label, and if you
    have them generator, source and group. Take pictures that it was not trained on.

    Nothing is fitted on DATA: threshold and all else are as they were saved. The page is one file
    that loads nothing from the network. For confidential pictures: --no-thumbnails --no-paths.

    --engine ray encodes the pictures of DATA on a cluster. What is looked at in them besides, and
    the changed pictures of --robustness, stay with this process.
    """
    from .. import datasets, evaluation_report, load_detector

    if thumbnail_folder and (no_thumbnails or output is None):
        raise click.UsageError(
            "--thumbnail-folder needs --output, and goes without --no-thumbnails."
        )
    loaded = load_detector(detector, device=device, allow_download=allow_download)
    if loaded.encoder_ is None:
        raise click.UsageError(
            f"{detector} takes embeddings, not pictures: evaluate it in Python, with "
            "evaluation_report(detector, embeddings, y, pictures=paths)."
        )
    with cache_for(ray, cache, output) as cache:
        options.set_cache(loaded, cache)
        pictures = datasets.load_images(data)
        encode_by_ray(loaded.encoder_, pictures.X, ray)
        if title is None and not no_paths:
            title = f"{detector.resolve().name}, evaluated on {data.resolve().name}"
        page = evaluation_report(
            loaded,
            pictures.X if loaded.columns is None else pictures.frame,
            pictures.y,
            generator=pictures.generator,
            source=pictures.source,
            groups=pictures.groups,
            robustness="all" if "all" in robustness else list(robustness) or None,
            audit=not no_audit,
            provenance=not no_provenance,
            trust_anchors=trust_anchors,
            thumbnails=not no_thumbnails,
            show_paths=not no_paths,
            n_errors=errors,
            verbose=options.verbose(quiet),
            **({} if title is None else {"title": title}),
        )
    if output is not None:
        page.save(output, thumbnail_folder=thumbnail_folder, verbose=options.verbose(quiet))
    click.echo(page.to_json() if as_json else str(page))
    if output is not None:
        click.echo(f"Written to {output}.", err=as_json)
