"""Who is encoding what, so that two workers do not encode the same picture."""

import os
import threading

try:
    import fcntl
except ImportError:  # Windows: workers there may encode a picture twice, and get the same
    fcntl = None


class Claims:
    """Claims of this process's threads, and of other processes through locks on a file.

    A claim on a key is the lock of one byte of the file, at an offset that follows from the key.
    The operating system takes it back when its holder ends, however it ends. The file stays empty.
    """

    def __init__(self, path=None):
        self._taken = set()
        self._lock = threading.Lock()
        self._file = None
        if path is not None and fcntl is not None:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)

    def take(self, key):
        """Claim a key."""
        with self._lock:
            if key in self._taken or not self._lock_byte(_offset(key)):
                return False
            self._taken.add(key)
            return True

    def release(self, keys):
        """Give keys back; those that are not held are passed over."""
        with self._lock:
            for key in keys:
                if key in self._taken:
                    self._taken.remove(key)
                    if self._file is not None:
                        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _offset(key))

    def enter(self):
        """Say that this process uses the store."""
        return self._lock_byte(0, shared=True)

    def be_alone(self):
        """Ask to have the store for this process alone, until `close`."""
        return self._file is not None and self._lock_byte(0)

    def close(self):
        """Give everything back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock_byte(self, offset, shared=False):
        if self._file is None:
            return True
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.lockf(self._file, kind | fcntl.LOCK_NB, 1, offset)
        except (BlockingIOError, PermissionError):
            return False
        except OSError:  # a file system without locks
            return True
        return True


def _offset(key):
    settings, picture = (int.from_bytes(part, "little") for part in (key[:8], key[-8:]))
    return 1 + (settings ^ picture) % 2**62
