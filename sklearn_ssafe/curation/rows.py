"""Rows of embeddings: read a block at a time, told apart by their content."""

import mmap
from hashlib import blake2b

import numpy as np

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
        block = take_rows(self._X, rows)
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
    key = int(seed).to_bytes(8, "little")
    digests = np.empty(len(items), dtype=np.uint64)
    for start in range(0, len(items), BLOCK_ROWS):
        for position, item in enumerate(items[start : start + BLOCK_ROWS], start):
            digest = blake2b(_as_bytes(item), digest_size=8, key=key).digest()
            digests[position] = int.from_bytes(digest, "little")
        release_pages(items)
    return np.argsort(digests, kind="stable")


def _as_bytes(item):
    if isinstance(item, np.ndarray):  # a row of embeddings: there may be millions
        return np.ascontiguousarray(item).data
    return as_picture(item).given_bytes()
