"""Maximum mean discrepancy at a cost that grows with the number of rows, not with its square."""

import numpy as np

from .mmd import mmd_from_sums
from .rows import BLOCK_ROWS


class RandomFourierFeatures:
    r"""Features whose products approximate the Gaussian kernel [1]_.

    For frequencies :math:`w_j` drawn from the kernel's spectrum, the features are
    :math:`\cos(w_j x)` and :math:`\sin(w_j x)`, over the root of their number. A row's product with
    itself is exactly 1, as it is for the kernel.

    Parameters
    ----------
    n_features : int
        Columns of the embeddings.
    bandwidth : float
        Of the kernel ``exp(-|x - y|^2 / (2 bandwidth^2))``.
    n_frequencies : int
        How many are drawn. The relative error of a squared MMD falls as their square root.
    seed : int
        Of the draw.
    dtype : dtype
        Of the embeddings.

    References
    ----------
    .. [1] A. Rahimi and B. Recht, "Random features for large-scale kernel machines", NeurIPS 2007.

    Examples
    --------
    >>> features = RandomFourierFeatures(3, bandwidth=1.0, n_frequencies=5000, seed=0, dtype=float)
    >>> a, b = features(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    >>> bool(abs(a @ b - np.exp(-0.5)) < 0.02)
    True
    """

    def __init__(self, n_features, *, bandwidth, n_frequencies, seed, dtype):
        draw = np.random.default_rng(seed).standard_normal((n_features, n_frequencies))
        self._frequencies = (draw / bandwidth).astype(dtype)

    def __call__(self, block):
        """Map rows (n, n_features) to (n, 2 n_frequencies)."""
        n_frequencies = self._frequencies.shape[1]
        phases = block @ self._frequencies
        features = np.empty((len(block), 2 * n_frequencies), dtype=block.dtype)
        np.cos(phases, out=features[:, :n_frequencies])
        np.sin(phases, out=features[:, n_frequencies:])
        features *= n_frequencies**-0.5
        return features


def squared_mmd_of_features(X, groups, feature_map=None, *, unbiased=True):
    """Compute the squared MMD of every two groups from sums of features.

    Exact for the kernel that is the product of these features: with `feature_map` None, the linear
    kernel.

    Parameters
    ----------
    X : ndarray, memmap or UnitRows, shape (n_samples, n_features)
        Embeddings; read once, a block at a time.
    groups : sequence of ndarray of int
        Row numbers of each group.
    feature_map : callable or None, default=None
        Maps a block of rows to a block of features, such as `RandomFourierFeatures`.
    unbiased : bool, default=True
        As for `squared_mmd`.

    Returns
    -------
    squared : ndarray of float64, shape (n_groups, n_groups)
        Symmetric, zero on the diagonal.

    Examples
    --------
    >>> X = np.array([[0.0], [2.0], [5.0], [5.0]])
    >>> squared_mmd_of_features(X, [[0, 1], [2, 3]], unbiased=False)  # (1 - 5) squared
    array([[ 0., 16.],
           [16.,  0.]])
    """
    totals, selves = [], []
    for rows in groups:
        total, own = 0.0, 0.0
        for start in range(0, len(rows), BLOCK_ROWS):
            block = X[rows[start : start + BLOCK_ROWS]]
            if feature_map is not None:
                block = feature_map(block)
            total = total + block.sum(axis=0, dtype=np.float64)
            own += float(np.square(block).sum(dtype=np.float64))
        totals.append(total)
        selves.append(own)
    totals = np.array(totals)
    sizes = [len(rows) for rows in groups]
    return mmd_from_sums(totals @ totals.T, np.array(selves), sizes, unbiased)
