"""The file that ``ssafe embed`` wrote, read back: a row for each picture of DATA."""

import json
import os
from pathlib import Path
from zipfile import BadZipFile

import click
import numpy as np

from ..curation.embedding_files import EmbeddingFiles
from ..datasets.table_in import SUFFIXES
from ..datasets.table_out import path_of_cell

_TO_WRITE = "np.savez('embeddings.npz', embedding=rows, path=paths)"


def is_npz(file):
    """Say whether a file is a .npz archive, or else Parquet or a folder; refuse all others."""
    if file.is_dir():
        return False
    with open(file, "rb") as opened:
        begin = opened.read(6)
    if begin.startswith(b"PAR1"):
        return False
    if begin.startswith(b"PK") and file.suffix.lower() not in SUFFIXES:
        return True
    if file.suffix.lower() in SUFFIXES and file.suffix.lower() != ".parquet":
        what = "is a table"
        advice = (
            f"Turn its columns of numbers into such a file in Python, {_TO_WRITE} with "
            "rows=table[columns].to_numpy() and paths=table['path'].to_numpy(str)."
        )
    elif begin == b"\x93NUMPY":
        what = "is a single array, which does not say which row is which picture"
        advice = f"Write the paths with it: {_TO_WRITE}."
    else:
        what = "is empty" if not begin else "is neither, or damaged"
        advice = "Make one of the pictures: ssafe embed PICTURES -o embeddings.parquet."
    raise click.ClickException(
        f"--embeddings takes a .npz or Parquet file, as ssafe embed writes them, and {file} "
        f"{what}. {advice}"
    )


def read_embeddings(file, X):
    """Return a row for each picture, and the columns' names or None.

    Pictures are found by their paths, which begin at the folder of the file, or else by their
    content where the file has hashes. A row is NaN where the picture could not be encoded.
    """
    arrays = _read_npz(file) if is_npz(file) else _read_parquet(file)
    features, names = arrays["embedding"], arrays.get("feature_name")
    paths, hashes = arrays.get("path"), arrays.get("hash")
    if paths is None:
        raise click.ClickException(
            f"{file} does not say which row is which picture: add the {arrays['part']} path, with "
            f"the path of each row's picture, as in {_TO_WRITE}."
        )
    if features.ndim != 2 or len(paths) != len(features):
        raise click.ClickException(
            f"{file} holds an array of shape {features.shape}, and {len(paths)} paths: a row for "
            "each path is needed."
        )
    rows = match_rows(
        *(X, paths, hashes, file),
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
    except (ValueError, EOFError, BadZipFile) as error:  # NumPy would advise to trust the file
        raise click.ClickException(
            f"{file} is damaged, or holds Python objects, which are not read: it must hold plain "
            f"arrays of numbers and text, as {_TO_WRITE} writes them."
        ) from error
    others = [name for name in arrays if name not in ("path", "feature_name")]
    if "embedding" not in arrays and len(others) == 1:
        arrays["embedding"] = arrays.pop(others[0])
    if "embedding" not in arrays:
        raise click.ClickException(
            f"{file} holds {_named(arrays)}, and none called embedding: give that name to the one "
            "that has a row of numbers for each picture."
        )
    for name, kinds, what in (("embedding", "fiu", "numbers"), *_OF_TEXT):
        if name in arrays and arrays[name].dtype.kind not in kinds:
            raise click.ClickException(
                f"the array {name} of {file} holds values of type {arrays[name].dtype}, and must "
                f"hold {what}."
            )
    for name in ("path", "hash"):
        if name in arrays:
            arrays[name] = np.atleast_1d(arrays[name]).tolist()
    return {**arrays, "part": "array"}


_OF_TEXT = [(name, "U", "text") for name in ("path", "hash", "feature_name")]


def _named(arrays):
    """Say which arrays there are."""
    if not arrays:
        return "no array"
    return ("the array " if len(arrays) == 1 else "the arrays ") + ", ".join(sorted(arrays))


def _read_parquet(file):
    files = EmbeddingFiles(file, embedding="embedding")
    everything = np.arange(files.n_rows)
    names = json.loads(files.metadata.get(b"feature_name", "null"))
    return {
        "part": "column",
        "embedding": files.take(everything)[0],
        "feature_name": None if names is None else np.array(names),
        **files.columns_of(everything, ["path", "hash"]),
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
