"""The latest pictures, as a monitor keeps them."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass
class Recent:
    """Rows, paths and scores of the latest pictures, the last ones last."""

    rows: np.ndarray
    path: np.ndarray
    score: np.ndarray
    distance: np.ndarray
    unsure: np.ndarray

    @classmethod
    def empty(cls, n_features):
        """Return no pictures."""
        none = np.empty(0)
        rows = np.empty((0, n_features), dtype=np.float32)
        return cls(rows, np.empty(0, dtype=object), none, none, np.empty(0, dtype=bool))

    def followed_by(self, new, most):
        """Return these and further pictures, the latest of them."""
        pairs = ((getattr(self, field.name), getattr(new, field.name)) for field in fields(self))
        return Recent(*(np.concatenate(pair)[-most:] for pair in pairs))
