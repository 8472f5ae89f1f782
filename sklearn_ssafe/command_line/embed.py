"""``ssafe embed``: pictures in, a file of vectors out."""

import click

from . import options
from .encoding import cache_for, encode
from .paths import PathType


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=PathType(exists=True))
@options.output("A .parquet or .npz file.")
@options.encoder
@click.option("--precision", default="auto", show_default=True)
@click.option(
    "--normalize/--no-normalize", default=None, help="Rows of unit length, or as they are."
)
@options.cache
@options.engine
@options.quiet
def embed(pictures, output, encoder, precision, normalize, cache, ray, quiet):
    """Embed PICTURES, files or folders, and write their vectors to a file.

    Parquet gets the columns path, hash (SHA-256 of the file) and embedding; .npz the arrays path,
    embedding and feature_name. A picture that cannot be read is named, and its vector left empty
    (NaN in .npz). With --cache, or --engine ray, a run that was stopped goes on where it was.
    """
    from ..datasets.folders import find_pictures

    if output.suffix not in (".parquet", ".npz"):
        raise click.UsageError(f"--output {output}: the name must end in .parquet or .npz.")
    paths = find_pictures(pictures)
    with cache_for(ray, cache, output) as cache:
        features, transformer = encode(
            paths,
            encoder,
            precision=precision,
            normalize="auto" if normalize is None else normalize,
            cache=cache,
            ray=ray,
            verbose=options.verbose(quiet),
        )
        bad = set(transformer.failures_["row"])
        _write(output, paths, features, bad, transformer.get_feature_names_out())
    for failure in transformer.failures_.itertuples():
        click.echo(f"{failure.path}: {failure.reason}", err=True)
    message = (
        f"{len(paths) - len(bad):,} vectors of {features.shape[1]} numbers written to {output}"
    )
    click.echo(f"{message}; {len(bad):,} pictures could not be read." if bad else f"{message}.")


def _write(output, paths, features, bad, names):
    from ..images.picture import as_picture
    from .vectors import ParquetRows, write_npz

    if output.suffix == ".npz":
        write_npz(output, paths, features, names)
        return
    with ParquetRows(output, names) as rows:
        for row, path in enumerate(paths):
            if row in bad:
                rows.add(path, None, None)
            else:
                rows.add(path, as_picture(path).digest().hex(), features[row])
