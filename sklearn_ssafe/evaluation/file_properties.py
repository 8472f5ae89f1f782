"""What a file tells without a look at its pixels: the baseline that a detector has to beat."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ..images.inputs import as_image_list


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
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=2, image_size=(32, 48), random_state=0)
    >>> file_properties(pictures.X)[["width", "height", "aspect", "format"]]
       width  height  aspect format
    0   48.0    32.0     1.5   JPEG
    1   48.0    32.0     1.5   JPEG
    """
    table = pd.DataFrame([_properties(item) for item in as_image_list(X)])
    table["aspect"] = table["width"] / table["height"]
    table["bytes_per_pixel"] = table["bytes"] / (table["width"] * table["height"])
    return table[["bytes", "width", "height", "aspect", "bytes_per_pixel", "format", "mode"]]


def _properties(item):
    n_bytes, width, height, kind, mode = np.nan, np.nan, np.nan, "", ""
    if isinstance(item, np.ndarray):
        height, width = map(float, item.shape[:2])
    elif isinstance(item, Image.Image):
        width, height, mode = float(item.width), float(item.height), item.mode
    else:
        try:
            if isinstance(item, bytes | bytearray | memoryview):
                n_bytes, file = float(len(item)), io.BytesIO(item)
            else:
                n_bytes, file = float(Path(item).stat().st_size), item
            with Image.open(file) as image:
                width, height = float(image.width), float(image.height)
                kind, mode = image.format, image.mode
        except (OSError, TypeError, Image.DecompressionBombError):
            pass  # the encoder says what is wrong with it
    return {"bytes": n_bytes, "width": width, "height": height, "format": kind, "mode": mode}
