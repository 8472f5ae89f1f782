"""Which generators are alike, and which are chosen: linkage, clusters, farthest points."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ..public import public


@public("sklearn_ssafe.curation")
def share_out(total, available, weights=None):
    """Share out `total` as evenly as can be, giving no group more than it has.

    What a small group cannot fill goes to the others. Fractions go to the largest remainders, of
    equal ones to the group that comes first.

    Parameters
    ----------
    total : int
        How many to share out.
    available : sequence of int, length n_groups
        How many each group has.
    weights : sequence of float, length n_groups, or None, default=None
        Shares are in proportion to these where groups have enough; None means equal shares.

    Returns
    -------
    shares : ndarray of int, shape (n_groups,)
        They add up to `total`, or to all there is if that is less.

    Examples
    --------
    >>> from sklearn_ssafe.curation import share_out
    >>> share_out(100, [500, 500, 20])
    array([40, 40, 20])
    >>> share_out(100, [300, 100, 100], weights=[300, 100, 100])
    array([60, 20, 20])
    """
    available = np.asarray(available, dtype=np.int64)
    weights = np.ones(len(available)) if weights is None else np.asarray(weights, dtype=float)
    shares = np.zeros(len(available), dtype=np.int64)
    unfilled = available > 0
    left = min(total, int(available.sum()))
    while left:
        ideal = np.where(unfilled, left * weights / weights[unfilled].sum(), 0.0)
        full = unfilled & (ideal >= available)
        if not full.any():
            shares[unfilled] = np.floor(ideal[unfilled])
            remainder = np.where(unfilled, ideal - np.floor(ideal), -1.0)
            # Rounded, so that equal weights are equal whatever the arithmetic left of them.
            by_remainder = np.argsort(-remainder.round(9), kind="stable")
            shares[by_remainder[: left - shares[unfilled].sum()]] += 1
            break
        shares[full] = available[full]
        unfilled &= ~full
        left -= int(available[full].sum())
    return shares


@public("sklearn_ssafe.curation")
def farthest_points(distances_from, first, n_points):
    """Choose points one by one, each as far as can be from those already chosen.

    The greedy 2-approximation of the k-centre problem [1]_.

    Parameters
    ----------
    distances_from : callable
        Maps the number of a point to its distances from all points, shape (n_all,). For a matrix
        of distances, its ``__getitem__``.
    first : int
        The point to begin with.
    n_points : int
        How many to choose, at most all.

    Returns
    -------
    chosen : ndarray of int, shape (n_points,)
        Numbers of points, in the order of choice. Of points equally far, the one with the smallest
        number is taken.

    References
    ----------
    .. [1] T. Gonzalez, "Clustering to minimize the maximum intercluster distance", Theoretical
       Computer Science 38 (1985).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe.curation import farthest_points
    >>> places = np.array([0.0, 1.0, 5.0, 10.0])
    >>> farthest_points(lambda point: abs(places - places[point]), first=0, n_points=3)
    array([0, 3, 2])
    """
    chosen = [first]
    nearest = np.array(distances_from(first), dtype=np.float64)
    while len(chosen) < n_points:
        nearest[chosen[-1]] = -np.inf
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, distances_from(chosen[-1]))
    return np.array(chosen)


def average_linkage(distances):
    """Cluster by SciPy's average linkage."""
    if len(distances) == 1:
        return np.empty((0, 4))
    return linkage(squareform(distances), method="average")


def cut(tree, n_clusters):
    """Cut a tree into at most so many clusters, numbered from 1 in order of first appearance."""
    if len(tree) == 0:
        return np.ones(1, dtype=int)
    labels = fcluster(tree, n_clusters, criterion="maxclust")
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number] + 1


def choose(distances, clusters, n_chosen, *, sampling="across", start="medoid", seed=0):
    """Return the numbers of generators that represent all of them, in the order of choice."""
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
