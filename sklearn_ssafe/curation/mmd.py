"""Maximum mean discrepancy between generators: kernels, exact distances, random features."""

from functools import partial

import numpy as np
from sklearn.metrics import euclidean_distances

from ..public import public
from .clusters import share_out
from .rows import BLOCK_ROWS


def make_kernel(name, *, bandwidth=None, degree=3, centre=0.0):
    """Return "rbf" or "polynomial" as a function of two blocks of rows.

    Nothing of "rbf" depends on the `centre` but rounding: it is to be near the rows.
    """
    if name == "rbf":
        return partial(_gaussian, bandwidth=bandwidth, centre=centre)
    return partial(_polynomial, degree=degree)


def median_distance(X):
    """The median heuristic for a bandwidth (Garreau et al., arXiv 1707.07269)."""
    bandwidth = float(np.median(euclidean_distances(X)[np.triu_indices(len(X), 1)]))
    if bandwidth == 0:
        raise ValueError(
            "The median distance between embeddings is 0, because most of them are alike, so it "
            "makes no bandwidth. Give one as a number, such as bandwidth=0.5."
        )
    return bandwidth


def _gaussian(A, B, bandwidth, centre):
    A, B = A - centre, B - centre
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


# Rows a side of a block: 32 MB in float64.
_BLOCK_ROWS = 2048


@public("sklearn_ssafe.curation")
def squared_mmd(X, sizes, kernel, *, unbiased=True):
    r"""Compute the squared maximum mean discrepancy (MMD) of every two groups.

    With :math:`k` the kernel, and means over pairs,

    .. math:: MMD^2(P, Q) = E\,k(x, x') + E\,k(y, y') - 2\,E\,k(x, y),

    equations 3 (unbiased) and 5 (biased) of Gretton et al. [1]_. The cost grows with the square of
    the number of rows; the memory does not. Groups close together differ by little of what their
    kernels are, so blocks of rows are turned into float64 first.

    Parameters
    ----------
    X : ndarray of float, shape (n_samples, n_features)
        Rows of one group after the other.
    sizes : sequence of int, length n_groups
        Rows of each group; they add up to n_samples.
    kernel : callable
        Maps arrays (n, n_features) and (m, n_features) to an array (n, m), such as
        `sklearn.metrics.pairwise.rbf_kernel`.
    unbiased : bool, default=True
        Whether a row is left out of the mean with itself. Such an estimate can be negative; it
        needs two rows a group.

    Returns
    -------
    squared : ndarray of float64, shape (n_groups, n_groups)
        Symmetric, zero on the diagonal.

    References
    ----------
    .. [1] A. Gretton et al., "A kernel two-sample test", Journal of Machine Learning Research 13
       (2012).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics.pairwise import rbf_kernel
    >>> from sklearn_ssafe.curation import squared_mmd
    >>> X = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> squared_mmd(X, [2, 2], rbf_kernel).round(3)  # 2 - 2 exp(-1)
    array([[0.   , 1.264],
           [1.264, 0.   ]])
    """
    group = np.repeat(np.arange(len(sizes)), sizes)
    sums = np.zeros((len(sizes), len(sizes)))
    selves = np.zeros(len(sizes))
    for top in range(0, len(X), _BLOCK_ROWS):
        rows = slice(top, top + _BLOCK_ROWS)
        for left in range(top, len(X), _BLOCK_ROWS):
            columns = slice(left, left + _BLOCK_ROWS)
            block = kernel(X[rows].astype(np.float64), X[columns].astype(np.float64))
            added = _sum_by_group(block, group[rows], group[columns], len(sizes))
            sums += added
            if left == top:
                np.add.at(selves, group[rows], block.diagonal())
            else:
                sums += added.T
    return mmd_from_sums(sums, selves, sizes, unbiased)


def mmd_from_sums(sums, selves, sizes, unbiased):
    """Squared MMDs from sums of a kernel: between groups, and of each row with itself."""
    sizes = np.asarray(sizes, dtype=np.float64)
    if unbiased:
        within = (sums.diagonal() - selves) / (sizes * (sizes - 1))
    else:
        within = sums.diagonal() / sizes**2
    squared = within[:, None] + within - 2 * sums / np.outer(sizes, sizes)
    squared = (squared + squared.T) / 2  # to the last bit, for SciPy's sake
    np.fill_diagonal(squared, 0.0)
    return squared


def _sum_by_group(block, row_group, column_group, n_groups):
    """Add up a block by the groups of its rows and columns, which are in order, in float64."""
    starts_across = np.flatnonzero(np.r_[True, np.diff(column_group) > 0])
    starts_down = np.flatnonzero(np.r_[True, np.diff(row_group) > 0])
    across = np.add.reduceat(block, starts_across, axis=1, dtype=np.float64)
    totals = np.zeros((n_groups, n_groups))
    where = np.ix_(row_group[starts_down], column_group[starts_across])
    totals[where] = np.add.reduceat(across, starts_down, axis=0)
    return totals


