"""Greedy farthest-point sampling."""

import numpy as np


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
