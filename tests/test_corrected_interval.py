import numpy as np
import pytest
from scipy import stats

from sklearn_ssafe.evaluation.corrected_interval import corrected_interval


def test_without_a_test_part_it_is_the_interval_of_a_mean():
    values = np.random.default_rng(0).normal(size=7)
    expected = stats.t.interval(0.9, 6, values.mean(), stats.sem(values))
    np.testing.assert_allclose(corrected_interval(values, [100], [0], 0.9), expected)


def test_five_folds_are_one_and_a_half_times_as_wide():
    # 1/5 becomes 1/5 + 1/4 = 0.45.
    values = np.array([0.1, 0.2, 0.4, 0.3, 0.2])
    low, high = corrected_interval(values, [80] * 5, [20] * 5)
    plain = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert (high - low) / np.diff(plain)[0] == pytest.approx(1.5)
    assert (low + high) / 2 == pytest.approx(values.mean())


@pytest.mark.parametrize("values", [[0.3], [0.3, 0.3, 0.3]])
def test_nothing_to_estimate_a_spread_from(values):
    assert np.isnan(corrected_interval(np.array(values), [2], [1])).all()
