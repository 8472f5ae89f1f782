"""Predictors, shuffles and corrections, against SciPy, scikit-learn and loops."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import chi2_contingency, pearsonr
from sklearn.metrics import roc_auc_score

from sklearn_ssafe.leaks.chance import adjusted_p_values, draw_folds, number_groups, shuffle_labels
from sklearn_ssafe.leaks.predictors import KindPredictor, MeanDifferencePredictor, sort_into_kinds


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_groups_are_whole_in_every_fold_and_pictures_without_one_are_free():
    groups = np.array(["a", "a", "", "b", "", "b", "b", "c", "d", "e", "f"], dtype=object)
    number = number_groups(groups)
    assert len(set(number)) == 8
    assert number[0] == number[1]
    assert number[3] == number[5] == number[6]
    y = np.array([0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1])
    folds = draw_folds(y, number, np.random.RandomState(0))
    assert len(folds) == 4
    for fold in folds:
        for name in set(number):
            assert len(set(fold[number == name])) == 1


def test_labels_are_shuffled_by_group_and_within_mixed_groups(rng):
    group = np.repeat(np.arange(20), 5)
    y = np.repeat(rng.permutation([0, 1] * 10), 5)
    y[:5] = [0, 1, 1, 0, 1]  # a group with both classes
    y[5:10] = [1, 1, 1, 0, 1]
    labels = shuffle_labels(y, group, 50, np.random.RandomState(0))
    assert (labels[:, 0] == y).all()
    assert len(np.unique(labels, axis=1).T) > 40
    for draw in labels.T:
        assert draw[:5].sum() == 3
        assert draw[5:10].sum() == 4
        assert all(len(set(draw[group == name])) == 1 for name in range(2, 20))
        assert draw.sum() == y.sum()


def test_one_check_has_the_plain_p_value_of_a_permutation_test(rng):
    strength = rng.normal(size=(1, 500))
    assert adjusted_p_values(strength)[0] == (strength[0] >= strength[0, 0]).mean()


def test_step_down_against_loops(rng):
    strength = rng.normal(size=(6, 200)) * rng.uniform(1, 9, (6, 1))
    strength[2, 0] += 90
    strength[4, 0] += 12
    z = (strength - strength.mean(axis=1, keepdims=True)) / strength.std(axis=1, keepdims=True)
    left, expected, last = set(range(6)), {}, 0.0
    while left:
        best = max(left, key=lambda check: z[check, 0])
        beaten = [max(z[check, draw] for check in left) >= z[best, 0] for draw in range(200)]
        last = max(last, np.mean(beaten))
        expected[best] = last
        left.remove(best)
    assert adjusted_p_values(strength) == pytest.approx([expected[check] for check in range(6)])


def test_a_property_without_variation_is_no_evidence():
    strength = np.vstack([np.zeros(100), np.r_[100.0, np.zeros(99)]])
    assert adjusted_p_values(strength).tolist() == [1.0, 0.01]


def test_strength_of_kinds_is_the_likelihood_ratio_statistic(rng):
    code = rng.integers(0, 4, 200)
    labels = rng.random((200, 3)) < 0.3 + 0.1 * code[:, None]
    predictor = KindPredictor(np.arange(200), code, list("abcd"))
    for column, strength in zip(labels.T, predictor.strength(labels), strict=True):
        table = [np.bincount(code[column == label], minlength=4) for label in (0, 1)]
        expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        assert strength == pytest.approx(expected)


def test_auc_of_kinds_against_a_loop(rng):
    code = rng.integers(0, 5, 150)
    y = (rng.random(150) < 0.2 + 0.15 * code).astype(int)
    rows = np.arange(0, 150, 2)  # the property is known of every other picture
    folds = [rng.integers(0, 5, 150) for _ in range(2)]
    predictor = KindPredictor(rows, code[rows], list("abcde"))
    aucs = []
    for fold in folds:
        for number in range(5):
            train = [row for row in rows if fold[row] != number]
            test = [row for row in rows if fold[row] == number]
            prior = np.mean([y[row] for row in train])
            score = []
            for row in test:
                same = [y[other] for other in train if code[other] == code[row]]
                score.append((sum(same) + 2 * prior) / (len(same) + 2))
            aucs.append(roc_auc_score(y[test], score))
    assert predictor.auc(y, folds) == pytest.approx(np.mean(aucs))


def test_an_auc_without_both_classes_is_not_defined():
    predictor = KindPredictor(np.arange(4), np.zeros(4, int), ["a"])
    assert np.isnan(predictor.auc(np.array([0, 0, 1, 1]), [np.array([0, 0, 1, 1])]))


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_strength_of_a_mean_difference_is_the_squared_correlation(rng, container):
    features = (rng.random((120, 6)) < 0.4).astype(np.float32)
    labels = rng.random((120, 4)) < 0.5
    predictor = MeanDifferencePredictor(np.arange(120), container(features), 2)
    for column, strength in zip(labels.T, predictor.strength(labels), strict=True):
        squared = [120 * pearsonr(feature, column)[0] ** 2 for feature in features.T]
        assert strength == pytest.approx(np.mean(sorted(squared)[-2:]), rel=1e-3)


def test_a_mean_difference_is_learned_from_other_folds_alone(rng):
    noise = rng.normal(size=(200, 400)).astype(np.float32)
    y = rng.integers(0, 2, 200)
    folds = draw_folds(y, np.arange(200), np.random.RandomState(0))
    assert abs(MeanDifferencePredictor(np.arange(200), noise, 20).auc(y, folds) - 0.5) < 0.1
    noise[:, 7] += 3 * y
    assert MeanDifferencePredictor(np.arange(200), noise, 20).auc(y, folds) > 0.8


def test_frequent_values_are_kinds_of_their_own(rng):
    values = np.r_[np.full(150, 1.0), rng.uniform(0, 2, 150)]
    code, names = sort_into_kinds(values, show="{:.3f}".format)
    assert set(code[:150]) == {names.index("1.000")}
    assert not set(code[:150]) & set(code[150:])
    others = [np.sort(values[code == kind]) for kind in set(code[150:])]
    assert all((a[-1] < b[0]) or (b[-1] < a[0]) for a in others for b in others if a is not b)
    assert max(map(len, others)) <= 2 * min(map(len, others))


def test_rare_categories_are_one_kind():
    code, names = sort_into_kinds(["a"] * 9 + ["b"] * 5 + ["c", "d", ""])
    assert names == ["a", "b", "any other"]
    assert code.tolist() == [0] * 9 + [1] * 5 + [2] * 3
