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
    """
    import warnings

    import numpy as np

    from .. import GeneratorCurator, datasets
    from ..exceptions import CurationWarning

    pictures = datasets.load_images(data)
    if embeddings is None:
        features, names, good = _encode(pictures, encoder, cache, quiet)
    else:
        from .embeddings import read_embeddings

        features, names = read_embeddings(embeddings, pictures.X)
        good = np.flatnonzero(np.isfinite(features).all(axis=1))
    features = _comparable(features, names)
    frame = pictures.frame.iloc[good]
    curator = GeneratorCurator(
        n_generators,
        n_samples=n_samples,
        sampling=sampling,
        selection=selection,
        random_state=seed,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CurationWarning)
        curator.fit(
            features[good],
            frame["label"],
            generator=frame["generator"],
            domain=frame.get("domain"),
            source=frame["source"],
        )
    chosen = frame.iloc[curator.sample_indices_]
    write_table(chosen, output)
    click.echo(curation_text(curator.summary_))
    for warning in caught:
        click.echo(f"\n{warning.message}", err=True)
    n_real, n_generated = np.bincount(chosen["label"], minlength=2)
    click.echo(f"\n{n_real} real and {n_generated} generated pictures are listed in {output}.")


def _encode(pictures, settings, cache, quiet):
    """Return a row for each picture, the columns' names, and the rows that could be encoded."""
    import numpy as np

    features, transformer = encode(
        pictures.X, settings, cache=cache, verbose=options.verbose(quiet)
    )
    failures = transformer.failures_
    list_failures(failures, pictures, err=True)
    names = transformer.get_feature_names_out()
    return features, names, np.setdiff1d(np.arange(len(pictures.X)), failures["row"])


def _comparable(features, names):
    """Scale measurements in different units; whoever encoded them, their names tell."""
    from sklearn.preprocessing import StandardScaler

    from ..encoders import ForensicEncoder

    if names is None or list(names) != ForensicEncoder().feature_names.tolist():
        return features
    return StandardScaler().fit_transform(features)
