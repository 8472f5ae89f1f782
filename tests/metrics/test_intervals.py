import numpy as np
import pytest
from scipy import stats

from sklearn_ssafe import detection_report
from sklearn_ssafe.metrics.figures import RocCounts
from sklearn_ssafe.metrics.intervals import (
    bound_at_extreme,
    corrected_interval,
    percentile_interval,
    resample_units,
)


def scipys_interval(data, statistic, **options):
    result = stats.bootstrap(
        data, statistic, n_resamples=4000, method="percentile", rng=0, **options
    )
    return tuple(result.confidence_interval)


def test_the_interval_of_a_mean_is_scipys():
    values = np.random.default_rng(0).normal(size=80)
    weights = resample_units(np.arange(80), 4000, np.random.RandomState(0))
    interval = percentile_interval((weights @ values) / weights.sum(axis=1), 0.95)
    expected = scipys_interval((values,), np.mean)
    np.testing.assert_allclose(interval, expected, atol=0.02)


def test_the_interval_of_an_auc_is_scipys():
    rng = np.random.default_rng(1)
    real, generated = rng.normal(size=50), rng.normal(size=40) + 1
    score, y = np.append(real, generated), np.repeat([False, True], [50, 40])
    weights = np.empty((4000, 90))
    for side in (y, ~y):
        weights[:, side] = resample_units(np.arange(side.sum()), 4000, np.random.RandomState(3))
    interval = percentile_interval(RocCounts(y, score, weights).auc(), 0.9)

    def auc(generated, real, axis):  # the share of pairs in the right order
        return (generated[..., :, None] > real[..., None, :]).mean(axis=(-2, -1))

    options = {"confidence_level": 0.9, "vectorized": True, "batch": 200}
    expected = scipys_interval((generated, real), auc, **options)
    np.testing.assert_allclose(interval, expected, atol=0.01)


def test_whole_units_are_drawn():
    # Thirty units of very unequal size whose pictures are all alike.
    rng = np.random.default_rng(2)
    size = rng.integers(1, 30, 30)
    called = rng.integers(0, 2, 30)
    units = np.repeat(np.arange(30), size)
    weights = resample_units(units, 4000, np.random.RandomState(0))
    assert (weights == weights.astype(int)).all()
    for unit in range(30):
        assert (np.ptp(weights[:, units == unit], axis=1) == 0).all()
    pictures = called[units]
    by_unit = percentile_interval((weights @ pictures) / weights.sum(axis=1), 0.95)

    def rate(size, called):  # SciPy draws rows of the table of units
        return (size * called).sum() / size.sum()

    options = {"paired": True, "vectorized": False}
    np.testing.assert_allclose(by_unit, scipys_interval((size, called), rate, **options), atol=0.03)
    alone = resample_units(np.arange(len(units)), 1000, np.random.RandomState(0))
    by_picture = percentile_interval((alone @ pictures) / alone.sum(axis=1), 0.95)
    assert np.diff(by_unit) > 2 * np.diff(by_picture)


@pytest.mark.parametrize("n_units", [3, 40])
def test_extremes_are_bounded_exactly(n_units):
    for rate in (0, 1):
        expected = stats.binomtest(rate * n_units, n_units).proportion_ci(0.9, method="exact")
        np.testing.assert_allclose(bound_at_extreme(rate, n_units, 0.9), expected)


def test_draws_without_the_figure_are_left_out():
    assert percentile_interval(np.array([np.nan, 1.0, 3.0]), 0.5) == (1.5, 2.5)
    assert np.isnan(percentile_interval(np.array([np.nan]), 0.5)).all()


def test_the_interval_of_a_rate_is_the_binomial_one():
    # 60 of 200 single pictures: the bootstrap of their share is a binomial draw.
    y = np.repeat([0, 1], 200)
    score = np.tile(np.arange(200) < 60, 2).astype(float)
    options = {"n_resamples": 4000, "confidence_level": 0.9}
    row = detection_report(y, score, **options).frame().set_index("name").loc["pooled"]
    expected = stats.binom.ppf([0.05, 0.95], 200, 0.3) / 200
    for name in ("tpr", "fpr"):
        np.testing.assert_allclose([row[f"{name}_low"], row[f"{name}_high"]], expected, atol=0.011)


def test_the_interval_of_a_rate_of_two_sources_is_that_of_four_equal_draws():
    # Both sources, or one of them twice: rates of 0, 1/2, 1/2 and 1.
    y = np.repeat([0, 1], 40)
    source = np.repeat(["all called", "none called", ""], [20, 20, 40])
    score = np.concatenate([np.repeat([1.0, 0.0], 20), np.tile([0.0, 1.0], 20)])
    for level, expected in ((0.95, (0, 1)), (0.4, (0.5, 0.5))):
        report = detection_report(y, score, source=source, confidence_level=level)
        row = report.frame().set_index("name").loc["pooled"]
        if expected == (0.5, 0.5):  # an interval without width is left out
            expected = (np.nan, np.nan)
        np.testing.assert_equal((row["fpr_low"], row["fpr_high"]), expected)


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
