"""Encode only what is in no store yet, and each picture once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from joblib import cpu_count

from ..images.reading import ImageReadError, read_content, read_image
from ..store.keys import (
    FileState,
    hash_of_content,
    hash_of_pixels,
    is_content,
    is_file,
    is_in_memory,
)
from .encoding import encode_batches

_ROWS_LOOKED_UP_AT_ONCE = 256
_SECONDS_BETWEEN_LOOKS = 0.05
# Longer than any batch takes. Then the other worker is taken to hang.
_SECONDS_OF_PATIENCE = 900


class StoredEncoding:
    """The encoding of one list of pictures.

    Parameters
    ----------
    encoder : Encoder
    items : list
        Pictures, as `as_image_list` returns them.
    store : CarefulStore
    batch_size : int or "auto", default="auto"
        Pictures encoded at once.
    num_workers : int or None, default=None
        Reading threads.
    trust_unchanged : bool, default=True
        Whether a file of the same path, size and time of modification is not read again.

    Attributes
    ----------
    features : ndarray of float32, shape (n_items, n_features)
        Rows in the order of `items`; NaN where there is none, or none yet.
    reasons : dict of int to str
        Row number to reason, for the pictures that could not be encoded.
    missing : list of int
        After `look_up`: the rows that are to be encoded, or at least to be read.
    """

    def __init__(
        self, encoder, items, store, *, batch_size="auto", num_workers=None, trust_unchanged=True
    ):
        self.encoder = encoder
        self.items = items
        self.features = np.full((len(items), encoder.n_features), np.nan, dtype=np.float32)
        self.reasons = {}
        self.missing = []
        self._store = store
        self._batch_size = batch_size
        self._num_workers = num_workers
        self._trust_unchanged = trust_unchanged
        self._same_as = {}  # row -> another row with the same picture
        self._digests = {}  # missing row -> hash of its content, once it is known
        self._states = {}  # missing row -> the state of its file before it was read
        self._first = {}  # hash -> the row that stands for all with this content
        self._claimed = set()
        self._lock = threading.Lock()
        self._impatient = False

    def look_up(self):
        """Fill in what is in the store, without reading unchanged files.

        Returns
        -------
        n_found : int
            Rows that need no more work.
        """
        starts = range(0, len(self.items), _ROWS_LOOKED_UP_AT_ONCE)
        n_threads = self._num_workers if self._num_workers is not None else min(8, cpu_count())
        with ThreadPoolExecutor(n_threads) as threads:
            for missing in threads.map(self._look_up_some, starts):
                self.missing += missing
        self._store.report_damage()
        return len(self.items) - len(self.missing)

    def encode(self):
        """Encode the missing rows, and keep every batch as soon as it is done.

        Yields
        ------
        n_done : int
            How many rows have been settled since the last time; 0 while waiting for another worker
            that is encoding the same pictures.
        encoded : bool
            Whether a batch went through the encoder.
        """
        todo, waiting_since = self.missing, None
        while todo:
            elsewhere = []
            batches = encode_batches(
                self.encoder,
                todo,
                self._prepare,
                batch_size=self._batch_size,
                num_workers=self._num_workers,
            )
            try:
                for encoded, others in batches:
                    n_open = self._settle(others, elsewhere)
                    self._keep(encoded)
                    yield len(encoded) + len(others) - n_open, bool(encoded)
            finally:
                batches.close()
                self._release(list(self._claimed))
            now = time.monotonic()
            if len(elsewhere) < len(todo) or waiting_since is None:
                waiting_since = now
            self._impatient = now - waiting_since > _SECONDS_OF_PATIENCE
            todo = elsewhere
            if todo:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                yield 0, False
        for row, first in self._same_as.items():
            self.features[row] = self.features[first]
            if first in self.reasons:
                self.reasons[row] = self.reasons[first]
        self._store.report_damage()
        yield len(self._same_as), False

    # Looking up ----------------------------------------------------------------------------------

    def _look_up_some(self, start):
        """Fill in some rows; return the others."""
        rows = range(start, min(start + _ROWS_LOOKED_UP_AT_ONCE, len(self.items)))
        digests, states = {}, {}
        for row in rows:
            item = self.items[row]
            if is_file(item) and self._trust_unchanged:
                states[row] = _state_of(item)
            elif is_in_memory(item):
                digests[row] = self._digests[row] = _hash_in_memory(item)
        states = {row: state for row, state in states.items() if state is not None}
        # Good enough to look for the row. When it is not there, the file is read again.
        digests.update(zip(states, self._store.find_files(list(states.values())), strict=True))
        digests = {row: digest for row, digest in digests.items() if digest is not None}
        found = dict(zip(digests, self._store.get(list(digests.values())), strict=True))
        missing = []
        for row in rows:
            if found.get(row) is None:
                missing.append(row)
            else:
                self.features[row] = found[row]
                self._digests.pop(row, None)
        return missing

    # In the reading threads ----------------------------------------------------------------------

    def _prepare(self, row):
        """Return the views of a picture, or what makes them needless."""
        try:
            item = content = self.items[row]
            if is_file(item) and row not in self._digests:
                content = self._read(row)
            digest = self._digests.get(row)
            needless = self._claim(row, digest) if digest is not None else None
            if needless is not None:
                return needless
            if content is item and is_file(item):
                content = self._read(row)
            pixels = read_image(content)
        except ImageReadError as error:
            return str(error)
        try:
            return self.encoder.prepare(pixels)
        except Exception as error:  # a user's own preprocessing may raise anything
            name = self.encoder.name
            return f"could not be prepared for {name}: {type(error).__name__}: {error}"

    def _read(self, row):
        """Read a file, and note the hash of its content."""
        # The state first: a change during the reading must not pass for the new content.
        state = _state_of(self.items[row])
        content = read_content(self.items[row])
        digest = hash_of_content(content)
        if self._digests.setdefault(row, digest) != digest:
            raise ImageReadError("the file changed while it was being read: try again")
        if state is not None and state.is_settled():
            self._states[row] = state
        return content

    def _claim(self, row, digest):
        """Claim a picture, or return what is known about it already."""
        with self._lock:
            first = self._first.setdefault(digest, row)
        if first != row:
            return _SameAs(first)
        if self._store.claim(digest):
            self._claimed.add(digest)
        elif not self._impatient:
            return _ELSEWHERE
        # Now, because another worker may have put it there just before the claim.
        features = self._store.get([digest])[0]
        return None if features is None else _Found(features)

    # In the calling thread -----------------------------------------------------------------------

    def _settle(self, others, elsewhere):
        """Note what became of rows that were not encoded; return how many are still open."""
        n_before = len(elsewhere) + len(self._same_as)
        files = {}
        for row, result in others:
            if result is _ELSEWHERE:
                elsewhere.append(row)
                continue
            if isinstance(result, _Found):
                self.features[row] = result.features
            elif isinstance(result, _SameAs):
                self._same_as[row] = result.row
            else:
                self.reasons[row] = result
            self._note_file(row, files)
        self._store.put({}, files)
        return len(elsewhere) + len(self._same_as) - n_before

    def _keep(self, encoded):
        """Fill in a batch that was encoded, and store it."""
        good, files = {}, {}
        for row, features in encoded:
            if np.isfinite(features).all():
                self.features[row] = features
            else:
                self.reasons[row] = (
                    f"the encoder {self.encoder.name} returned values that are not finite; "
                    'with bf16 or fp16, try precision="fp32"'
                )
            digest = self._digests.get(row)
            if digest is not None and row not in self.reasons:
                good[digest] = features
            self._note_file(row, files)
        if self._store.put(good, files):
            for digest in good:  # from now on others with this content find it in the store
                del self._first[digest]
        self._release(good)

    def _note_file(self, row, files):
        digest, state = self._digests.pop(row, None), self._states.pop(row, None)
        if state is not None:
            files[state.path_key] = (state.stamp, digest)

    def _release(self, digests):
        self._store.release([digest for digest in digests if digest in self._claimed])
        self._claimed.difference_update(digests)


class _Found:
    """The features were stored by another worker, or under another name."""

    def __init__(self, features):
        self.features = features


class _SameAs:
    """Another row has the same content."""

    def __init__(self, row):
        self.row = row


_ELSEWHERE = object()
"""Another worker is encoding this picture."""


def _state_of(path):
    try:
        return FileState(path)
    except (OSError, ValueError):
        return None  # reading it will tell why


def _hash_in_memory(item):
    try:
        return hash_of_content(item) if is_content(item) else hash_of_pixels(item)
    except ImageReadError:
        return None  # reading it will tell why
