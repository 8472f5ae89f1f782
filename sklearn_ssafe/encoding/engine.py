"""Look up, read, encode, keep: from a list of pictures to rows, each picture once."""

import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from joblib import cpu_count

from ..images.reading import ImageReadError
from ..images.threads import map_ahead, reading_threads

# Pictures waiting, decoded, for the encoder: enough to bridge one slow file, small enough that
# memory stays flat however long the run.
_BATCHES_AHEAD = 2
# From here on a GPU is given a compiled tower, which takes a minute or so to make. Never a CPU:
# there, eager bf16 comes as near to the rate of a matrix product as compiled.
_PICTURES_WORTH_COMPILING = 50_000
# Headers looked at ahead: they hold no pixels.
_LOOKS_AHEAD = 256


def find_unreadable(pictures, *, num_workers=None, decode=False, on_done=None):
    """Look at every picture without encoding any.

    Parameters
    ----------
    pictures : list of Picture
    num_workers : int or None, default=None
        Reading threads; None takes one for each core, 8 at most.
    decode : bool, default=False
        Whether to decode each picture, which also finds files that break off in the middle. Without
        it only the headers are read.
    on_done : callable or None, default=None
        Called with 1 after every picture.

    Returns
    -------
    reasons : dict of int to str
        Row number to reason, for the bad pictures.
    """

    def look(picture):
        try:
            picture.read() if decode else picture.check()
        except ImageReadError as error:
            return str(error)
        return None

    reasons = {}
    with reading_threads(num_workers) as threads:
        for row, reason in enumerate(map_ahead(threads, look, pictures, _LOOKS_AHEAD)):
            if reason is not None:
                reasons[row] = reason
            if on_done is not None:
                on_done(1)
    return reasons


def encode_batches(encoder, items, prepare, *, batch_size="auto", num_workers=None):
    """Prepare pictures in threads and encode them in full batches.

    Parameters
    ----------
    encoder : Encoder
        What turns pictures into features.
    items : list
        What `prepare` takes.
    prepare : callable
        Turns an item into the views that ``encoder.encode`` takes, or into anything else for an
        item that is not to be encoded. Called in threads.
    batch_size : int or "auto", default="auto"
        Pictures encoded at once. It changes speed and memory, not the features.
    num_workers : int or None, default=None
        Reading threads; None takes one for each core, 8 at most.

    Yields
    ------
    encoded : list of (object, ndarray of float32, shape (n_features,))
        Items that were encoded, each with its features.
    others : list of (object, object)
        Items that were not, each with what `prepare` returned, or with the reason as a str.
    """
    batch_size = choose_batch_size(encoder, batch_size)
    batches, in_flight = _Batches(encoder), deque()
    shape = None
    with reading_threads(num_workers) as threads:
        prepared = map_ahead(threads, prepare, items, _BATCHES_AHEAD * batch_size)
        batch, views, others = [], [], []
        for n_taken, (item, result) in enumerate(zip(items, prepared, strict=True), 1):
            if isinstance(result, np.ndarray):
                shape = shape or result.shape
                if result.shape != shape:
                    result = f"was prepared with shape {result.shape}, others with {shape}"
            if isinstance(result, np.ndarray):
                batch.append(item)
                views.append(result)
            else:
                others.append((item, result))
            if batch_size in (len(batch), len(others)) or n_taken == len(items):
                in_flight.append((batch, batches.encode(views), others))
                batch, views, others = [], [], []
            if len(in_flight) == encoder.n_in_flight:
                yield _finished(*in_flight.popleft())
        while in_flight:
            yield _finished(*in_flight.popleft())


def _finished(batch, parts, others):
    features = [row for part in parts for row in part.cpu().numpy()]  # waits for the device
    return list(zip(batch, features, strict=True)), others


def choose_batch_size(encoder, batch_size):
    """Return the number of pictures to encode at once.

    Parameters
    ----------
    encoder : Encoder
        Whose device decides.
    batch_size : int or "auto"
        What the user asked for.

    Returns
    -------
    batch_size : int
        For "auto", 16 on a CPU (whose caches do not hold more) and 128 on a GPU.
    """
    if batch_size != "auto":
        return batch_size
    return 16 if str(encoder.device) == "cpu" else 128


def is_worth_compiling(encoder, n_items):
    """Tell whether ``compile="auto"`` compiles.

    Parameters
    ----------
    encoder : Encoder
    n_items : int
        How many pictures are to be encoded.

    Returns
    -------
    compiles : bool
    """
    return str(encoder.device).startswith("cuda") and n_items >= _PICTURES_WORTH_COMPILING


