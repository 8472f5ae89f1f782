"""Pictures to rows, for the commands that encode: those that cannot be read are told of."""

import shutil
import warnings
from contextlib import contextmanager

import click


def encode(paths, settings, ray=None, **more):
    """Encode pictures; return a row for each (NaN where it failed) and the transformer."""
    from .. import FrozenEncoderTransformer
    from ..exceptions import EncodingWarning

    transformer = FrozenEncoderTransformer(**settings, on_error="nan", **more)
    encode_by_ray(transformer, paths, ray)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EncodingWarning)  # the command lists them
        return transformer.fit_transform(paths), transformer


def encode_by_ray(transformer, paths, ray):
    """Put into a transformer's cache what it lacks, unless `ray` is None: see `options.engine`."""
    if ray is not None:
        from ..distributed.caching import encode_into_cache
        from ..distributed.cluster import connected

        with connected(ray or None):
            encode_into_cache(transformer, paths)


@contextmanager
def cache_for(ray, cache, output):
    """Yield the folder for embeddings: --cache, or for Ray one beside the output until it's there.

    A command that was stopped finds it again.
    """
    if ray is None or cache is not None or output is None:
        yield cache
        return
    folder = output.with_name(f".{output.name}.embeddings")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def list_failures(failures, pictures, err):
    """Say which pictures are left out, and why, by their row in the table, if they are of one."""
    if len(failures):
        click.echo(f"Left out: {len(failures)}", err=err)
        numbers = pictures.get("row_numbers")
        for failure in failures.itertuples():
            where = "" if numbers is None else f"row {numbers[failure.row]}: "
            click.echo(f"  {where}{failure.path}: {failure.reason}", err=err)
