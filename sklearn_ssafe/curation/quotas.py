"""Share a number of pictures out among groups that have only so many."""

import numpy as np


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
