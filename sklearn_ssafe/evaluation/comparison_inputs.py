"""What the heads of a comparison are given: features of pictures, columns of a table, or both."""

from dataclasses import dataclass

import pandas as pd

from .feature_families import feature_families


@dataclass
class Input:
    """One table that heads learn from.

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

    @property
    def is_baseline(self):
        """Whether no pixel was looked at."""
        return not self.picture_columns


def make_inputs(features, properties, tabular):
    """Put together all combinations that a tabular team would ask for.

    Parameters
    ----------
    features : dict of str to pandas.DataFrame
        From `encode_once`.
    properties : pandas.DataFrame or None
        From `file_properties`.
    tabular : pandas.DataFrame or None
        The user's columns.

    Returns
    -------
    inputs : list of Input
        The baselines (file properties, table, both) first, then each encoder alone and with the
        table.
    """
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
