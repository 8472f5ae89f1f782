"""``ssafe curate``: from a large pool of pictures to the manifest of a small one."""

import click

from ..datasets.table_out import write_table
from . import options
from .encoding import encode, list_failures
from .tables import curation_text


@click.command()
@options.data
@options.output("Where to write the manifest of the chosen pictures, a CSV file.")
@options.encoder
@options.cache
@options.embeddings
@click.option("--n-generators", default=8, show_default=True, type=click.IntRange(1))
@click.option("--n-samples", default=10_000, show_default=True, type=click.IntRange(2))
@click.option(
    "--sampling",
    default="across",
    show_default=True,
    type=click.Choice(["across", "within"]),
    help="Choose generators across all clusters, or within each.",
)
@click.option(
    "--selection",
    default="random",
    show_default=True,
    type=click.Choice(["random", "k_means", "k_centre"]),
    help="Which pictures of a generator or real source to take.",
)
@click.option("--seed", default=0, show_default=True, help="Another one draws other pictures.")
@options.quiet
def curate(
    data,
    output,
    encoder,
    cache,
    embeddings,
    n_generators,
    n_samples,
    sampling,
    selection,
    seed,
    quiet,
):
    """Choose a small training set that represents a large pool of pictures.

    DATA is a folder with the subfolders real/SOURCE and generated/GENERATOR, or a CSV, Excel or
    Parquet table with the columns path, label and generator, and if you have them domain and
    source. The chosen rows are written as a table of the same kind, their paths relative to it.

    DATA may hold the embeddings as well: a Parquet file, or a folder of them, with the columns
    path, label, generator and embedding. It is streamed, and may be larger than the memory.
    """
    from .. import GeneratorCurator
    from ..datasets import load_images
    from .curated_pool import (
        choose_from_data_set,
        choose_from_files,
        choose_from_rows,
        is_data_set,
    )
    from .embeddings import is_npz, read_embeddings

    curator = GeneratorCurator(
        n_generators,
        n_samples=n_samples,
        sampling=sampling,
        selection=selection,
        random_state=seed,
        verbose=options.verbose(quiet),
    )
    if embeddings is None and is_data_set(data):
        chosen = choose_from_data_set(curator, data)
    else:
        pictures = load_images(data)
        if embeddings is None:
            features, names = _encode(pictures, encoder, cache, quiet)
            chosen = choose_from_rows(curator, pictures, features, names)
        elif is_npz(embeddings):
            chosen = choose_from_rows(curator, pictures, *read_embeddings(embeddings, pictures.X))
        else:
            chosen = choose_from_files(curator, pictures, embeddings)
    write_table(chosen, output)
    click.echo(curation_text(curator.summary_))
    taken = curator.summary_.groupby("class")["taken"].sum()
    n_real, n_generated = taken["real"], taken["generated"]
    click.echo(f"\n{n_real} real and {n_generated} generated pictures are listed in {output}.")


def _encode(pictures, settings, cache, quiet):
    """Return a row for each picture, NaN where it failed, and the columns' names."""
    features, transformer = encode(
        pictures.X, settings, cache=cache, verbose=options.verbose(quiet)
    )
    list_failures(transformer.failures_, pictures, err=True)
    return features, transformer.get_feature_names_out()
