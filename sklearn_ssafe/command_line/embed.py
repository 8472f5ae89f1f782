"""``ssafe embed``: pictures in, a file of vectors out."""

from pathlib import Path

import click


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(exists=True))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A .parquet or .npz file.",
)
@click.option("--encoder", default="forensic", show_default=True, help="See: ssafe encoders.")
@click.option("--pretrained", help="Tag of the encoder's weights.")
@click.option("--weights", help="A file or folder with the weights.")
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", default="auto", show_default=True)
@click.option(
    "--normalize/--no-normalize", default=None, help="Rows of unit length, or as they are."
)
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), help="Keep them here.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def embed(
    pictures, output, encoder, pretrained, weights, device, precision, normalize, cache, quiet
):
    """Embed PICTURES, files or folders, and write their vectors to a file.

    Parquet gets the columns path, hash (SHA-256 of the file) and embedding; .npz the arrays path,
    embedding and feature_name. A picture that cannot be read is named, and its vector left empty
    (NaN in .npz). With --cache a run that was stopped goes on where it was.
    """
    import warnings

    from .. import FrozenEncoderTransformer
    from ..datasets.folders import find_pictures
    from ..exceptions import EncodingWarning

    if output.suffix not in (".parquet", ".npz"):
        raise click.UsageError(f"--output {output}: the name must end in .parquet or .npz.")
    if not output.parent.is_dir():
        raise click.UsageError(f"--output {output}: there is no folder {output.parent}.")
    paths = find_pictures(pictures)
    transformer = FrozenEncoderTransformer(
        encoder=encoder,
        pretrained=pretrained,
        weights=weights,
        device=device,
        precision=precision,
        normalize="auto" if normalize is None else normalize,
        on_error="nan",
        cache=cache,
        verbose="auto" if not quiet else False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EncodingWarning)  # told below
        features = transformer.fit_transform(paths)
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
    with ParquetRows(output) as rows:
        for row, path in enumerate(paths):
            if row in bad:
                rows.add(path, None, None)
            else:
                rows.add(path, as_picture(path).digest().hex(), features[row])
