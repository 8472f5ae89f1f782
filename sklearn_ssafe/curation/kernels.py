"""Kernels between blocks of embeddings, and the bandwidth of the Gaussian one."""

from functools import partial

import numpy as np
from sklearn.metrics import euclidean_distances


def make_kernel(name, *, bandwidth=None, degree=3):
    """Return a kernel as a function of two blocks of rows.

    Parameters
    ----------
    name : {"rbf", "polynomial"}
        ``exp(-|x - y|^2 / (2 bandwidth^2))``, or ``(x.y + 1)^degree``.
    bandwidth : float or None, default=None
        Of "rbf", in the units of a distance.
    degree : int, default=3
        Of "polynomial".

    Returns
    -------
    kernel : callable
        Maps arrays (n, n_features) and (m, n_features) to an array (n, m) of their type.
    """
    if name == "rbf":
        return partial(_gaussian, bandwidth=bandwidth)
    return partial(_polynomial, degree=degree)


def median_distance(X):
    """Compute the median distance between two rows: the median heuristic [1]_.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings.

    Returns
    -------
    bandwidth : float
        The median over all pairs.

    Raises
    ------
    ValueError
        If it is 0, so that no kernel can be made of it.

    References
    ----------
    .. [1] D. Garreau, W. Jitkrittum and M. Kanagawa, "Large sample analysis of the median
       heuristic", arXiv 1707.07269 (2017).

    Examples
    --------
    >>> print(median_distance([[0.0], [1.0], [3.0]]))
    2.0
    """
    bandwidth = float(np.median(euclidean_distances(X)[np.triu_indices(len(X), 1)]))
    if bandwidth == 0:
        raise ValueError(
            "The median distance between embeddings is 0, because most of them are alike, so it "
            "makes no bandwidth. Give one as a number, such as bandwidth=0.5."
        )
    return bandwidth


def _gaussian(A, B, bandwidth):
    # In place, a block is as large as all else together.
    block = A @ B.T
    block -= 0.5 * np.einsum("ij,ij->i", A, A)[:, None]
    block -= 0.5 * np.einsum("ij,ij->i", B, B)
    np.minimum(block, 0, out=block)
    block *= 1 / bandwidth**2
    return np.exp(block, out=block)


def _polynomial(A, B, degree):
    block = A @ B.T
    block += 1
    block **= degree
    return block
