"""What tells without reading that a file has not changed."""

import hashlib
import os
import time

# File systems count time in steps, of up to two seconds: a file written so recently could change
# once more without a trace in its time of modification.
_STEP_NS = 2_000_000_000
# To be raised when `Picture.key` gives some files another key than before: all files are then read
# once more, and those whose key is the same are not encoded again.
_KEYS = b"keys 2"


class FileState:
    """``path_key``, 16 bytes for the absolute path; ``stamp``, 16 for size and time of change."""

    def __init__(self, path):
        status = os.stat(path)
        full = os.fsencode(os.path.abspath(path))
        self.path_key = hashlib.blake2b(full, digest_size=16, person=_KEYS).digest()
        self._mtime_ns = status.st_mtime_ns
        self.stamp = _bytes8(status.st_size) + _bytes8(status.st_mtime_ns)

    def is_settled(self):
        """Whether a later change would show: the last one was a moment ago at least."""
        return abs(time.time_ns() - self._mtime_ns) > _STEP_NS


def _bytes8(number):
    return number.to_bytes(8, "little", signed=True)
