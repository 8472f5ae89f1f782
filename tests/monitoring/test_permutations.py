"""Permutation p-values, against all permutations and against SciPy."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import permutation_test
from sklearn.metrics.pairwise import rbf_kernel

from sklearn_ssafe.curation import squared_mmd
from sklearn_ssafe.monitoring.permutations import mean_p_value, mmd_p_value, sequential_p_value


def test_the_statistic_is_the_unbiased_mmd_and_the_p_value_that_of_all_permutations():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(9, 3))
    X[6:] += 0.8
    squared, p_value = mmd_p_value(rbf_kernel(X), 3, 4000, np.random.default_rng(1))
    assert squared == pytest.approx(squared_mmd(X, [6, 3], rbf_kernel)[0, 1], rel=1e-12)
    reached = []
    for chosen in combinations(range(9), 3):
        order = [*np.setdiff1d(np.arange(9), chosen), *chosen]
        reached.append(squared_mmd(X[order], [6, 3], rbf_kernel)[0, 1] >= squared - 1e-12)
    assert len(reached) == 84
    # Twenty that are reached know a share to a quarter of itself.
    assert p_value == pytest.approx(np.mean(reached), rel=0.6)


def test_a_p_value_of_the_mmd_is_exact_under_the_null_hypothesis():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(300):
        X = rng.normal(size=(16, 2))
        p_values.append(mmd_p_value(rbf_kernel(X), 6, 99, rng)[1])
    for level in (0.05, 0.2, 0.5):
        share = np.mean(np.array(p_values) <= level)
        assert abs(share - level) < 4 * np.sqrt(level * (1 - level) / 300)


def test_the_mean_is_compared_as_scipy_does_with_welchs_statistic():
    rng = np.random.default_rng(2)
    new, old = rng.normal(0.5, 2, size=12), rng.normal(0, 1, size=20)

    def welch(one, other, axis=-1):
        spread = one.var(axis=axis, ddof=1) / one.shape[axis]
        spread = spread + other.var(axis=axis, ddof=1) / other.shape[axis]
        return (one.mean(axis=axis) - other.mean(axis=axis)) / np.sqrt(spread)

    expected = permutation_test(
        (new, old), welch, vectorized=True, n_resamples=9999, alternative="greater", rng=0
    ).pvalue
    found = [mean_p_value(new, old, 9999, np.random.default_rng(seed)) for seed in range(20)]
    assert np.mean(found) == pytest.approx(expected, rel=0.25)


def test_equal_numbers_are_no_difference():
    assert mean_p_value(np.ones(5), np.ones(7), 500, np.random.default_rng(0)) == 1.0


def test_a_p_value_stops_at_the_twentieth_that_is_reached():
    asked = []

    def every_third(n_draws):
        start = sum(asked)
        asked.append(n_draws)
        return ((np.arange(start, start + n_draws) + 1) % 3 == 0).astype(float)

    assert sequential_p_value(1.0, every_third, 10_000) == 20 / 60
    assert sum(asked) < 10_000


def test_without_twenty_it_is_the_share_of_all_with_the_observed_one_among_them():
    def never(n_draws):
        return np.zeros(n_draws)

    assert sequential_p_value(1.0, never, 999) == 1 / 1000
    assert sequential_p_value(1.0, never, 450) == 1 / 451
