"""Pictures to rows, for the commands that encode: those that cannot be read are told of."""

import warnings

import click


def encode(paths, settings, **more):
    """Encode pictures; return a row for each (NaN where it failed) and the transformer."""
    from .. import FrozenEncoderTransformer
    from ..exceptions import EncodingWarning

    transformer = FrozenEncoderTransformer(**settings, on_error="nan", **more)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EncodingWarning)  # the command lists them
        return transformer.fit_transform(paths), transformer


def list_failures(failures, err):
    """Say which pictures are left out, and why; return nothing where none is."""
    if len(failures):
        click.echo(f"Left out, because they could not be read: {len(failures)}", err=err)
        for failure in failures.itertuples():
            click.echo(f"  row {failure.row}: {failure.path}: {failure.reason}", err=err)
