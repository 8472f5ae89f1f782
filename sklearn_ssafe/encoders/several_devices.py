"""The same encoder on several devices of one machine."""

from itertools import cycle

from .base import Encoder


class SeveralDevices(Encoder):
    """Encoders that differ in their device alone, and take the batches in turn."""

    def __init__(self, encoders):
        first = encoders[0]
        self.name = first.name
        self.feature_names = first.feature_names
        self.normalize_by_default = first.normalize_by_default
        self.device = first.device
        self.resizer = first.resizer
        self.tower = getattr(first, "tower", None)
        self.n_in_flight = sum(encoder.n_in_flight for encoder in encoders)
        self._encoders = encoders
        self._turns = cycle(encoders)

    @property
    def fingerprint(self):
        """That of each of them; see `Encoder.fingerprint`."""
        return self._encoders[0].fingerprint

    @property
    def weights_hash(self):
        """SHA-256 of the weights, which are the same on every device; None without weights."""
        return getattr(self._encoders[0], "weights_hash", None)

    def prepare(self, image):
        """Prepare one picture; see `Encoder.prepare`."""
        return self._encoders[0].prepare(image)

    @property
    def preparation(self):
        """That of each of them; see `Encoder.preparation`."""
        return self._encoders[0].preparation

    def encode(self, views):
        """Encode a batch on the next device; see `Encoder.encode`."""
        return next(self._turns).encode(views)

    def compiled(self):
        """Return the same with every encoder compiled; see `Encoder.compiled`."""
        return SeveralDevices([encoder.compiled() for encoder in self._encoders])
