"""An embedding as bytes, with a checksum."""

import zlib

import numpy as np


def packed(key, row):
    """Make one value of the table of rows."""
    numbers = np.ascontiguousarray(row, dtype="<f4").tobytes()
    return _checksum(key, numbers) + numbers


def unpacked(key, value, n_features):
    """Read one value of the table of rows."""
    # The length first: that of a damaged value may reach beyond the file.
    if len(value) != 4 + 4 * n_features:
        return None
    if value[:4] != _checksum(key, value[4:]):
        return None
    return np.frombuffer(value, dtype="<f4", offset=4).astype(np.float32)


def _checksum(key, numbers):
    return zlib.crc32(numbers, zlib.crc32(key)).to_bytes(4, "little")