@public("sklearn_ssafe.curation")
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
        Of the features.
    centre : ndarray of float, shape (n_features,), or float, default=0.0
        Taken off the embeddings first. Products stay what they are, and are more exact where it is
        near the embeddings.

    References
    ----------
    .. [1] A. Rahimi and B. Recht, "Random features for large-scale kernel machines", NeurIPS 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe.curation import RandomFourierFeatures
    >>> features = RandomFourierFeatures(3, bandwidth=1.0, n_frequencies=5000, seed=0, dtype=float)
    >>> a, b = features(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    >>> bool(abs(a @ b - np.exp(-0.5)) < 0.02)
    True
    """

    def __init__(self, n_features, *, bandwidth, n_frequencies, seed, dtype, centre=0.0):
        draw = np.random.default_rng(seed).standard_normal((n_features, n_frequencies))
        self._frequencies = (draw / bandwidth).astype(dtype)
        self._centre = centre

    def __call__(self, block):
        """Map rows (n, n_features) to (n, 2 n_frequencies)."""
        n_frequencies = self._frequencies.shape[1]
        phases = (block - self._centre).astype(self._frequencies.dtype) @ self._frequencies
        features = np.empty((len(block), 2 * n_frequencies), dtype=phases.dtype)
        np.cos(phases, out=features[:, :n_frequencies])
        np.sin(phases, out=features[:, n_frequencies:])
        features *= n_frequencies**-0.5
        return features


@public("sklearn_ssafe.curation")
def squared_mmd_of_features(X, groups, feature_map=None, *, unbiased=True):
    """Compute the squared MMD of every two groups from sums of features.

    Exact for the kernel that is the product of these features: with `feature_map` None, the linear
    kernel. There the mean of all rows is taken off first, which changes nothing but rounding.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_samples, n_features)
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
    >>> import numpy as np
    >>> from sklearn_ssafe.curation import squared_mmd_of_features
    >>> X = np.array([[0.0], [2.0], [5.0], [5.0]])
    >>> squared_mmd_of_features(X, [[0, 1], [2, 3]], unbiased=False)  # (1 - 5) squared
    array([[ 0., 16.],
           [16.,  0.]])
    """
    totals, selves = [], []
    centre = _mean_row(X, groups) if feature_map is None else None
    for rows in groups:
        total, own = 0.0, 0.0
        for block in _blocks(X, rows):
            block = block - centre if feature_map is None else feature_map(block)
            total = total + block.sum(axis=0, dtype=np.float64)
            own += float(np.square(block, dtype=np.float64).sum())
        totals.append(total)
        selves.append(own)
    totals = np.array(totals)
    sizes = [len(rows) for rows in groups]
    return mmd_from_sums(totals @ totals.T, np.array(selves), sizes, unbiased)


def _blocks(X, rows):
    for start in range(0, len(rows), BLOCK_ROWS):
        yield X[rows[start : start + BLOCK_ROWS]]


def _mean_row(X, groups):
    """Average the rows of all groups, in float64."""
    blocks = (block for rows in groups for block in _blocks(X, rows))
    total = sum(block.sum(axis=0, dtype=np.float64) for block in blocks)
    return total / sum(map(len, groups))


# Rows that method="auto" compares exactly.
MOST_EXACT = 50_000
# Of as many rows, the median distance is known to about a thousandth.
MOST_FOR_MEDIAN = 2000


def check_method(method, kernel):
    """Raise a ValueError for random features of another kernel than "rbf"."""
    if method == "random_features" and kernel != "rbf":
        raise ValueError(
            f'method="random_features" is for kernel="rbf", not {kernel!r}: set method="exact"'
        )


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
    """Return distances between groups of rows, the bandwidth and the method that were used."""
    check_method(method, kernel)
    sizes = [len(rows) for rows in groups]
    all_rows = np.concatenate(groups)
    if method == "auto":
        large = kernel == "rbf" and len(all_rows) > MOST_EXACT
        method = "random_features" if large else "exact"
    if len(groups) == 1:
        return np.zeros((1, 1)), None, method
    if kernel != "rbf":
        bandwidth = None
    elif bandwidth == "median":
        shares = share_out(MOST_FOR_MEDIAN, sizes, weights=sizes)
        drawn = [rows[:share] for rows, share in zip(groups, shares, strict=True)]
        drawn = X[np.concatenate(drawn)].astype(np.float64)
        bandwidth = median_distance(drawn - drawn.mean(axis=0))
    if kernel == "linear":
        squared = squared_mmd_of_features(X, groups, unbiased=unbiased)
    elif method == "exact":
        centre = _mean_row(X, groups)
        of_blocks = make_kernel(kernel, bandwidth=bandwidth, degree=degree, centre=centre)
        squared = squared_mmd(X[all_rows], sizes, of_blocks, unbiased=unbiased)
    else:
        features = RandomFourierFeatures(
            X.shape[1],
            bandwidth=bandwidth,
            n_frequencies=n_frequencies,
            seed=seed,
            dtype=X.dtype,
            centre=_mean_row(X, groups),
        )
        squared = squared_mmd_of_features(X, groups, features, unbiased=unbiased)
    return np.sqrt(np.maximum(squared, 0)), bandwidth, method
