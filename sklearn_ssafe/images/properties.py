"""What the header of each file says, as a table."""

import numpy as np
import pandas as pd

from ..public import public
from .errors import ImageReadError
from .inputs import as_pictures


@public("sklearn_ssafe.images")
def file_properties(X):
    """Tabulate size, dimensions and format of picture files.

    Parameters
    ----------
    X : array-like of shape (n_samples,)
        Pictures, as `FrozenEncoderTransformer` takes them.

    Returns
    -------
    table : pandas.DataFrame, n_samples rows
        ``bytes``, ``width`` and ``height`` (pixels), ``aspect`` (width / height),
        ``bytes_per_pixel``, ``format`` and ``mode`` (colour mode, as Pillow names them). NaN and
        "" where a picture has no file, or its header cannot be read.

    Examples
    --------
    >>> from sklearn_ssafe.images import file_properties
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=2, image_size=(32, 48), random_state=0)
    >>> file_properties(pictures.X)[["width", "height", "aspect", "format"]]
       width  height  aspect format
    0   48.0    32.0     1.5   JPEG
    1   48.0    32.0     1.5   JPEG
    """
    table = pd.DataFrame([_properties(item) for item in as_pictures(X)])
    table["aspect"] = table["width"] / table["height"]
    table["bytes_per_pixel"] = table["bytes"] / (table["width"] * table["height"])
    return table[["bytes", "width", "height", "aspect", "bytes_per_pixel", "format", "mode"]]


def _properties(picture):
    n_bytes, width, height, kind, mode = np.nan, np.nan, np.nan, "", ""
    try:
        n_bytes = picture.n_bytes()
        header = picture.header()
        width, height, kind, mode = header.width, header.height, header.format, header.mode
    except ImageReadError:
        pass  # the encoder says what is wrong with it
    return {
        "bytes": np.nan if n_bytes is None else float(n_bytes),
        "width": float(width),
        "height": float(height),
        "format": kind,
        "mode": mode,
    }
