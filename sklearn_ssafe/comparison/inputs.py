"""What candidates are given: columns, file properties, encoded pictures, made ready for a head."""

import re
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import get_tags

from ..detector.columns import kinds_of, make_preprocessor, tidy_columns
from ..encoders.forensic import ForensicEncoder
from ..encoding.failures import EncodingWarning
from ..encoding.transformer import FrozenEncoderTransformer
from ..public import public


def tidy_table(tabular, n_samples):
    """Check the user's columns, and make a pandas table of them; missing words are "(missing)"."""
    table = as_table(tabular, "table", n_samples)
    return tidy_columns(table, kinds_of(table))


def as_table(values, name, n_samples):
    """Make a pandas table with numbered rows and columns named by words."""
    if hasattr(values, "to_pandas"):
        values = values.to_pandas()
    if isinstance(values, pd.Series):
        values = values.to_frame()
    if not isinstance(values, pd.DataFrame):
        values = np.asarray(values)
        if values.ndim != 2:
            raise ValueError(f"{name!r} must be a table, got an array of shape {values.shape}")
        values = pd.DataFrame(values, columns=[f"{name}_{i}" for i in range(values.shape[1])])
    if len(values) != n_samples:
        raise ValueError(f"{name!r} has {len(values)} rows for {n_samples} pictures")
    table = values.reset_index(drop=True)
    table.columns = [str(column) for column in table.columns]
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"{name!r} has more than one column called {twice!r}")
    return table


def name_encoders(encoders):
    """Return encoders by name: transformers, or features that are there already."""
    if not isinstance(encoders, dict):
        named = [(_name_of(encoder, number), encoder) for number, encoder in enumerate(encoders)]
        encoders = dict(named)
        if len(encoders) < len(named):
            raise ValueError(
                f"two encoders have the same name, among {', '.join(name for name, _ in named)}: "
                "give a dict, {'name': encoder}"
            )
    named = {}
    for name, encoder in encoders.items():
        if isinstance(encoder, str):
            architecture, _, tag = encoder.partition(":")
            encoder = FrozenEncoderTransformer(architecture, pretrained=tag or None)
        named[name] = encoder
    return named


def encode_once(encoders, X):
    """Encode all pictures with every encoder: the features, the seconds that it took, the failures.

    Rows of pictures that could not be encoded are NaN.
    """
    features, seconds, failures = {}, {}, []
    for name, encoder in encoders.items():
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


def feature_families(names):
    """Name the family of every column that an encoder makes: the name without its number.

    The embedded encoder has families of measurements.

    Examples
    --------
    >>> feature_families(["noise_log_std_percentile_02", "ViT-B-32_block11_cls_0042"])
    {'noise_log_std_percentile_02': 'noise', 'ViT-B-32_block11_cls_0042': 'ViT-B-32_block11_cls'}
    """
    forensic = ForensicEncoder()
    known = dict(zip(forensic.feature_names, forensic.feature_families, strict=True))
    return {name: str(known.get(name, re.sub(r"_?\d+$", "", name) or name)) for name in names}


@public("sklearn_ssafe.comparison")
@dataclass(repr=False)
class Input:
    """One table that heads learn from, as `DetectorComparison` keeps it.

    Attributes
    ----------
    name : str
        As the comparison calls it.
    table : pandas.DataFrame, n_samples rows
        All columns.
    picture_columns : list of str
        Those that an encoder made.
    families : dict of str to str
        The family of every column; a column of the user's table is one of its own.
    """

    name: str
    table: pd.DataFrame
    picture_columns: list
    families: dict

    def __repr__(self):
        n_rows, n_columns = self.table.shape
        return f"<Input {self.name!r}: {n_rows:,} rows of {n_columns:,} columns>"

    @property
    def is_baseline(self):
        """Whether no pixel was looked at."""
        return not self.picture_columns

    def preprocessor(self, picture_components):
        """Make the step before every head: scaled numbers, categories as 0 and 1, gaps filled.

        Parameters
        ----------
        picture_components : int or None
            See `compare_detectors`.

        Returns
        -------
        preprocessor : ColumnTransformer
            Not fitted.
        """
        beside = self.table.drop(columns=self.picture_columns)
        return make_preprocessor(
            kinds_of(beside), self.picture_columns, len(self.table), picture_components
        )


def make_inputs(features, properties, tabular):
    """Put together the baselines, and each encoder with and without the table."""
    inputs = []
    plain = {"file properties": properties, "table": tabular}
    plain = {name: table for name, table in plain.items() if table is not None}
    if len(plain) == 2:
        plain["table + file properties"] = _beside(tabular, properties, "file")
    for name, table in plain.items():
        inputs.append(Input(name, table, [], {column: column for column in table.columns}))
    for name, table in features.items():
        families = feature_families(table.columns)
        columns = list(table.columns)
        inputs.append(Input(name, table, columns, families))
        if tabular is not None:
            both = _beside(tabular, table, name)
            picture = [column for column in both.columns if column not in tabular.columns]
            of_picture = dict(zip(picture, families.values(), strict=True))
            families = {column: of_picture.get(column, column) for column in both.columns}
            inputs.append(Input(f"table + {name}", both, picture, families))
    return inputs


def _beside(tabular, other, prefix):
    """Put two tables side by side; a name that is taken gets a prefix."""
    taken = set(tabular.columns)
    other = other.rename(columns={name: f"{prefix}: {name}" for name in taken & set(other.columns)})
    return pd.concat([tabular, other], axis=1)
