"""What `GeneratorCurator` is given, checked before anything is computed."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..curation.rows import rows_not_finite
from ..images.inputs import as_image_list, describe

_MOST_NAMED = 20


def content_of(X):
    """Return what tells the rows apart: the pictures, where X holds any.

    Their embeddings would not do, for they may differ in the last bit from run to run.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Pictures, or rows of numbers that an encoder scales or projects.

    Returns
    -------
    items : list or ndarray, length n_samples
        One item a row.
    """
    try:
        return as_image_list(X)
    except (TypeError, ValueError):
        return np.asarray(X)


def refuse_pictures(X):
    """Raise a ValueError where X holds pictures, and embeddings are needed.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        What the user passed as embeddings.
    """
    one_column = getattr(X, "ndim", 1) == 1 and not hasattr(X, "columns")
    first = next(iter(X), None) if one_column else None
    if isinstance(first, str | bytes | Path | Image.Image):
        raise ValueError(
            f"X holds pictures ({describe(first)}, ...), and embeddings are needed: give "
            "GeneratorCurator an encoder, such as encoder=FrozenEncoderTransformer(), or put one "
            "before it"
        )


def refuse_bad_rows(embeddings, content):
    """Raise a ValueError that names the rows that hold NaN or infinity, where there are any.

    Parameters
    ----------
    embeddings : ndarray or memmap of float, shape (n_samples, n_features)
        The rows.
    content : list or ndarray, length n_samples
        From `content_of`, or the embeddings themselves.
    """
    bad = rows_not_finite(embeddings)
    if not len(bad):
        return
    named = [
        f"row {row}" if content is embeddings else f"row {row}: {describe(content[row])}"
        for row in bad[:_MOST_NAMED]
    ]
    if len(bad) > _MOST_NAMED:
        named.append(f"and {len(bad) - _MOST_NAMED} more")
    raise ValueError(
        f"{len(bad)} of {len(embeddings)} rows of embeddings hold NaN or infinity: leave them out, "
        f"in y and the other columns as well.\n  " + "\n  ".join(named)
    )
