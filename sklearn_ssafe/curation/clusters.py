"""Average-linkage clusters of generators, and the choice among them."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from .farthest_point import farthest_points
from .quotas import share_out


def average_linkage(distances):
    """Cluster by SciPy's average linkage.

    Parameters
    ----------
    distances : ndarray of shape (n, n)
        Symmetric, zero on the diagonal.

    Returns
    -------
    tree : ndarray of shape (n - 1, 4)
        As `scipy.cluster.hierarchy.linkage` returns it.
    """
    if len(distances) == 1:
        return np.empty((0, 4))
    return linkage(squareform(distances), method="average")


def cut(tree, n_clusters):
    """Cut a tree into at most so many clusters.

    Parameters
    ----------
    tree : ndarray of shape (n - 1, 4)
        From `average_linkage`.
    n_clusters : int
        Fewer come out only where merges are tied.

    Returns
    -------
    clusters : ndarray of int, shape (n,)
        Numbers from 1, in order of first appearance.
    """
    if len(tree) == 0:
        return np.ones(1, dtype=int)
    labels = fcluster(tree, n_clusters, criterion="maxclust")
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number] + 1


def choose(distances, clusters, n_chosen, *, sampling="across", start="medoid", seed=0):
    """Choose generators that represent all of them.

    Parameters
    ----------
    distances : ndarray of shape (n, n)
        Symmetric, zero on the diagonal.
    clusters : ndarray of int, shape (n,)
        From `cut`.
    n_chosen : int
        How many, at most n.
    sampling : {"across", "within"}, default="across"
        Farthest-point sampling over all of them, or in each cluster by itself. In the second case
        each cluster gives as many as the next, as far as it has them; fractions go to the larger.
    start : {"medoid", "farthest", "random"}, default="medoid"
        The first to be chosen: smallest or largest sum of distances, or drawn.
    seed : int, default=0
        Of that draw.

    Returns
    -------
    chosen : ndarray of int, shape (n_chosen,)
        Numbers of generators, in the order of choice. Ties go to the smaller number.
    """
    rng = np.random.default_rng(seed)
    if sampling == "across":
        return _spread(distances, n_chosen, start, rng)
    members = [np.flatnonzero(clusters == number) for number in np.unique(clusters)]
    members.sort(key=len, reverse=True)
    shares = share_out(n_chosen, [len(inside) for inside in members])
    return np.concatenate(
        [
            inside[_spread(distances[np.ix_(inside, inside)], share, start, rng)]
            for inside, share in zip(members, shares, strict=True)
            if share
        ]
    )


def _spread(distances, n_chosen, start, rng):
    if start == "random":
        first = int(rng.integers(len(distances)))
    else:
        sums = distances.sum(axis=1)
        first = int(np.argmin(sums) if start == "medoid" else np.argmax(sums))
    return farthest_points(distances.__getitem__, first, n_chosen)
