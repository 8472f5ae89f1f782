import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from sklearn_ssafe.metrics.figures import RocCounts
from sklearn_ssafe.metrics.intervals import (
    METRICS,
    _weighted_rates,
    bound_at_extreme,
    corrected_interval,
    draw_weights,
    intervals,
    percentile_interval,
    rates,
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


def made(seed, n=60):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], n // 2))
    score = np.round(rng.normal(size=n) + y, 1)  # with ties
    return y, score, score > 0.3


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_scikit_learns(seed):
    y, score, verdict = made(seed)
    expected = {
        "balanced_accuracy": balanced_accuracy_score(y, verdict),
        "tpr": recall_score(y, verdict),
        "fpr": 1 - recall_score(y, verdict, pos_label=0),
        "auc": roc_auc_score(y, score),
    }
    assert rates(y, score, verdict) == pytest.approx(expected)


def test_figures_of_a_missing_class_are_nan():
    y, score, verdict = made(0)
    only = y == 1
    values = rates(y[only], score[only], verdict[only])
    assert values["tpr"] == verdict[only].mean()
    assert np.isnan([values["fpr"], values["auc"], values["balanced_accuracy"]]).all()


@pytest.mark.parametrize("seed", range(3))
def test_weighted_figures_are_those_of_the_pictures_repeated(seed):
    y, score, verdict = made(seed)
    weights = draw_weights(y, np.arange(len(y)), 5, np.random.default_rng(seed))
    for row, values in zip(weights, _weighted_rates(y, score, verdict, weights), strict=True):
        again = np.repeat(np.arange(len(y)), row)
        expected = rates(y[again], score[again], verdict[again])
        np.testing.assert_allclose(values, [expected[name] for name in METRICS])


def test_whole_groups_are_drawn_and_both_classes_stay():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 1])
    groups = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])  # the last is mixed
    weights = draw_weights(y, groups, 200, np.random.default_rng(0))
    for members in (groups == group for group in range(5)):
        assert (weights[:, members] == weights[:, members][:, :1]).all()
    assert set(weights[:, 0] + weights[:, 2]) == {2}  # two real groups a resample
    assert set(weights[:, 4] + weights[:, 6]) == {2}
    assert set(weights[:, 8]) == {1}
    assert set(weights[:, 0]) == {0, 1, 2}


def test_the_interval_of_a_share_is_the_binomial_one():
    # 60 of 200 pictures: the bootstrap of a share is a binomial draw.
    from scipy.stats import binom

    y = np.repeat([0, 1], 200)
    verdict = np.tile(np.arange(200) < 60, 2)
    weights = draw_weights(y, np.arange(400), 4000, np.random.default_rng(0))
    low, high = intervals(y, verdict.astype(float), verdict, weights, 0.9)["fpr"]
    expected = binom.ppf([0.05, 0.95], 200, 0.3) / 200
    np.testing.assert_allclose([low, high], expected, atol=0.011)


def test_groups_that_differ_make_a_wider_interval_and_one_group_none():
    y = np.repeat([0, 1], 50)
    verdict = np.concatenate([np.arange(50) < 25, np.ones(50, dtype=bool)])
    score = verdict.astype(float)
    # One group of real pictures is all called generated, the other not at all.
    cameras = np.concatenate([np.repeat([0, 1], 25), np.arange(2, 52)])
    rng = np.random.default_rng(0)
    single = intervals(y, score, verdict, draw_weights(y, np.arange(100), 500, rng), 0.95)
    grouped = intervals(y, score, verdict, draw_weights(y, cameras, 500, rng), 0.95)
    assert grouped["fpr"] == (0, 1)
    assert 0.3 < single["fpr"][0] < 0.5 < single["fpr"][1] < 0.7
    one_camera = np.concatenate([np.zeros(50, dtype=int), np.arange(1, 51)])
    limits = intervals(y, score, verdict, draw_weights(y, one_camera, 500, rng), 0.95)
    assert np.isnan([limits["fpr"], limits["auc"], limits["balanced_accuracy"]]).all()
    assert limits["tpr"] == (1, 1)


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
