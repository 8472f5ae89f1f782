"""Nearest mixtures, against SciPy, and what is no mixture."""

import numpy as np
import pytest
from scipy.optimize import minimize

from sklearn_ssafe.monitoring.mixtures import (
    Whitening,
    Witness,
    nearest_weights,
    on_simplex,
    unknown_p_value,
)
from sklearn_ssafe.monitoring.reference import Reference, deal_halves, gaussian


@pytest.mark.parametrize("seed", range(5))
def test_nearest_weights_are_those_of_a_general_solver(seed):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(12, 6))
    gram, products = A.T @ A, A.T @ rng.normal(size=12)
    found = nearest_weights(gram, products)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)

    def cost(w):
        return w @ gram @ w - 2 * w @ products

    best = minimize(
        cost,
        np.full(6, 1 / 6),
        bounds=[(0, 1)] * 6,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert cost(found) <= best.fun + 1e-6


def test_the_nearest_point_of_the_simplex():
    np.testing.assert_allclose(on_simplex(np.array([0.5, 0.5])), [0.5, 0.5])
    np.testing.assert_allclose(on_simplex(np.array([2.0, 0.0, -1.0])), [1, 0, 0])
    np.testing.assert_allclose(on_simplex(np.array([0.6, 0.6, 0.0])), [0.5, 0.5, 0])


def test_whitening_makes_differences_within_groups_alike_in_all_directions():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 400)
    mixed = np.array([[1.0, 0.5, 0.0], [0.0, 10.0, 5.0], [0.0, 0.0, 100.0]])
    rows = (rng.normal(size=(800, 3)) + 0.5 * group[:, None]) @ mixed
    white = Whitening(rows, group)(rows)
    for number in (0, 1):
        white[group == number] -= white[group == number].mean(axis=0)
    spread = white.std(axis=0)
    assert spread.max() / spread.min() < 1.15
    correlation = np.corrcoef(white.T) - np.eye(3)
    assert abs(correlation).max() < 0.05


def test_the_witness_has_equal_means_in_the_mixture_and_lower_ones_elsewhere():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 100)
    known = rng.normal(size=(300, 2)) + np.array([[0, 0], [6, 0], [0, 6]])[group]
    new = np.concatenate([rng.normal(size=(60, 2)), rng.normal([6, 0], size=(60, 2))])
    witness = Witness(gaussian(known), new, known, group)
    assert witness.weights == pytest.approx([0.5, 0.5, 0], abs=0.1)
    means = [witness(known[group == number]).mean() for number in range(3)]
    assert means[0] == pytest.approx(means[1], abs=1e-6)
    assert means[2] <= means[0]


def three_groups(rng, sizes):
    """Rows of three known groups, and the numbers of these."""
    group = np.repeat([0, 1, 2], sizes)
    return rng.normal(size=(len(group), 5)) + 2 * np.eye(5)[group], group


def reference_of(rng):
    rows, group = three_groups(rng, [60, 60, 60])
    return Reference(rows, group, [("", name) for name in "abc"], deal_halves(group, rng))


@pytest.mark.parametrize("shares", [[40, 0, 0], [20, 20, 0], [5, 10, 25]])
def test_known_groups_in_any_proportions_are_nothing_unknown(shares):
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(8):
        reference = reference_of(rng)
        for _ in range(10):
            new = three_groups(rng, shares)[0]
            p_values.append(unknown_p_value(reference.folds, new, 199, rng))
    # 0.1 is allowed, and so three standard errors more.
    assert np.mean(np.array(p_values) <= 0.1) <= 0.1 + 3 * np.sqrt(0.09 / 80)


def test_another_group_is_unknown_and_a_part_of_it_in_enough_pictures():
    rng = np.random.default_rng(4)
    reference = reference_of(rng)
    other = rng.normal([0, 0, 0, 0, 4], size=(40, 5))
    assert unknown_p_value(reference.folds, other, 1999, rng) <= 0.005
    part = np.concatenate([three_groups(rng, [90, 90, 90])[0], other, other + 0.1])
    assert unknown_p_value(reference.folds, part, 1999, rng) <= 0.05
