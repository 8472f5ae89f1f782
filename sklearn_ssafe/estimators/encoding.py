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
                features = _encode(encoder, np.stack(views)) if views else ()
                yield list(zip(batch, features, strict=True)), others
                batch, views, others = [], [], []


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
        For "auto", 32 on a CPU (where more gains nothing) and 128 on a GPU.
    """
    if batch_size != "auto":
        return batch_size
    return 32 if str(encoder.device) == "cpu" else 128


def _encode(encoder, views):
    """Encode one batch, in halves where the device has too little memory for the whole."""
    import torch

    out_of_memory = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)
    try:
        return encoder.encode(torch.from_numpy(views)).numpy()
    except out_of_memory as error:
        if len(views) == 1:
            raise MemoryError(
                f"{encoder.device} has too little free memory to encode even one picture with "
                f'{encoder.name}: free some, take a smaller encoder, or device="cpu"'
            ) from error
    if str(encoder.device).startswith("cuda"):
        torch.cuda.empty_cache()
    half = len(views) // 2
    return np.concatenate([_encode(encoder, views[:half]), _encode(encoder, views[half:])])


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
