"""Greedy choice of good rows that are unlike each other, against determinants."""

import numpy as np
import pytest
from scipy.stats import rankdata

from sklearn_ssafe.monitoring.choice import choose_unlike, ranks


@pytest.mark.parametrize("seed", range(4))
def test_each_choice_makes_the_determinant_largest(seed):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(12, 12))
    similarity, quality = A @ A.T, rng.uniform(0.2, 1, size=12)
    kernel = quality[:, None] * similarity * quality
    chosen = choose_unlike(similarity, quality, 5).tolist()
    for number in range(5):
        before = chosen[:number]
        others = [row for row in range(12) if row not in before]
        values = [np.linalg.det(kernel[np.ix_([*before, row], [*before, row])]) for row in others]
        assert chosen[number] == others[int(np.argmax(values))]


def test_copies_come_last_and_nothing_twice():
    similarity = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=float)
    assert choose_unlike(similarity, np.array([1.0, 0.9, 0.1]), 9).tolist() == [0, 2, 1]


def test_ranks():
    values = np.array([3.0, 1.0, 2.0, 2.0])
    np.testing.assert_allclose(ranks(values), (rankdata(values) - 1) / 3)
    assert ranks(np.array([5.0])).tolist() == [0.0]
