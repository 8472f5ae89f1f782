"""Look up, read, encode, keep: from a list of pictures to rows, each picture once."""

import threading
import time
from collections import deque
from contextlib import contextmanager

import numpy as np

from ..images.errors import ImageReadError
from ..images.limits import MAX_PIXELS
from ..images.picture import as_picture
from ..images.threads import how_many, map_ahead, worker_threads
from .failures import reason_of

# Pictures waiting, prepared, for the encoder: enough to bridge one slow file, small enough that
# memory stays flat however long the run. One for each reading thread comes on top.
_BATCHES_AHEAD = 2
# From here on a GPU is given a compiled tower, which takes a minute or so to make. Never a CPU:
# there, eager bf16 comes as near to the rate of a matrix product as compiled.
_PICTURES_WORTH_COMPILING = 50_000
# Headers looked at ahead: they hold no pixels.
_LOOKS_AHEAD = 256
_ROWS_LOOKED_UP_AT_ONCE = 256
_LOOK_UPS_AHEAD = 16
_SECONDS_BETWEEN_LOOKS = 0.05
# Longer than any batch takes. Then the other worker is taken to hang.
_SECONDS_OF_PATIENCE = 900


def find_unreadable(items, *, num_workers=None, decode=False, max_pixels=MAX_PIXELS, on_done=None):
    """Look at every picture without encoding any; return the reasons by row.

    With `decode`, files damaged in the middle are found as well; without, headers are read.
    """

    def look(item):
        picture = as_picture(item)
        try:
            picture.read(max_pixels) if decode else picture.check(max_pixels)
        except Exception as error:
            return reason_of(error)
        return None

    reasons = {}
    with worker_threads(num_workers) as threads:
        for row, reason in enumerate(map_ahead(threads, look, items, _LOOKS_AHEAD)):
            if reason is not None:
                reasons[row] = reason
            if on_done is not None:
                on_done(1)
    return reasons


def choose_batch_size(encoder, batch_size):
    """Return the pictures to encode at once: for "auto" 16 on a CPU, whose caches hold no more."""
    if batch_size != "auto":
        return batch_size
    return 16 if str(encoder.device) == "cpu" else 128


def is_worth_compiling(encoder, n_items):
    """Tell whether ``compile="auto"`` compiles."""
    return str(encoder.device).startswith("cuda") and n_items >= _PICTURES_WORTH_COMPILING


