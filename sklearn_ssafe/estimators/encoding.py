"""The loop that brings pictures through an encoder: read in threads, encode in batches."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

import numpy as np
from joblib import cpu_count

from ..images.reading import ImageReadError, check_image, read_image

# Pictures waiting, decoded, for the encoder: enough to bridge one slow file, small enough that
# memory stays flat however long the run.
_BATCHES_AHEAD = 2
# From here on a GPU is given a compiled tower, which takes a minute or so to make. Never a CPU:
# there, eager bf16 comes as near to the rate of a matrix product as compiled.
_PICTURES_WORTH_COMPILING = 50_000
# Headers looked at ahead: they hold no pixels.
_LOOKS_AHEAD = 256


def find_unreadable(items, *, num_workers=None, decode=False, on_done=None):
    """Look at every picture without encoding any.

    Parameters
    ----------
    items : list
        Pictures, as `as_image_list` returns them.
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

    def look(item):
        try:
            (read_image if decode else check_image)(item)
        except ImageReadError as error:
            return str(error)
        return None

    reasons = {}
    with _reading_threads(num_workers) as threads:
        for row, reason in enumerate(_map_ahead(threads, look, items, _LOOKS_AHEAD)):
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
    with _reading_threads(num_workers) as threads:
        prepared = _map_ahead(threads, prepare, items, _BATCHES_AHEAD * batch_size)
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


@contextmanager
def _reading_threads(num_workers):
    """Reading threads that on Ctrl-C leave at once, with none behind."""
    n_threads = num_workers if num_workers is not None else min(8, cpu_count())
    threads = ThreadPoolExecutor(n_threads, thread_name_prefix="ssafe-read")
    try:
        yield threads
    finally:
        threads.shutdown(wait=True, cancel_futures=True)


def _map_ahead(threads, function, items, n_ahead):
    """Yield ``function(item)`` in order, with at most `n_ahead` results waiting."""
    waiting = deque()
    remaining = iter(items)
    for item in islice(remaining, n_ahead):
        waiting.append(threads.submit(function, item))
    while waiting:
        result = waiting.popleft().result()
        for item in islice(remaining, 1):
            waiting.append(threads.submit(function, item))
        yield result
