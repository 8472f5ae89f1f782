"""The one form in which every function of this package returns labelled pictures."""

import numpy as np
from sklearn.utils import Bunch

from ..labels import as_name

TARGET_NAMES = ["real", "generated"]
_NAMES = ("generator", "source", "group")


def as_bunch(columns):
    """Wrap a table of labelled pictures as scikit-learn's data sets are."""
    import pandas as pd

    columns = {
        name: [as_name(value) for value in column] if name in _NAMES else column
        for name, column in columns.items()
    }
    # pandas' own text columns hold Unicode alone, and names of files need not be Unicode.
    frame = pd.DataFrame(
        {
            name: pd.Series(column, dtype=object if name in ("path", *_NAMES) else None)
            for name, column in columns.items()
        }
    )
    X = np.empty(len(frame), dtype=object)
    X[:] = list(frame.iloc[:, 0])
    is_number = frame["label"].dtype.kind == "f"  # a target to be predicted, not a label
    return Bunch(
        X=X,
        y=frame["label"].to_numpy(dtype=float if is_number else np.int64),
        generator=frame["generator"].to_numpy(dtype=object),
        source=frame["source"].to_numpy(dtype=object),
        groups=frame["group"].to_numpy(dtype=object),
        frame=frame,
        target_names=list(TARGET_NAMES),
    )
