"""Embeddings in the memory of this process, up to a limit."""

import os
import threading
from collections import OrderedDict

from ..public import public
from .claims import Claims

MAX_BYTES = 2**30
"""What `shared_memory_store` holds at most: 350,000 embeddings of 768 numbers."""

# What a row and its key take beside the numbers, and what a recognised file takes.
_ROW_BYTES = 350
_FILE_BYTES = 400


class NoStore:
    """Keeps nothing."""

    def find_files(self, states):
        """Recognise no file."""
        return [None] * len(states)

    def get(self, settings, digests):
        """Find no embedding."""
        return [None] * len(digests)

    def put(self, settings, rows, files):
        """Forget embeddings."""

    def claim(self, settings, digest):
        """Let everybody encode everything."""
        return True

    def release(self, settings, digests):
        """Do nothing."""


class MemoryStore:
    """A bounded store, safe to use from several threads; what was used longest ago goes first."""

    def __init__(self, max_bytes=MAX_BYTES):
        self.max_bytes = max_bytes
        self.clear()

    def clear(self):
        """Forget everything."""
        self._rows = OrderedDict()
        self._files = OrderedDict()
        self._n_bytes = 0
        self._make_locks()

    def _make_locks(self):
        self._lock = threading.Lock()
        self._claims = Claims()

    def find_files(self, states):
        """Recognise files that have not changed; see `DiskStore.find_files`."""
        with self._lock:
            known = [self._files.get(state.path_key) for state in states]
        return [
            entry[1] if entry is not None and entry[0] == state.stamp else None
            for entry, state in zip(known, states, strict=True)
        ]

    def get(self, settings, digests):
        """Return embeddings; see `DiskStore.get`."""
        keys = [settings.key + digest for digest in digests]
        with self._lock:
            for key in keys:
                if key in self._rows:
                    self._rows.move_to_end(key)
            return [self._rows.get(key) for key in keys]

    def put(self, settings, rows, files):
        """Keep embeddings; see `DiskStore.put`."""
        with self._lock:
            for digest, row in rows.items():
                key = settings.key + digest
                if key not in self._rows:
                    self._rows[key] = row.copy()
                    self._n_bytes += row.nbytes + _ROW_BYTES
            for path_key, entry in files.items():
                self._n_bytes += 0 if path_key in self._files else _FILE_BYTES
                self._files[path_key] = entry
            while self._n_bytes > self.max_bytes and self._rows:
                _, row = self._rows.popitem(last=False)
                self._n_bytes -= row.nbytes + _ROW_BYTES
                if len(self._files) > len(self._rows):
                    self._files.popitem(last=False)
                    self._n_bytes -= _FILE_BYTES

    def claim(self, settings, digest):
        """Claim a picture; see `DiskStore.claim`."""
        return self._claims.take(settings.key + digest)

    def release(self, settings, digests):
        """Give claims back; see `DiskStore.release`."""
        self._claims.release([settings.key + digest for digest in digests])


shared_memory_store = MemoryStore()
"""What ``cache="memory"`` stands for."""


@public("sklearn_ssafe.store")
def clear_memory_cache():
    """Forget the embeddings that this process keeps in memory for ``cache="memory"``."""
    shared_memory_store.clear()


if hasattr(os, "register_at_fork"):
    # Another thread of the parent may have held a lock, and its claims are not the child's.
    os.register_at_fork(after_in_child=shared_memory_store._make_locks)
