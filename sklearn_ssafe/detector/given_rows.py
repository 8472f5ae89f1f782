"""Embeddings that a user has already, checked to be what the encoder makes of the pictures."""

import numpy as np
from sklearn.utils import check_array, get_tags

from ..encoding.failures import failures_table
from ..images.inputs import as_pictures

# Rows made in bf16, or on a GPU, differ by less; those of another picture or encoder by far more.
_TOLERANCE = 0.1
_N_CHECKED = 3


def take_given_rows(encoder, X, embeddings):
    """Return the rows, and the pictures that have none; encodes a few pictures to compare."""
    if get_tags(encoder).requires_fit:
        raise ValueError(
            f"embeddings= is for frozen encoders, and {encoder!r} has to be fitted on the pictures"
        )
    rows = check_array(embeddings, dtype=np.float32, ensure_all_finite=False)
    if len(rows) != len(X):
        raise ValueError(f"embeddings has {len(rows)} rows, and there are {len(X)} pictures")
    good = np.flatnonzero(np.isfinite(rows).all(axis=1))
    if not len(good):
        raise ValueError("embeddings has no row without NaN or infinity")
    checked = good[np.unique(np.linspace(0, len(good) - 1, _N_CHECKED).round().astype(int))]
    expected = np.asarray(encoder.fit_transform([X[row] for row in checked]))
    if expected.shape[1] != rows.shape[1]:
        raise ValueError(
            f"embeddings has {rows.shape[1]} columns, and the encoder makes {expected.shape[1]}: "
            "give the encoder that made them"
        )
    for row, wanted in zip(checked, expected, strict=True):
        if np.isnan(wanted).any():
            continue  # the picture is not here any more
        tolerance = _TOLERANCE * np.sqrt(np.mean(wanted**2))
        if np.abs(wanted - rows[row]).max() > tolerance:
            raise ValueError(
                f"row {row} of embeddings is not what the encoder makes of {_name(X[row])}: give "
                "the encoder, and the settings, that made them, and the rows in the order of the "
                "pictures"
            )
    if np.isnan(expected).all():
        raise ValueError(
            f"none of the pictures with which embeddings was to be compared, such as "
            f"{_name(X[checked[0]])}, could be read"
        )
    reasons = dict.fromkeys(sorted(set(range(len(X))) - set(good.tolist())), "it has no embedding")
    return rows, failures_table(as_pictures(X), reasons)


def _name(picture):
    return as_pictures([picture])[0].name
