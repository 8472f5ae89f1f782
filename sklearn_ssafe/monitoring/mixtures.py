"""The mixture of known groups that is nearest to new pictures, and what it leaves unexplained."""

import numpy as np

from .permutations import ENOUGH, mean_p_value

_STEPS = 300
# Directions in which known pictures differ within their groups, and how far small ones count.
_MOST_DIRECTIONS = 128
_RIDGE = 0.1


def nearest_weights(gram, products):
    """Minimise ``w.gram.w - 2 w.products`` over weights w that are 0 or more and add up to 1.

    Projected gradient with momentum (Beck and Teboulle, SIAM Journal on Imaging Sciences 2, 2009).
    """
    n = len(products)
    weights = point = np.full(n, 1 / n)
    step, momentum = 1 / max(np.linalg.norm(gram, 2), np.finfo(float).tiny), 1.0
    for _ in range(_STEPS):
        new = on_simplex(point - step * (gram @ point - products))
        next_momentum = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        point = new + (momentum - 1) / next_momentum * (new - weights)
        weights, momentum = new, next_momentum
    return weights


def on_simplex(point):
    """Return the nearest point whose coordinates are 0 or more and add up to 1."""
    falling = np.sort(point)[::-1]
    excess = (np.cumsum(falling) - 1) / np.arange(1, len(point) + 1)
    return np.maximum(point - excess[np.flatnonzero(falling > excess)[-1]], 0)


class Whitening:
    """Embeddings in units of what pictures of one known group differ by."""

    def __init__(self, rows, group):
        self.mean = rows.mean(axis=0)
        spread = rows.std(axis=0)
        self.scale = np.where(spread > 0, spread, 1.0)
        rows = self._scaled(rows)
        within = rows.copy()
        for number in np.unique(group):
            within[group == number] -= rows[group == number].mean(axis=0)
        _, sizes, directions = np.linalg.svd(within / np.sqrt(len(rows)), full_matrices=False)
        variance = sizes[:_MOST_DIRECTIONS] ** 2
        directions = (
            directions[: len(variance)]
            / np.sqrt(variance + max(_RIDGE * variance.mean(), np.finfo(float).tiny))[:, None]
        )
        self.directions = directions.T

    def __call__(self, rows):
        """Return rows (n, n_directions)."""
        return self._scaled(rows) @ self.directions

    def _scaled(self, rows):
        return (rows - self.mean) / self.scale


class Witness:
    """Where new pictures are denser than the nearest mixture of known groups.

    The witness function of the MMD (Gretton et al., 2012): the mean kernel with the new pictures
    less that with the mixture. Means over the known groups are equal where they are in the mixture
    and smaller elsewhere, so that a larger mean over further new pictures is of no mixture at all.
    """

    def __init__(self, kernel, new, known, group):
        self._kernel, self._new, self._known = kernel, new, known
        members = np.eye(group.max() + 1)[group]
        members = members[:, members.any(axis=0)]
        self._members = members / members.sum(axis=0)
        gram = self._members.T @ kernel(known, known) @ self._members
        products = kernel(new, known).mean(axis=0) @ self._members
        self.weights = nearest_weights(gram, products)

    def __call__(self, rows, *, own=False):
        """Return a number for each row; `own` leaves out each row's kernel with itself."""
        block = self._kernel(rows, self._new)
        if own:
            np.fill_diagonal(block, 0.0)
        dense = block.sum(axis=1) / max(len(self._new) - own, 1)
        return dense - self._kernel(rows, self._known) @ (self._members @ self.weights)


def unknown_p_value(folds, new, n_permutations, rng):
    """Return the p-value that new pictures are a mixture, whatever its shares, of known groups.

    Half of the new pictures and half of the known ones make the witness; with the others its mean
    is compared, new pictures with each known group, and the largest p-value counts. Then the halves
    change places, and the smaller of the two results counts twice (Bonferroni).
    """
    order = rng.permutation(len(new))
    halves = order[::2], order[1::2]
    p_values = []
    for fold, half, other in zip(folds, halves, halves[::-1], strict=True):
        white = fold.whitening(new)
        witness = Witness(fold.kernel, white[half], fold.known, fold.group)
        found = witness(white[other])
        of_known = witness(fold.other_known)
        compared = [of_known[fold.other_group == number] for number in np.unique(fold.other_group)]
        largest = 0.0
        # The nearest group has the largest p-value most often. For the others it is enough to know
        # that theirs are no larger.
        for values in sorted(compared, key=np.mean, reverse=True):
            enough = n_permutations if largest == 0 else min(n_permutations, int(ENOUGH / largest))
            largest = max(largest, mean_p_value(found, values, enough, rng))
        p_values.append(largest)
    return min(1.0, 2 * min(p_values))
