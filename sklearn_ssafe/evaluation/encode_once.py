"""Every picture through every encoder, once, before any folds are made."""

import time
import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import get_tags

from ..estimators.failures import EncodingWarning
from ..estimators.frozen_encoder import FrozenEncoderTransformer
from .tidy_table import as_table


def encode_once(encoders, X):
    """Encode all pictures with every encoder.

    Parameters
    ----------
    encoders : list of str or transformer, or dict of str to (str, transformer or table)
        ``"NAME"`` or ``"NAME:PRETRAINED"`` as `list_encoders` has them; a transformer that needs
        no fitting, such as `FrozenEncoderTransformer`; or, in a dict, features that are already
        there, one row a picture.
    X : array-like of shape (n_samples,)
        Pictures.

    Returns
    -------
    features : dict of str to pandas.DataFrame
        Under the name of each encoder, float32 columns with the encoder's own names; NaN in the
        rows of pictures that could not be encoded.
    seconds : dict of str to float
        How long it took; NaN for features that were given.
    failures : pandas.DataFrame
        Columns ``row``, ``path``, ``reason`` of the pictures that an encoder could not encode.
    """
    if not isinstance(encoders, dict):
        named = [(_name_of(encoder, number), encoder) for number, encoder in enumerate(encoders)]
        encoders = dict(named)
        if len(encoders) < len(named):
            raise ValueError(
                f"two encoders have the same name, among {', '.join(name for name, _ in named)}: "
                "give a dict, {'name': encoder}"
            )
    features, seconds, failures = {}, {}, []
    for name, encoder in encoders.items():
        if isinstance(encoder, str):
            architecture, _, tag = encoder.partition(":")
            encoder = FrozenEncoderTransformer(architecture, pretrained=tag or None)
        if not hasattr(encoder, "fit_transform"):  # a pandas table has a transform, too
            features[name], seconds[name] = as_table(encoder, name, len(X)), np.nan
            continue
        if get_tags(encoder).requires_fit:
            raise ValueError(
                f"encoder {name!r} ({type(encoder).__name__}) has to be fitted, so encoding before "
                "the folds are made would let it see the tested pictures. Put what it learns into "
                "a head: {'name': make_pipeline(..., classifier)}"
            )
        encoder = clone(encoder)
        if "on_error" in encoder.get_params():
            encoder.set_params(on_error="nan")
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EncodingWarning)  # the comparison lists them
            values = encoder.transform(X)
        seconds[name] = time.perf_counter() - started
        names = encoder.get_feature_names_out()
        features[name] = pd.DataFrame(np.asarray(values), columns=[str(n) for n in names])
        failures.append(getattr(encoder, "failures_", pd.DataFrame()))
    columns = ["row", "path", "reason"]
    failures = pd.concat([pd.DataFrame(columns=columns), *(f for f in failures if len(f))])
    return features, seconds, failures.drop_duplicates("row").sort_values("row", ignore_index=True)


def _name_of(encoder, number):
    if isinstance(encoder, str):
        return encoder
    named = getattr(encoder, "encoder", None)
    if isinstance(named, str):
        return ":".join([named, *filter(None, [getattr(encoder, "pretrained", None)])])
    return f"encoder {number}"
