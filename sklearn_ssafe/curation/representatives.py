"""Which pictures stand for a generator, or for a source of real pictures."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from .farthest_point import farthest_points


def choose_representatives(X, rows, n_chosen, *, selection="random", seed=0):
    """Choose rows of one group.

    Parameters
    ----------
    X : ndarray, memmap or UnitRows, shape (n_samples, n_features)
        Embeddings.
    rows : ndarray of int, shape (n_rows,)
        Row numbers of the group, in `content_order`.
    n_chosen : int
        How many, at most n_rows.
    selection : {"random", "k_means", "k_centre"}, default="random"
        The first in that order, which is a random one; the rows nearest to the centres of
        `n_chosen` k-means clusters; or farthest-point sampling, from the row nearest to the mean
        on.
    seed : int, default=0
        Of k-means' first centres.

    Returns
    -------
    chosen : ndarray of int, shape (n_chosen,)
        Different row numbers.
    """
    if selection == "random" or n_chosen in (0, len(rows)):
        return rows[:n_chosen]
    choose = {"k_means": _prototypes, "k_centre": _centres}[selection]
    return rows[choose(X[rows], n_chosen, seed)]


def _prototypes(block, n_chosen, seed):
    k_means = KMeans(n_chosen, n_init=1, random_state=seed)
    # One thread: several add up in whichever order they finish, and so end up elsewhere.
    with threadpool_limits(1, user_api="openmp"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        to_centres = k_means.fit_transform(block)
    own = to_centres[np.arange(len(block)), k_means.labels_]
    by_distance = np.argsort(own, kind="stable")
    _, first = np.unique(k_means.labels_[by_distance], return_index=True)
    chosen = by_distance[first]
    others = np.setdiff1d(np.arange(len(block)), chosen)
    return np.concatenate([chosen, others[: n_chosen - len(chosen)]])


def _centres(block, n_chosen, seed):
    norms = np.einsum("ij,ij->i", block, block)
    mean = block.mean(axis=0, dtype=np.float64).astype(block.dtype)
    first = int(np.argmin(norms - 2 * (block @ mean)))
    return farthest_points(
        lambda row: norms + norms[row] - 2 * (block @ block[row]), first, n_chosen
    )