class StoredEncoding:
    """The encoding of one list of pictures."""

    def __init__(
        self,
        encoder,
        pictures,
        store,
        *,
        batch_size="auto",
        num_workers=None,
        max_pixels=MAX_PIXELS,
        trust_unchanged=True,
    ):
        self.encoder = encoder
        self.pictures = pictures
        self.features = np.full((len(pictures), encoder.n_features), np.nan, dtype=np.float32)
        self.reasons = {}
        self.missing = []
        self._store = store
        self._batch_size = choose_batch_size(encoder, batch_size)
        self._num_workers = num_workers
        self._max_pixels = max_pixels
        self._trust_unchanged = trust_unchanged
        self._same_as = {}  # row -> another row with the same picture
        self._digests = {}  # missing row -> hash of its content, once it is known
        self._states = {}  # missing row -> the state of its file before it was read
        self._first = {}  # hash -> the row that stands for all with this content
        self._claimed = set()
        self._lock = threading.Lock()
        self._impatient = False

    def look_up(self):
        """Fill in what is in the store, without reading unchanged files; return how many rows."""
        starts = range(0, len(self.pictures), _ROWS_LOOKED_UP_AT_ONCE)
        with worker_threads(self._num_workers) as threads:
            for missing in map_ahead(threads, self._look_up_some, starts, _LOOK_UPS_AHEAD):
                self.missing += missing
        return len(self.pictures) - len(self.missing)

    def encode(self, on_done, on_batch=None):
        """Encode the missing rows, and keep every batch as soon as it is done.

        `on_done` is called with the number of rows settled since the last time, `on_batch` after
        each batch that went through the encoder.
        """
        todo, waiting_since = self.missing, None
        while todo:
            elsewhere = []
            try:
                self._encode_some(todo, elsewhere, on_done, on_batch)
            finally:
                if self._claimed:
                    self._store.release(list(self._claimed))
                    self._claimed.clear()
            now = time.monotonic()
            if len(elsewhere) < len(todo) or waiting_since is None:
                waiting_since = now
            self._impatient = now - waiting_since > _SECONDS_OF_PATIENCE
            todo = elsewhere
            if todo:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        for row, first in self._same_as.items():
            self.features[row] = self.features[first]
            if first in self.reasons:
                self.reasons[row] = self.reasons[first]
        on_done(len(self._same_as))

    def _encode_some(self, todo, elsewhere, on_done, on_batch):
        """Encode rows in full batches; add to `elsewhere` those that another worker encodes."""
        batch_size, n_in_flight = self._batch_size, self.encoder.n_in_flight
        in_flight, shape = deque(), None
        rows, views, others = [], [], []
        with worker_threads(self._num_workers) as threads:
            n_ahead = _BATCHES_AHEAD * batch_size + how_many(self._num_workers)
            prepared = map_ahead(threads, self._prepare, todo, n_ahead)
            for n_taken, (row, result) in enumerate(zip(todo, prepared, strict=True), 1):
                if isinstance(result, np.ndarray):
                    shape = shape or result.shape
                    if result.shape != shape:
                        result = f"was prepared with shape {result.shape}, others with {shape}"
                if isinstance(result, np.ndarray):
                    rows.append(row)
                    views.append(result)
                else:
                    others.append((row, result))
                is_last = n_taken == len(todo)
                if is_last or batch_size in (len(rows), len(others)):
                    in_flight.append((rows, self.encoder.encode_list(views), others))
                    rows, views, others = [], [], []
                while in_flight and (is_last or len(in_flight) >= n_in_flight):
                    self._keep(*in_flight.popleft(), elsewhere, on_done, on_batch)

    # Looking up ----------------------------------------------------------------------------------

    def _look_up_some(self, start):
        """Fill in some rows; return the others."""
        rows = range(start, min(start + _ROWS_LOOKED_UP_AT_ONCE, len(self.pictures)))
        digests, states = {}, {}
        for row in rows:
            picture = self.pictures[row]
            try:
                if picture.in_memory:
                    digests[row] = self._digests[row] = picture.key(self._max_pixels)
                elif self._trust_unchanged and (state := picture.file_state()) is not None:
                    states[row] = state
            except Exception:
                pass  # reading it will tell why
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
        """Return the views of a picture, or what makes them needless; whatever it raises, too."""
        try:
            is_known = row in self._digests
            needless = self._claim(row, self._digests[row]) if is_known else None
            if needless is not None:
                return needless
            with self._loaded(row, is_known) as picture:
                needless = None if is_known else self._claim(row, self._digests[row])
                if needless is not None:
                    return needless
                return picture.views(self.encoder, self._max_pixels)
        except Exception as error:
            return reason_of(error)

    @contextmanager
    def _loaded(self, row, is_known):
        """Yield a picture with its content and memory for its pixels, and note its digest."""
        picture = self.pictures[row]
        if is_known and picture.in_memory:
            with picture.reserving(self._max_pixels):
                yield picture
            return
        # The state first: a change during the reading must not pass for the new content.
        state = picture.file_state()
        with picture.loading(self._max_pixels) as picture:
            digest = picture.key(self._max_pixels)
            if self._digests.setdefault(row, digest) != digest:
                raise ImageReadError("the file changed while it was being read: try again")
            if state is not None and state.is_settled():
                self._states[row] = state
            yield picture

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

    def _keep(self, rows, parts, others, elsewhere, on_done, on_batch):
        """Note what became of a batch, and of rows that needed no encoding; store it."""
        kept, files, n_open = {}, {}, 0
        for row, result in others:
            if result is _ELSEWHERE:
                elsewhere.append(row)
                n_open += 1
                continue
            if isinstance(result, _Found):
                self.features[row] = result.features
            elif isinstance(result, _SameAs):
                self._same_as[row] = result.row
                n_open += 1
            else:
                self.reasons[row] = result
            self._note_file(row, files)
        encoded = (features for part in parts for features in part.cpu().numpy())  # may wait
        for row, features in zip(rows, encoded, strict=True):
            if np.isfinite(features).all():
                self.features[row] = features
                if row in self._digests:
                    kept[self._digests[row]] = features
            else:
                self.reasons[row] = (
                    f"the encoder {self.encoder.name} returned values that are not finite; "
                    'with bf16 or fp16, try precision="fp32"'
                )
            self._note_file(row, files)
        claimed = self._claimed.intersection(kept)
        if self._store.keep(kept, files, claimed):
            for digest in kept:  # from now on others with this content find it in the store
                self._first.pop(digest)
        self._claimed -= claimed
        on_done(len(rows) + len(others) - n_open)
        if rows and on_batch is not None:
            on_batch()

    def _note_file(self, row, files):
        digest, state = self._digests.pop(row, None), self._states.pop(row, None)
        if state is not None:
            files[state.path_key] = (state.stamp, digest)


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
