import numpy as np
import pytest
from scipy import special, stats
from sklearn.metrics import roc_auc_score

from sklearn_ssafe import detection_report
from sklearn_ssafe.metrics.intervals import (
    bound_at_extreme,
    corrected_interval,
    interval_of_sides,
    resample_units,
)


def of_draws(draws, n_units, level=0.95, value=None):
    """The interval where one side alone is drawn."""
    value = np.nanmean(draws) if value is None else value
    return interval_of_sides(value, [(n_units, draws)], 10**6, level)


def on_log_odds(value, error, freedom, level=0.95):
    reach = stats.t.ppf((1 + level) / 2, freedom) * error / (value * (1 - value))
    return special.expit(special.logit(value) + np.array([-1, 1]) * reach)


def test_the_interval_of_a_share_has_the_error_of_a_mean():
    called = np.arange(80) % 4 == 0
    weights = resample_units(np.arange(80), 4000, np.random.RandomState(0))
    interval = of_draws((weights @ called) / weights.sum(axis=1), 80, value=0.25)
    np.testing.assert_allclose(interval, on_log_odds(0.25, stats.sem(called), 79), atol=0.005)


def test_the_interval_of_an_auc_has_the_error_that_delong_found():
    rng = np.random.default_rng(1)
    real, generated = rng.normal(size=50), rng.normal(size=40) + 1
    score, y = np.append(real, generated), np.repeat([False, True], [50, 40])
    right = generated[:, None] > real
    # DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988): shares of right pairs by picture.
    parts = [right.mean(axis=1).var(ddof=1) / 40, right.mean(axis=0).var(ddof=1) / 50]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 39 + parts[1] ** 2 / 49)
    expected = on_log_odds(right.mean(), np.sqrt(sum(parts)), freedom)
    row = detection_report(y, score, threshold=0, n_resamples=4000).frame().iloc[-1]
    np.testing.assert_allclose([row["auc_low"], row["auc_high"]], expected, atol=0.006)


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
    by_unit = of_draws((weights @ pictures) / weights.sum(axis=1), 30)

    def rate(size, called):  # SciPy draws rows of the table of units
        return (size * called).sum() / size.sum()

    error = stats.bootstrap(
        (size, called), rate, paired=True, vectorized=False, n_resamples=2000, rng=0
    ).standard_error
    expected = on_log_odds(pictures.mean(), error * np.sqrt(30 / 29), 29)
    np.testing.assert_allclose(by_unit, expected, atol=0.03)
    alone = resample_units(np.arange(len(units)), 1000, np.random.RandomState(0))
    by_picture = of_draws((alone @ pictures) / alone.sum(axis=1), len(units))
    assert np.diff(by_unit) > 2 * np.diff(by_picture)


def macro_auc_by_jackknife(score, generator, source):
    """The same interval, from leaving out one generator or one source at a time."""

    def macro(generators, sources):
        against = np.isin(source, sources)
        return np.mean(
            [
                roc_auc_score(
                    np.repeat([1, 0], [(generator == name).sum(), against.sum()]),
                    np.append(score[generator == name], score[against]),
                )
                for name in generators
            ]
        )

    generators, sources = np.unique(generator)[1:], np.unique(source)[1:]
    without = [
        [macro(np.delete(generators, k), sources) for k in range(len(generators))],
        [macro(generators, np.delete(sources, k)) for k in range(len(sources))],
    ]
    parts = [np.var(left) * (len(left) - 1) for left in without]
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(left) - 1) for part, left in zip(parts, without, strict=True)
    )
    return on_log_odds(macro(generators, sources), np.sqrt(sum(parts)), freedom)


def random_effects(rng, n_units, n_pictures=15):
    """Scores whose generators and sources differ from each other at random."""
    y = np.repeat([1, 0], n_units * n_pictures)
    unit = np.repeat(np.arange(2 * n_units), n_pictures)
    score = 2 * y + 0.6 * rng.normal(size=2 * n_units)[unit] + rng.normal(size=len(y))
    names = np.char.add("unit ", unit.astype(str)).astype(object)
    return y, score, {"generator": np.where(y, names, ""), "source": np.where(y, "", names)}


def test_the_macro_average_varies_with_generators_and_with_sources():
    y, score, known = random_effects(np.random.default_rng(0), 8, 20)
    table = detection_report(y, score, threshold=1, n_resamples=2000, **known).frame()
    row = table.set_index("name").loc["macro"]
    expected = macro_auc_by_jackknife(score, known["generator"], known["source"])
    np.testing.assert_allclose([row["auc_low"], row["auc_high"]], expected, atol=0.01)
    assert (row["units"], row["units_compared"]) == (8, 8)


@pytest.mark.slow
def test_the_interval_of_the_macro_average_covers_what_it_claims():
    # Of two normal distributions whose means vary: Phi of the mean distance over its spread.
    truth = stats.norm.cdf(2 / np.sqrt(2 + 2 * 0.6**2))
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(120):
        y, score, known = random_effects(rng, 10)
        table = detection_report(y, score, threshold=1, n_resamples=100, **known).frame()
        row = table.set_index("name").loc["macro"]
        covered.append(row["auc_low"] <= truth <= row["auc_high"])
    assert 0.9 < np.mean(covered) < 0.99


@pytest.mark.parametrize("n_units", [3, 40])
def test_extremes_are_bounded_exactly(n_units):
    for rate in (0, 1):
        expected = stats.binomtest(rate * n_units, n_units).proportion_ci(0.9, method="exact")
        np.testing.assert_allclose(bound_at_extreme(rate, n_units, 0.9), expected)


def test_draws_without_the_figure_are_left_out():
    draws = np.array([0.2, 0.4, 0.3, 0.3])
    with_gaps = np.append(draws, [np.nan, np.nan])
    assert of_draws(with_gaps, 9, value=0.3) == of_draws(draws, 9, value=0.3)
    assert np.isnan(of_draws(np.array([np.nan]), 9, value=0.3)).all()


def test_an_interval_holds_a_figure_at_its_end():
    low, high = interval_of_sides(1.0, [(10, np.array([1.0, 0.99, 1.0, 0.98]))], 40, 0.95)
    assert 0.5 < low < 0.98
    assert high == 1


def test_the_interval_of_a_rate_is_the_binomial_one():
    # 60 of 200 single pictures: the bootstrap of their share is a binomial draw.
    y = np.repeat([0, 1], 200)
    score = np.tile(np.arange(200) < 60, 2).astype(float)
    options = {"n_resamples": 4000, "confidence_level": 0.9}
    row = detection_report(y, score, **options).frame().set_index("name").loc["pooled"]
    expected = stats.binom.ppf([0.05, 0.95], 200, 0.3) / 200
    for name in ("tpr", "fpr"):
        np.testing.assert_allclose([row[f"{name}_low"], row[f"{name}_high"]], expected, atol=0.011)


def test_the_interval_of_a_rate_of_two_sources_says_next_to_nothing():
    # Rates of 0 and 1: a mean of 1/2, its error is 1/2, and there is one degree of freedom.
    y = np.repeat([0, 1], 40)
    source = np.repeat(["all called", "none called", ""], [20, 20, 40])
    score = np.concatenate([np.repeat([1.0, 0.0], 20), np.tile([0.0, 1.0], 20)])
    for level in (0.95, 0.4):
        report = detection_report(y, score, source=source, confidence_level=level)
        row = report.frame().set_index("name").loc["pooled"]
        expected = on_log_odds(0.5, 0.5, 1, level)
        np.testing.assert_allclose((row["fpr_low"], row["fpr_high"]), expected, atol=0.02)


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
