"""Rows of embeddings: read a block at a time, told apart by their content."""

import mmap
from hashlib import blake2b

import numpy as np

from ..images.inputs import as_pictures, is_one_picture
from ..images.picture import as_picture

# Rows read at once: some 20 MB of the widest embeddings.
BLOCK_ROWS = 4096
_ROWS_BETWEEN_RELEASES = 256


class UnitRows:
    """Rows scaled to unit length as they are read, so that a map may be larger than the memory."""

    def __init__(self, X):
        self._X = X
        self.shape = X.shape
        self.dtype = X.dtype

    def __getitem__(self, rows):
        return unit_length(take_rows(self._X, rows))


def unit_length(block):
    """Scale rows to unit length, in place."""
    # By the largest value first: squares of extreme ones are infinite, or nothing.
    largest = np.abs(block).max(axis=1, keepdims=True, initial=0)
    block /= np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(block.astype(np.float64), axis=1, keepdims=True)
    block /= np.where(lengths > 0, lengths, 1)
    return block


def take_rows(X, rows):
    """Copy some rows of a matrix, holding little of a memory map on the way."""
    taken = np.empty((len(rows), X.shape[1]), dtype=X.dtype)
    # A row of a map may bring megabytes around it along, so these go back every few rows.
    for start in range(0, len(rows), _ROWS_BETWEEN_RELEASES):
        some = slice(start, start + _ROWS_BETWEEN_RELEASES)
        taken[some] = X[rows[some]]
        release_pages(X)
    return taken


def release_pages(X):
    """Hand back the pages of a memory map that were read; they count as this process's memory."""
    # Not those of a copy-on-write map, whose changes would be lost.
    if getattr(X, "mode", None) in ("r", "r+") and hasattr(mmap, "MADV_DONTNEED"):
        X._mmap.madvise(mmap.MADV_DONTNEED)


def rows_not_finite(X):
    """Find the rows that hold NaN or infinity."""
    bad = []
    for start in range(0, len(X), BLOCK_ROWS):
        finite = np.isfinite(X[start : start + BLOCK_ROWS]).all(axis=1)
        bad.append(start + np.flatnonzero(~finite))
        release_pages(X)
    return np.concatenate(bad)


def content_order(items, seed):
    """An order that looks random, and follows from what the items hold, not where they stand."""
    # So what is drawn, how ties are broken and how sums are rounded do not depend on that either.
    digests = np.empty(len(items), dtype=np.uint64)
    for start in range(0, len(items), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        digests[block] = content_digests(items[block], seed)
        release_pages(items)
    return np.argsort(digests, kind="stable")


def content_digests(items, seed):
    """Return the numbers that make up `content_order`."""
    key = int(seed).to_bytes(8, "little")
    digests = [blake2b(_as_bytes(item), digest_size=8, key=key).digest() for item in items]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _as_bytes(item):
    if isinstance(item, np.ndarray):  # a row of embeddings: there may be millions
        return np.ascontiguousarray(item).data
    return as_picture(item).given_bytes()


_MOST_NAMED = 20


def content_of(X):
    """Return what tells the rows apart: the pictures, where X holds any."""
    # Embeddings may differ in the last bit from run to run.
    try:
        return as_pictures(X)
    except (TypeError, ValueError):
        return np.asarray(X)


def refuse_pictures(X):
    """Raise a ValueError where X holds pictures, and embeddings are needed."""
    one_column = getattr(X, "ndim", 1) == 1 and not hasattr(X, "columns")
    first = next(iter(X), None) if one_column else None
    if is_one_picture(first):
        raise ValueError(
            f"X holds pictures ({as_picture(first).name}, ...), and embeddings are needed: give "
            "GeneratorCurator an encoder, such as encoder=FrozenEncoderTransformer(), or put one "
            "before it"
        )


def refuse_bad_rows(embeddings, content):
    """Raise a ValueError that names the rows that hold NaN or infinity, where there are any."""
    bad = rows_not_finite(embeddings)
    if not len(bad):
        return
    named = [
        f"row {row}" if content is embeddings else f"row {row}: {as_picture(content[row]).name}"
        for row in bad[:_MOST_NAMED]
    ]
    if len(bad) > _MOST_NAMED:
        named.append(f"and {len(bad) - _MOST_NAMED} more")
    raise ValueError(
        f"{len(bad)} of {len(embeddings)} rows of embeddings hold NaN or infinity: leave them out, "
        f"in y and the other columns as well.\n  " + "\n  ".join(named)
    )
