"""Rows of embeddings: read a block at a time, told apart by their content."""

import mmap
from hashlib import blake2b

import numpy as np

from ..images.picture import as_picture

# Rows read at once: some 20 MB of the widest embeddings.
BLOCK_ROWS = 4096
_ROWS_BETWEEN_RELEASES = 256


class UnitRows:
    """The rows of a matrix, scaled to unit Euclidean length as they are read.

    Nothing is held, so that a memory map may be larger than the memory.

    Parameters
    ----------
    X : ndarray or memmap of float, shape (n_samples, n_features)
        Embeddings. A row of zeros stays so.
    """

    def __init__(self, X):
        self._X = X
        self.shape = X.shape
        self.dtype = X.dtype

    def __getitem__(self, rows):
        block = take_rows(self._X, rows)
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        block /= np.maximum(lengths, np.finfo(block.dtype).tiny)
        return block


def take_rows(X, rows):
    """Copy some rows of a matrix, holding little of a memory map on the way.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_samples, n_features)
        The matrix.
    rows : ndarray of int, shape (n_taken,)
        Row numbers.

    Returns
    -------
    taken : ndarray of shape (n_taken, n_features)
        In memory.
    """
    taken = np.empty((len(rows), X.shape[1]), dtype=X.dtype)
    # A row of a map may bring megabytes around it along, so these go back every few rows.
    for start in range(0, len(rows), _ROWS_BETWEEN_RELEASES):
        some = slice(start, start + _ROWS_BETWEEN_RELEASES)
        taken[some] = X[rows[some]]
        release_pages(X)
    return taken


def release_pages(X):
    """Hand back the pages of a memory map that were read.

    The system would do so when memory runs short; until then they count as this process's memory.

    Parameters
    ----------
    X : ndarray or memmap
        An array in memory is left alone, and so is a copy-on-write map, whose changes would be
        lost.
    """
    if getattr(X, "mode", None) in ("r", "r+") and hasattr(mmap, "MADV_DONTNEED"):
        X._mmap.madvise(mmap.MADV_DONTNEED)


def rows_not_finite(X):
    """Find the rows that hold NaN or infinity.

    Parameters
    ----------
    X : ndarray or memmap of float, shape (n_samples, n_features)
        Embeddings.

    Returns
    -------
    rows : ndarray of int, shape (n_bad,)
        Row numbers from 0, in order.
    """
    bad = []
    for start in range(0, len(X), BLOCK_ROWS):
        finite = np.isfinite(X[start : start + BLOCK_ROWS]).all(axis=1)
        bad.append(start + np.flatnonzero(~finite))
        release_pages(X)
    return np.concatenate(bad)


def content_order(items, seed):
    """Put items into an order that looks random and depends on what they hold alone.

    Whatever follows this order does not depend on the order of the rows: neither what is drawn,
    nor how ties are broken, nor in which order numbers are added.

    Parameters
    ----------
    items : ndarray or memmap of shape (n_samples, n_features), or list
        Rows; or pictures, as paths, ``bytes``, PIL images or arrays.
    seed : int
        From 0 to 2**32 - 1; another one gives another order.

    Returns
    -------
    order : ndarray of int, shape (n_samples,)
        Positions in `items`. Equal items stand in the order they came in.

    Examples
    --------
    >>> letters = ["a", "b", "c", "d"]
    >>> again = ["d", "c", "b", "a"]
    >>> first = [letters[i] for i in content_order(letters, seed=0)]
    >>> first == [again[i] for i in content_order(again, seed=0)]
    True
    """
    key = int(seed).to_bytes(8, "little")
    digests = np.empty(len(items), dtype=np.uint64)
    for start in range(0, len(items), BLOCK_ROWS):
        for position, item in enumerate(items[start : start + BLOCK_ROWS], start):
            digest = blake2b(as_picture(item).given_bytes(), digest_size=8, key=key).digest()
            digests[position] = int.from_bytes(digest, "little")
        release_pages(items)
    return np.argsort(digests, kind="stable")
