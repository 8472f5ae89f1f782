import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from sklearn_ssafe.evaluation.rates import (
    METRICS,
    _weighted_rates,
    draw_weights,
    intervals,
    rates,
)


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
