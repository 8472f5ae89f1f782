"""The file that ``ssafe embed`` wrote, read back: a row for each picture of DATA."""

import json
import os
from pathlib import Path
from zipfile import BadZipFile

import click
import numpy as np

from ..datasets.table_out import path_of_cell


def read_embeddings(file, X):
    """Return a row for each picture, and the columns' names or None.

    Pictures are found by their paths, which begin at the folder of the file, or else by their
    content where the file has hashes. A row is NaN where the picture could not be encoded.
    """
    arrays = _read_parquet(file) if file.suffix == ".parquet" else _read_npz(file)
    features, names = arrays["embedding"], arrays.get("feature_name")
    paths, hashes = arrays.get("path"), arrays.get("hash")
    if paths is None:
        raise click.ClickException(
            f"{file} does not say which row is which picture: add the array path, with the path of "
            "each row's picture, as in np.savez(file, embedding=rows, path=paths)."
        )
    if features.ndim != 2 or paths.shape != features.shape[:1]:
        raise click.ClickException(
            f"{file} holds an array of shape {features.shape}, and {paths.size} paths: a row for "
            "each path is needed."
        )
    rows = match_rows(
        *(X, paths.tolist(), None if hashes is None else hashes.tolist(), file),
        lambda one, other: np.array_equal(features[one], features[other], equal_nan=True),
    )
    features = features[rows]
    n_empty = int((~np.isfinite(features).all(axis=1)).sum())
    if n_empty:
        click.echo(f"Left out, because they have no embedding: {n_empty}", err=True)
    return features, names


def _read_npz(file):
    try:
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        raise click.ClickException(f"{file} is no .npz file of plain arrays: {error}") from error
    others = [name for name in arrays if name not in ("path", "feature_name")]
    if "embedding" not in arrays and len(others) == 1:
        arrays["embedding"] = arrays.pop(others[0])
    if "embedding" not in arrays:
        raise click.ClickException(
            f"{file} holds the arrays {sorted(arrays)}: call the one that is wanted embedding."
        )
    return arrays


def _read_parquet(file):
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        table = pq.read_table(file, columns=["path", "hash", "embedding"])
        about = (table.schema.metadata or {}).get(b"feature_name")
        vectors = table["embedding"].combine_chunks()
        width = int(vectors.value_lengths().drop_null().to_numpy().max(initial=0))
        features = np.full((len(vectors), width), np.nan, dtype=np.float32)
        present = vectors.is_valid().to_numpy(zero_copy_only=False)
        features[present] = vectors.flatten().to_numpy().reshape(-1, width)
    except (ArrowException, KeyError, TypeError, ValueError, AttributeError) as error:
        raise click.ClickException(
            f"{file} is no file of ssafe embed, with the columns path, hash and embedding: {error}"
        ) from error
    return {
        "path": np.array(table["path"].to_pylist(), dtype=object),
        "hash": np.array(table["hash"].to_pylist(), dtype=object),
        "embedding": features,
        **({} if about is None else {"feature_name": np.array(json.loads(about))}),
    }


def match_rows(X, paths, hashes, file, are_same):
    """Find each picture of DATA by its path, whatever the order of the file, or by its content.

    `are_same` says of two rows of one path whether their embeddings are the same.
    """
    folder = Path(os.path.realpath(file if file.is_dir() else file.parent))
    rows = {}
    for row, cell in enumerate(paths):
        if not cell:
            continue
        first = rows.setdefault(os.path.abspath(path_of_cell(cell, folder)), row)
        if first != row and not are_same(first, row):
            raise click.ClickException(f"{file} has two different rows for {cell}.")
    found = [rows.get(os.path.abspath(path)) for path in X]
    missing = [place for place, row in enumerate(found) if row is None]
    if missing and hashes is not None:
        rows = {digest: row for row, digest in enumerate(hashes) if digest}
        for place in missing:
            found[place] = rows.get(_digest(X[place]))
        missing = [place for place, row in enumerate(found) if row is None]
    if missing:
        raise click.ClickException(
            f"{file} has no embedding of {len(missing)} of {len(X)} pictures, such as "
            f"{X[missing[0]]}."
        )
    return found


def _digest(path):
    """Hash a picture as ssafe embed does; None for one that cannot be read."""
    from ..exceptions import ImageReadError
    from ..images.picture import as_picture

    try:
        return as_picture(path).digest().hex()
    except ImageReadError:
        return None
