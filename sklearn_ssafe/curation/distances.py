"""Distances between generators: the square root of their squared MMD."""

import numpy as np

from .kernels import make_kernel, median_distance
from .mmd import squared_mmd
from .quotas import share_out
from .random_features import RandomFourierFeatures, squared_mmd_of_features

# Rows that method="auto" compares exactly.
_MOST_EXACT = 50_000
# Of as many rows, the median distance is known to about a thousandth.
_MOST_FOR_MEDIAN = 2000


def generator_distances(
    X,
    groups,
    *,
    kernel="rbf",
    bandwidth="median",
    degree=3,
    unbiased=True,
    method="auto",
    n_frequencies=1024,
    seed=0,
):
    """Compute the distance between every two groups of rows.

    Parameters
    ----------
    X : UnitRows, shape (n_samples, n_features)
        Embeddings of unit length.
    groups : list of ndarray of int
        Rows of each group, in `content_order`.
    kernel, bandwidth, degree, unbiased, method, n_frequencies
        As for `GeneratorCurator`.
    seed : int, default=0
        Of the random features.

    Returns
    -------
    distances : ndarray of float64, shape (n_groups, n_groups)
        Square root of the positive part of the squared MMD.
    bandwidth : float or None
        Of "rbf"; None for other kernels.
    method : {"exact", "random_features"}
        The one that was used.

    Raises
    ------
    ValueError
        There are no random features for this kernel, or the median distance is 0.
    """
    if method == "random_features" and kernel != "rbf":
        raise ValueError(
            f'method="random_features" is for kernel="rbf", not {kernel!r}: set method="exact"'
        )
    sizes = [len(rows) for rows in groups]
    all_rows = np.concatenate(groups)
    if method == "auto":
        large = kernel == "rbf" and len(all_rows) > _MOST_EXACT
        method = "random_features" if large else "exact"
    if len(groups) == 1:
        return np.zeros((1, 1)), None, method
    if kernel != "rbf":
        bandwidth = None
    elif bandwidth == "median":
        shares = share_out(_MOST_FOR_MEDIAN, sizes, weights=sizes)
        drawn = [rows[:share] for rows, share in zip(groups, shares, strict=True)]
        bandwidth = median_distance(X[np.concatenate(drawn)])
    if kernel == "linear":
        squared = squared_mmd_of_features(X, groups, unbiased=unbiased)
    elif method == "exact":
        of_blocks = make_kernel(kernel, bandwidth=bandwidth, degree=degree)
        squared = squared_mmd(X[all_rows], sizes, of_blocks, unbiased=unbiased)
    else:
        features = RandomFourierFeatures(
            X.shape[1],
            bandwidth=bandwidth,
            n_frequencies=n_frequencies,
            seed=seed,
            dtype=X.dtype,
        )
        squared = squared_mmd_of_features(X, groups, features, unbiased=unbiased)
    return np.sqrt(np.maximum(squared, 0)), bandwidth, method
