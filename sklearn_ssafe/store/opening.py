"""From the `cache` parameter to a store that never stops the work."""

import threading
import warnings

from .disk import open_disk_store
from .keys import Settings
from .memory import NoStore, shared_memory_store
from .trouble import StoreError
from .warning import EncodingCacheWarning

_told = set()
_lock = threading.Lock()


def open_store(cache, identity):
    """Open what the `cache` parameter names."""
    if cache is None:
        return CarefulStore(NoStore(), None)
    if not str(cache).strip() or "\0" in str(cache) or "://" in str(cache):
        raise ValueError(f'cache={cache!r} names no folder: use "memory", a folder, or None.')
    only_here = bool(identity.why_none)
    if only_here and cache != "memory":  # "memory" nobody has asked for
        _tell_once(str(cache), identity)
    if identity.fingerprint is None:
        return CarefulStore(NoStore(), None)
    settings = Settings(identity)
    if cache == "memory" or only_here:
        return CarefulStore(shared_memory_store, settings)
    try:
        return CarefulStore(open_disk_store(cache), settings)
    except StoreError as error:
        _warn(f"{error}. The work goes on without the cache.")
        return CarefulStore(NoStore(), settings)


def _tell_once(folder, identity):
    """Say that nothing of an encoder goes into a folder: a search would say it for every fold."""
    key = folder, identity.name, identity.why_none
    with _lock:
        is_new = key not in _told
        _told.add(key)
    if is_new:
        kept = "not kept at all" if identity.fingerprint is None else "kept in memory alone"
        _warn(
            f"{identity.name} cannot be recognised in another run ({identity.why_none}), so its "
            f"embeddings do not go into {folder} and are {kept}. This is said once.",
            stacklevel=4,
        )


class CarefulStore:
    """A store that gives up with one warning where it would raise."""

    def __init__(self, store, settings):
        self._store = store
        self._settings = settings
        self._lock = threading.Lock()
        self._keeps = not isinstance(store, NoStore)
        self._n_damaged_before = getattr(store, "n_damaged", 0)

    def find_files(self, states):
        """Recognise unchanged files; see `DiskStore.find_files`."""
        try:
            return self._store.find_files(states)
        except StoreError as error:
            self._give_up(error)
            return [None] * len(states)

    def get(self, digests):
        """Return embeddings, or None each; see `DiskStore.get`."""
        try:
            return self._store.get(self._settings, digests)
        except StoreError as error:
            self._give_up(error)
            return [None] * len(digests)

    def keep(self, rows, files, claimed):
        """Keep embeddings, give claims back, and return whether embeddings will be found."""
        self._report_damage()
        if self._keeps:
            try:
                if rows or files:
                    self._store.put(self._settings, rows, files)
            except StoreError as error:
                self._keeps = False  # what is there can still be read
                if rows:
                    _warn(f"{error}. New embeddings are not kept in this run.")
        self._store.release(self._settings, claimed)
        return self._keeps

    def claim(self, digest):
        """Claim a picture; see `DiskStore.claim`."""
        return self._store.claim(self._settings, digest)

    def release(self, digests):
        """Give claims back; see `DiskStore.release`."""
        self._store.release(self._settings, digests)

    def _report_damage(self):
        """Warn when rows had the wrong checksum since the last report."""
        n_damaged = getattr(self._store, "n_damaged", 0)
        if n_damaged > self._n_damaged_before:
            _warn(
                f"{n_damaged - self._n_damaged_before} embeddings in {self._store.folder} are "
                "damaged, and are encoded again."
            )
            self._n_damaged_before = n_damaged

    def _give_up(self, error):
        with self._lock:
            given_up, self._store = self._store, NoStore()
            self._keeps = False
        if not isinstance(given_up, NoStore):
            _warn(f"{error}. The work goes on without the cache.")


def _warn(message, stacklevel=3):
    warnings.warn(message, EncodingCacheWarning, stacklevel=stacklevel)
