"""The table of encoders: their size, their cost and the licence of their weights."""

import re
from fnmatch import translate
from pathlib import Path

import numpy as np
import pandas as pd

from ..public import public

_CATALOGUE = Path(__file__).with_name("catalogue.csv")
_TYPES = {
    "input_size": "Int64",
    "embedding_size": "Int64",
    "parameters_m": "Float64",
    "gflop": "Float64",
    "checkpoint_m": "Float64",
    "download_mb": "Float64",
}


@public("sklearn_ssafe")
def list_encoders(pattern="*", *, commercial_use=None):
    """List the encoders that `FrozenEncoderTransformer` can load by name.

    The embedded encoder, those whose weights come with a Python package (the default is one of
    them), every pair of an open_clip architecture and its weights, and every
    pretrained timm model, as of the versions named in the first line of ``catalogue.csv``. No
    model library is imported and nothing is downloaded.

    Parameters
    ----------
    pattern : str, default="*"
        Which to list, with the wildcards of a shell and in any case. It is compared with
        "ENCODER", "ENCODER:PRETRAINED" and "ENCODER.PRETRAINED".
    commercial_use : {None, "yes", "no", "unknown"}, default=None
        List only those with this entry.

    Returns
    -------
    table : pandas.DataFrame
        One row for each encoder and its weights; no row where nothing matches. Missing is
        unknown. The columns:

        - encoder, pretrained: the two parameters to load it with;
        - library: "embedded", "package" (weights from a Python package), "open_clip" or "timm";
        - input_size: height and width of the square it looks at, in pixels; missing where it is no
          square;
        - embedding_size: number of features; missing where a model gives no one vector an image;
        - parameters_m: parameters of the vision tower, in millions;
        - gflop: floating point operations in the convolutions, matrix products and attention of
          one image, in thousand millions; a multiplication with its addition counts as 2;
        - checkpoint_m: numbers in the whole file that is downloaded, with a text tower or
          classifier that are not used, in millions. Stored as fp32 each takes 4 bytes;
        - download_mb: size of that file in millions of bytes, where it was read; `note` says so
          where it was worked out;
        - licence: of the weights, as an SPDX identifier where there is one;
        - commercial_use: whether the licence allows it, "yes", "no" or "unknown". Read the
          licence before you rely on it;
        - licence_source: where the statement on the licence was found;
        - note: what the licence's name and the figures do not tell.

    Raises
    ------
    ValueError
        When `commercial_use` is none of its values.

    Examples
    --------
    >>> from sklearn_ssafe import list_encoders
    >>> table = list_encoders("PE-Core-*-14-*")
    >>> table[["encoder", "pretrained", "input_size", "embedding_size", "licence"]]
                   encoder pretrained  input_size  embedding_size     licence
    0     PE-Core-L-14-336       meta         336            1024  Apache-2.0
    1  PE-Core-bigG-14-448       meta         448            1280  Apache-2.0
    """
    if commercial_use not in (None, "yes", "no", "unknown"):
        raise ValueError(
            f"commercial_use={commercial_use!r} is none of None, 'yes', 'no' and 'unknown'."
        )
    table = _read()
    matches = re.compile(translate(pattern), re.IGNORECASE).match
    chosen = np.array(
        [
            any(map(matches, (encoder, f"{encoder}:{pretrained}", f"{encoder}.{pretrained}")))
            for encoder, pretrained in zip(table["encoder"], table["pretrained"], strict=True)
        ]
    )
    if commercial_use is not None:
        chosen &= (table["commercial_use"] == commercial_use).to_numpy()
    return table[chosen].reset_index(drop=True)


def _read():
    # The first line names the versions that the table was made with.
    table = pd.read_csv(_CATALOGUE, skiprows=1, dtype=_TYPES, keep_default_na=False, na_values=[""])
    texts = table.columns.difference(list(_TYPES))
    # None, not NaN, is what `pretrained` takes for "no tag".
    table[texts] = table[texts].astype(object).where(table[texts].notna(), None)
    return table