class _Batches:
    """Give batches to an encoder, in smaller parts once its device has had too little memory."""

    def __init__(self, encoder):
        self._encoder = encoder
        self._most = None

    def encode(self, views):
        """Return the features of a list of views, as a list of tensors on the device."""
        parts, start = [], 0
        while start < len(views):
            some = views[start : start + (self._most or len(views))]
            features = self._try(some)
            if features is not None:
                parts.append(features)
                start += len(some)
        return parts

    def _try(self, views):
        """Return features, or None after halving what is tried at once."""
        import torch

        from ..encoders.precision import OutOfDeviceMemory

        on_cuda = str(self._encoder.device).startswith("cuda")
        first = torch.from_numpy(views[0])
        try:
            # Pages that cannot be moved, so that the device can fetch them while it computes.
            stacked = torch.empty(len(views), *first.shape, dtype=first.dtype, pin_memory=on_cuda)
            np.stack(views, out=stacked.numpy())
            return self._encoder.encode(stacked)
        except OutOfDeviceMemory as error:
            if len(views) == 1:
                raise MemoryError(
                    f"{self._encoder.device} has too little free memory to encode even one picture "
                    f'with {self._encoder.name}: free some, take a smaller encoder, or device="cpu"'
                ) from error
        self._most = len(views) // 2
        if on_cuda:
            torch.cuda.empty_cache()
        return None


_ROWS_LOOKED_UP_AT_ONCE = 256
_SECONDS_BETWEEN_LOOKS = 0.05
# Longer than any batch takes. Then the other worker is taken to hang.
_SECONDS_OF_PATIENCE = 900


class StoredEncoding:
    """The encoding of one list of pictures.

    Parameters
    ----------
    encoder : Encoder
    pictures : list of Picture
    store : CarefulStore
    batch_size : int or "auto", default="auto"
        Pictures encoded at once.
    num_workers : int or None, default=None
        Reading threads.
    trust_unchanged : bool, default=True
        Whether a file of the same path, size and time of modification is not read again.

    Attributes
    ----------
    features : ndarray of float32, shape (n_pictures, n_features)
        Rows in the order of `pictures`; NaN where there is none, or none yet.
    reasons : dict of int to str
        Row number to reason, for the pictures that could not be encoded.
    missing : list of int
        After `look_up`: the rows that are to be encoded, or at least to be read.
    """

    def __init__(
        self, encoder, pictures, store, *, batch_size="auto", num_workers=None, trust_unchanged=True
    ):
        self.encoder = encoder
        self.pictures = pictures
        self.features = np.full((len(pictures), encoder.n_features), np.nan, dtype=np.float32)
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
        starts = range(0, len(self.pictures), _ROWS_LOOKED_UP_AT_ONCE)
        n_threads = self._num_workers if self._num_workers is not None else min(8, cpu_count())
        with ThreadPoolExecutor(n_threads) as threads:
            for missing in threads.map(self._look_up_some, starts):
                self.missing += missing
        self._store.report_damage()
        return len(self.pictures) - len(self.missing)

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
        rows = range(start, min(start + _ROWS_LOOKED_UP_AT_ONCE, len(self.pictures)))
        digests, states = {}, {}
        for row in rows:
            picture = self.pictures[row]
            if picture.in_memory:
                try:
                    digests[row] = self._digests[row] = picture.digest()
                except ImageReadError:
                    pass  # reading it will tell why
            elif self._trust_unchanged and (state := picture.file_state()) is not None:
                states[row] = state
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
            picture = self.pictures[row]
            if row not in self._digests:
                picture = self._read(row)
            needless = self._claim(row, self._digests[row])
            if needless is not None:
                return needless
            if not picture.in_memory:
                picture = self._read(row)
            pixels = picture.read()
        except ImageReadError as error:
            return str(error)
        try:
            return self.encoder.prepare(pixels)
        except Exception as error:  # a user's own preprocessing may raise anything
            name = self.encoder.name
            return f"could not be prepared for {name}: {type(error).__name__}: {error}"

    def _read(self, row):
        """Return a picture with its content in memory, and note its digest."""
        # The state first: a change during the reading must not pass for the new content.
        state = self.pictures[row].file_state()
        picture = self.pictures[row].loaded()
        digest = picture.digest()
        if self._digests.setdefault(row, digest) != digest:
            raise ImageReadError("the file changed while it was being read: try again")
        if state is not None and state.is_settled():
            self._states[row] = state
        return picture

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
