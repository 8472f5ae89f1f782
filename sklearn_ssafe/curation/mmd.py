"""Maximum mean discrepancy between many groups of rows, computed exactly, a block at a time."""

import numpy as np

# Rows a side of a block: 16 MB in float32.
_BLOCK_ROWS = 2048


def squared_mmd(X, sizes, kernel, *, unbiased=True):
    r"""Compute the squared maximum mean discrepancy (MMD) of every two groups.

    With :math:`k` the kernel, and means over pairs,

    .. math:: MMD^2(P, Q) = E\,k(x, x') + E\,k(y, y') - 2\,E\,k(x, y),

    equations 3 (unbiased) and 5 (biased) of Gretton et al. [1]_. The cost grows with the square of
    the number of rows; the memory does not.

    Parameters
    ----------
    X : ndarray of float, shape (n_samples, n_features)
        Rows of one group after the other.
    sizes : sequence of int, length n_groups
        Rows of each group; they add up to n_samples.
    kernel : callable
        From `make_kernel`.
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
    >>> from sklearn_ssafe.curation.kernels import make_kernel
    >>> X = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> squared_mmd(X, [2, 2], make_kernel("rbf", bandwidth=1.0)).round(3)  # 2 - 2 exp(-1/2)
    array([[0.   , 0.787],
           [0.787, 0.   ]])
    """
    group = np.repeat(np.arange(len(sizes)), sizes)
    sums = np.zeros((len(sizes), len(sizes)))
    selves = np.zeros(len(sizes))
    for top in range(0, len(X), _BLOCK_ROWS):
        rows = slice(top, top + _BLOCK_ROWS)
        for left in range(top, len(X), _BLOCK_ROWS):
            columns = slice(left, left + _BLOCK_ROWS)
            block = kernel(X[rows], X[columns])
            added = _sum_by_group(block, group[rows], group[columns], len(sizes))
            sums += added
            if left == top:
                np.add.at(selves, group[rows], block.diagonal())
            else:
                sums += added.T
    return mmd_from_sums(sums, selves, sizes, unbiased)


def mmd_from_sums(sums, selves, sizes, unbiased):
    """Put squared MMDs together from sums of a kernel.

    Parameters
    ----------
    sums : ndarray of shape (n_groups, n_groups)
        Sum of the kernel over all pairs of a row of one group and a row of the other.
    selves : ndarray of shape (n_groups,)
        Sum of the kernel of each row with itself.
    sizes : sequence of int, length n_groups
        Rows of each group.
    unbiased : bool
        As for `squared_mmd`.

    Returns
    -------
    squared : ndarray of float64, shape (n_groups, n_groups)
        Symmetric, zero on the diagonal.
    """
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
