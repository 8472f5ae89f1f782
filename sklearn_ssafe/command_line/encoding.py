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


def list_failures(failures, pictures, err):
    """Say which pictures are left out, and why, by their row in the table, if they are of one."""
    if len(failures):
        click.echo(f"Left out: {len(failures)}", err=err)
        numbers = pictures.get("row_numbers")
        for failure in failures.itertuples():
            where = "" if numbers is None else f"row {numbers[failure.row]}: "
            click.echo(f"  {where}{failure.path}: {failure.reason}", err=err)
