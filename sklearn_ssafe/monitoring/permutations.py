"""Permutation p-values of two samples: of a kernel matrix, and of one number a picture."""

import numpy as np

# A p-value that so many permutations exceed is large enough, and needs no further ones.
ENOUGH = 20
_AT_ONCE = 200


def sequential_p_value(observed, draw, n_permutations):
    """Return the p-value of Besag and Clifford (Biometrika 78, 1991): valid, and stopped early.

    `draw` gives so many statistics of permuted samples. Of 20 that reach the observed one, the
    last, in place l, makes the p-value 20 / l.
    """
    n_done, n_reached = 0, 0
    # Equal samples have equal statistics, whatever the order of the sums.
    least = observed - 1e-12 * max(1.0, abs(observed))
    while n_done < n_permutations:
        reached = draw(min(_AT_ONCE, n_permutations - n_done)) >= least
        places = np.flatnonzero(reached)
        if n_reached + len(places) >= ENOUGH:
            return ENOUGH / (n_done + places[ENOUGH - n_reached - 1] + 1)
        n_reached += len(places)
        n_done += len(reached)
    return (n_reached + 1) / (n_permutations + 1)


def mmd_p_value(kernel_matrix, n_new, n_permutations, rng):
    """Return the squared unbiased MMD of the last `n_new` rows from the others, and its p-value."""
    pairs = np.array(kernel_matrix, dtype=np.float64)
    np.fill_diagonal(pairs, 0.0)
    n_all, sums = len(pairs), pairs.sum(axis=1)
    n_old, total = n_all - n_new, sums.sum()

    def statistic(chosen):
        within = pairs[np.ix_(chosen, chosen)].sum()
        across = sums[chosen].sum() - within
        of_old = total - 2 * across - within
        means = within / (n_new * (n_new - 1)) + of_old / (n_old * (n_old - 1))
        return means - 2 * across / (n_new * n_old)

    def draw(n_draws):
        draws = (rng.choice(n_all, n_new, replace=False) for _ in range(n_draws))
        return np.array([statistic(chosen) for chosen in draws])

    observed = float(statistic(np.arange(n_old, n_all)))
    return observed, sequential_p_value(observed, draw, n_permutations)


def mean_p_value(new, old, n_permutations, rng):
    """Return the one-sided p-value that the mean of `new` is no larger than that of `old`.

    Permutations of the studentised difference: exact where both have one distribution, and right
    in large samples where they have the mean alone in common (Chung and Romano, Annals of
    Statistics 41, 2013).
    """
    both, n_new = np.concatenate([new, old]), len(new)

    def statistics(shuffled):
        one, other = shuffled[:, :n_new], shuffled[:, n_new:]
        spread = one.var(axis=1, ddof=1) / n_new + other.var(axis=1, ddof=1) / len(old)
        difference = one.mean(axis=1) - other.mean(axis=1)
        return difference / np.sqrt(np.maximum(spread, np.finfo(float).tiny))

    def draw(n_draws):
        return statistics(rng.permuted(np.tile(both, (n_draws, 1)), axis=1))

    return sequential_p_value(float(statistics(both[None])[0]), draw, n_permutations)
