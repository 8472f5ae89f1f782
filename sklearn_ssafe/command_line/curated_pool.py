"""What ``ssafe curate`` chooses from: rows at hand, or files that are streamed."""

import json
import os
import warnings
from pathlib import Path

import click
import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from ..curation.embedding_files import EmbeddingFiles, holds_embeddings
from ..datasets.folders import find_class_folders
from ..datasets.table_out import path_of_cell
from ..encoders import ForensicEncoder
from ..labels import as_name
from .embeddings import match_rows

_NAMES = ("generator", "domain", "source")


def is_data_set(data):
    """Whether DATA holds embeddings and the labels that belong to them."""
    is_of_pictures = data.is_dir() and any(find_class_folders(data).values())
    return not is_of_pictures and holds_embeddings(data)


def choose_from_rows(curator, pictures, features, names):
    """Choose from embeddings at hand; return rows of the pictures' table."""
    good = np.flatnonzero(np.isfinite(features).all(axis=1))
    frame = pictures.frame.iloc[good]
    columns = {name: frame.get(name) for name in _NAMES}
    _fit(curator, features[good], frame["label"], names, **columns)
    return frame.iloc[curator.sample_indices_]


def choose_from_files(curator, pictures, embeddings):
    """Choose from what ``ssafe embed`` wrote; return rows of the pictures' table."""
    files = EmbeddingFiles(embeddings, embedding="embedding")
    about = files.columns_of(np.arange(files.n_rows), ["path", "hash"])
    if "path" not in about:
        raise click.ClickException(
            f"{embeddings} does not say which row is which picture: it has no column 'path'."
        )

    def are_same(one, other):
        one, other = (files.take(np.array([row]))[0] for row in (one, other))
        return np.array_equal(one, other, equal_nan=True)

    rows = match_rows(pictures.X, about["path"], about.get("hash"), embeddings, are_same)
    picture_of_row = np.full(files.n_rows, -1)
    picture_of_row[rows[::-1]] = np.arange(len(rows))[::-1]  # the first of several
    there = picture_of_row >= 0
    if n_again := len(rows) - int(there.sum()):
        click.echo(f"Left out, because an earlier row has the same picture: {n_again}", err=True)

    def by_row(values):
        given = np.full(files.n_rows, None, dtype=object)
        given[there] = np.asarray(values, dtype=object)[picture_of_row[there]]
        return given

    columns = {
        name: by_row(pictures.frame[name]) for name in _NAMES if name in pictures.frame.columns
    }
    labels = by_row(pictures.frame["label"])
    _fit(curator, embeddings, labels, _feature_names(files), embedding="embedding", **columns)
    return pictures.frame.iloc[picture_of_row[curator.sample_indices_]]


def choose_from_data_set(curator, data):
    """Choose from files that have labels, too; return a table of their other columns."""
    files = EmbeddingFiles(data)
    there = files.other_columns()
    column_of = {name.lower(): name for name in reversed(there)}
    missing = [name for name in ("path", "label", "generator") if name not in column_of]
    if missing:
        raise click.ClickException(
            f"{data} has embeddings, and no column {missing[0]!r}; its columns are {there}. With a "
            "table of the pictures as DATA, give it as --embeddings."
        )
    used = " to ".join(dict.fromkeys([files.columns[0], files.columns[-1]]))
    click.echo(f"Embeddings are those in {data}, {used}; nothing is encoded.", err=True)
    columns = {name: column_of[name] for name in _NAMES if name in column_of}
    _fit(curator, data, column_of["label"], _feature_names(files), **columns)
    table = pd.DataFrame(files.columns_of(curator.sample_indices_, there), columns=there)
    folder = Path(os.path.realpath(data if data.is_dir() else data.parent))
    cells = [as_name(cell) for cell in table[column_of["path"]]]
    paths = [path_of_cell(cell, folder) for cell in cells]
    return table.rename(columns={column_of["path"]: "path"}).assign(path=paths)


def _feature_names(files):
    return json.loads(files.metadata.get(b"feature_name", "null"))


def _fit(curator, X, y, names, **columns):
    """Fit, and say what differs from what was asked for."""
    from ..exceptions import CurationWarning

    # Measurements in different units; whoever encoded them, their names tell.
    if names is not None and list(names) == ForensicEncoder().feature_names.tolist():
        curator.set_params(encoder=StandardScaler())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CurationWarning)
        curator.fit(X, y, **columns)
    for warning in caught:
        click.echo(f"{warning.message}\n", err=True)
