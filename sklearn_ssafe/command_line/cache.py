"""``ssafe cache``: look after a folder of embeddings."""

from pathlib import Path

import click

from . import options
from .paths import PathType

_folder = click.argument("folder", type=PathType(exists=True, file_okay=False, path_type=Path))
_one_settings = click.option(
    "--settings", metavar="ID", help="Which settings, as `ssafe cache info` names them."
)


@click.group()
def cache():
    """Look after a folder of embeddings, as FrozenEncoderTransformer(cache=FOLDER) makes it."""


@cache.command()
@_folder
def info(folder):
    """Say what is in FOLDER: settings, embeddings, size."""
    from ..store.disk import FORMAT
    from ..store.upkeep import count_files, count_rows, read_settings

    with _told():
        store = _open(folder)
        n_rows = count_rows(store)
        n_files = count_files(store)
        settings = read_settings(store)
    click.echo(
        f"{store.path}: {store.path.stat().st_size / 1e6:,.1f} MB, format {FORMAT}\n"
        f"{sum(n_rows.values()):,} embeddings, {n_files:,} files recognised without reading them"
    )
    for key, about in sorted(settings.items(), key=lambda item: item[1]["last_written"]):
        click.echo(
            f"\nsettings {key.hex()[:12]}: {n_rows[key]:,} embeddings of {about['n_features']} "
            f"numbers, last written {about['last_written']}"
        )
        for name, value in about.items():
            if name not in ("n_features", "last_written"):
                click.echo(f"  {name}: {value}")


@cache.command()
@_folder
def verify(folder):
    """Read every embedding in FOLDER and compare it with its checksum.

    The exit status is 1 when something is damaged.
    """
    from ..store.upkeep import check

    with _told():
        n_sound, n_damaged = check(folder)
    click.echo(f"{n_sound:,} embeddings are sound, {n_damaged:,} are damaged.")
    if n_damaged:
        raise click.ClickException(
            "Damaged embeddings are never used; their pictures are encoded again. "
            f"To remove them: ssafe cache prune {folder}"
        )


@cache.command()
@_folder
def repair(folder):
    """Keep what is sound in a damaged FOLDER, in a new file in place of the damaged one.

    Pictures whose embeddings are lost are encoded again.
    """
    from ..store.rescue import rescue

    with _told():
        n_rows = rescue(folder)
    click.echo(f"{n_rows:,} embeddings are sound, and are in {folder} again.")


@cache.command()
@_folder
@click.option(
    "--settings", multiple=True, metavar="ID", help="Remove the embeddings of these settings."
)
@click.option(
    "--older-than",
    type=click.IntRange(1),
    metavar="DAYS",
    help="Remove those of settings with which nothing new was encoded for so many days.",
)
def prune(folder, settings, older_than):
    """Remove damaged embeddings from FOLDER, and those that the options name.

    To remove everything, delete FOLDER.
    """
    from ..store.upkeep import old_settings
    from ..store.upkeep import prune as prune_store

    with _told():
        store = _open(folder)
        keys = {_settings_key(store, name) for name in settings}
        if older_than is not None:
            keys.update(old_settings(store, older_than))
        before = store.path.stat().st_size
        n_removed, compacted = prune_store(store, keys)
    freed = max(0, before - store.path.stat().st_size)
    click.echo(f"{n_removed:,} embeddings removed, {freed / 1e6:,.1f} MB freed.")
    if not compacted:
        click.echo("Other processes use the folder: the space is kept for new embeddings.")


@cache.command()
@_folder
@click.argument("pictures", nargs=-1, type=PathType(exists=True))
@options.output("A .parquet file.")
@_one_settings
def export(folder, pictures, output, settings):
    """Write embeddings to a Parquet file with the columns path, hash and embedding.

    The store holds no file names. Name the PICTURES, files or folders, to have theirs; without
    them every embedding is written, and path is empty. The hash is the SHA-256 of the file.
    """
    from ..store.upkeep import each_row
    from .vectors import ParquetRows

    with _told():
        store = _open(folder)
        key = _settings_key(store, settings)
        paths = _paths_by_hash(store, pictures) if pictures else None
        with ParquetRows(output) as rows:
            for row_key, row in each_row(store, key):
                if row is None:
                    continue
                picture = row_key[16:]
                for path in [None] if paths is None else paths.pop(picture, ()):
                    rows.add(path, picture.hex(), row)
    click.echo(f"{rows.n_rows:,} embeddings written to {output}.")
    n_missing = sum(map(len, paths.values())) if paths else 0
    if n_missing:
        click.echo(f"{n_missing:,} pictures have no embedding of these settings.")


def _open(folder):
    from ..store.disk import open_disk_store

    return open_disk_store(folder, create=False)


class _told:
    """Tell what is wrong with a store in one line."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        from ..store.trouble import StoreError

        if isinstance(error, StoreError):
            raise click.ClickException(f"{error}.") from error


def _settings_key(store, name):
    from ..store.upkeep import read_settings

    known = read_settings(store)
    if name is None and len(known) == 1:
        return next(iter(known))
    found = [key for key in known if name is not None and key.hex().startswith(name)]
    if len(found) != 1:
        listed = "".join(f"\n  {key.hex()[:12]}  {about}" for key, about in known.items())
        what = f"No single settings are called {name!r}" if name else "Name one with --settings"
        raise click.ClickException(f"{what}. {store.folder} has:{listed or ' none'}")
    return found[0]


def _paths_by_hash(store, pictures):
    from ..datasets.folders import find_pictures
    from ..images.picture import as_picture

    paths = {}
    for path in find_pictures(pictures):
        picture = as_picture(path)
        digest = store.find_files([picture.file_state()])[0]
        if digest is None:
            digest = picture.key()
        paths.setdefault(digest, []).append(path)
    return paths
