"""Several encoders whose columns stand side by side."""

import numpy as np

from .base import Encoder


class SideBySide(Encoder):
    """What several encoders have in common for whoever runs them one after the other.

    It encodes nothing itself: each of `parts` does, so that its rows are kept, and found again,
    whatever stands beside it.
    """

    normalize_by_default = False  # each part has its own

    def __init__(self, encoders):
        self.name = " + ".join(encoder.name for encoder in encoders)
        self.feature_names = np.array(
            [f"{encoder.name}__{name}" for encoder in encoders for name in encoder.feature_names],
            dtype=object,
        )
        self.device = encoders[0].device
        self._encoders = encoders

    @property
    def parts(self):
        """The encoders."""
        return self._encoders

    @property
    def weights_hash(self):
        """The hash of each, "none" where it has no weights."""
        hashes = [getattr(encoder, "weights_hash", None) for encoder in self._encoders]
        return " + ".join(digest or "none" for digest in hashes)

    def prepare(self, image):
        """Raise: ask the parts; see `Encoder.prepare`."""
        raise NotImplementedError

    def encode(self, views):
        """Raise: ask the parts; see `Encoder.encode`."""
        raise NotImplementedError
