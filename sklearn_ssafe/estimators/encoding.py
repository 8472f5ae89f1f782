"""The loop that brings pictures through an encoder: read in threads, encode in batches."""

from itertools import islice

import numpy as np

from ..images.in_threads import map_ahead, reading_threads
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
    with reading_threads(num_workers) as threads:
        for row, reason in enumerate(map_ahead(threads, look, items, _LOOKS_AHEAD)):
            if reason is not None:
                reasons[row] = reason
            if on_done is not None:
                on_done(1)
    return reasons


def encode_images(encoder, items, *, batch_size="auto", num_workers=None, on_batch=None):
    """Encode pictures, in order, losing none.

    Parameters
    ----------
    encoder : Encoder
        What turns pictures into features.
    items : list
        Pictures, as `as_image_list` returns them.
    batch_size : int or "auto", default="auto"
        Pictures encoded at once. It changes speed and memory, not the features.
    num_workers : int or None, default=None
        Reading threads; None takes one for each core, 8 at most.
    on_batch : callable or None, default=None
        Called with the number of pictures just done, after every batch.

    Returns
    -------
    features : ndarray of float32, shape (n_items, n_features)
        Rows in the order of `items`; NaN where a picture could not be encoded.
    reasons : dict of int to str
        Row number to reason, for the pictures that could not be encoded.
    """
    batch_size = choose_batch_size(encoder, batch_size)
    features = np.full((len(items), encoder.n_features), np.nan, dtype=np.float32)
    reasons = {}

    def prepare(item):
        try:
            return encoder.prepare(read_image(item))
        except ImageReadError as error:
            return str(error)
        except Exception as error:  # a user's own preprocessing may raise anything
            return f"could not be prepared for {encoder.name}: {type(error).__name__}: {error}"

    shape = None
    with reading_threads(num_workers) as threads:
        prepared = map_ahead(threads, prepare, items, _BATCHES_AHEAD * batch_size)
        for start in range(0, len(items), batch_size):
            rows, views = [], []
            for row, result in enumerate(islice(prepared, batch_size), start):
                if isinstance(result, str):
                    reasons[row] = result
                    continue
                shape = shape or result.shape
                if result.shape != shape:
                    reasons[row] = f"was prepared with shape {result.shape}, others with {shape}"
                else:
                    rows.append(row)
                    views.append(result)
            if rows:
                encoded = _encode(encoder, np.stack(views))
                for row, values in zip(rows, encoded, strict=True):
                    if np.isfinite(values).all():
                        features[row] = values
                    else:
                        reasons[row] = (
                            f"the encoder {encoder.name} returned values that are not finite; "
                            'with bf16 or fp16, try precision="fp32"'
                        )
            if on_batch is not None:
                on_batch(min(batch_size, len(items) - start))
    return features, reasons


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
