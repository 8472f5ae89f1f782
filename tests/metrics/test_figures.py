import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, make_scorer, roc_auc_score, roc_curve
from sklearn.model_selection import cross_val_score

from sklearn_ssafe.metrics import equal_error_rate, expected_calibration_error, tpr_at_fpr
from sklearn_ssafe.metrics.figures import RocCounts


def scored(seed, n=60, ties=True):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], [n // 3, n - n // 3]))
    score = rng.normal(size=n) + y
    return y, np.round(score, 1) if ties else score


@pytest.mark.parametrize("seed", range(5))
def test_weighted_curves_are_scikit_learns(seed):
    y, score = scored(seed)
    weights = np.random.default_rng(seed).integers(0, 4, (6, len(y)))
    counts = RocCounts(y == 1, score, weights)
    for draw, weight in enumerate(weights):
        expected = roc_auc_score(y, score, sample_weight=weight)
        assert counts.auc()[draw] == pytest.approx(expected)
        expected = average_precision_score(y, score, sample_weight=weight)
        assert counts.average_precision()[draw] == pytest.approx(expected)
        fpr, tpr, _ = roc_curve(y, score, sample_weight=weight, drop_intermediate=False)
        for max_fpr in (0.0, 0.05, 0.3):
            expected = tpr[fpr <= max_fpr + 1e-9].max()
            assert counts.tpr_at_fpr(max_fpr)[draw] == pytest.approx(expected)


def test_a_draw_without_one_class_is_nan():
    y = np.array([True, False, True])
    counts = RocCounts(y, np.array([0.3, 0.2, 0.1]), np.array([[1, 0, 1], [0, 2, 0], [1, 1, 1]]))
    for values in (
        counts.auc(),
        counts.average_precision(),
        counts.tpr_at_fpr(0.5),
        counts.equal_error_rate(),
    ):
        assert np.isnan(values).tolist() == [True, True, False]


@pytest.mark.parametrize("seed", range(10))
def test_the_equal_error_rate_is_where_the_curve_meets_the_diagonal(seed):
    y, score = scored(seed)
    fpr, tpr, _ = roc_curve(y, score, drop_intermediate=False)
    # A fine walk along the straight pieces of the curve.
    part = np.linspace(0, 1, 20001)
    position = np.arange(len(fpr)) / (len(fpr) - 1)
    along = np.interp(part, position, fpr), 1 - np.interp(part, position, tpr)
    nearest = np.argmin(np.abs(along[0] - along[1]))
    assert equal_error_rate(y, score) == pytest.approx(along[0][nearest], abs=1e-3)


def test_the_equal_error_rate_of_cases_known():
    assert equal_error_rate([0, 0, 1, 1], [1, 2, 3, 4]) == 0
    assert equal_error_rate([0, 0, 1, 1], [3, 4, 1, 2]) == 1
    assert equal_error_rate([0, 1], [5, 5]) == 0.5
    # From 5 up, one of three real pictures is called generated; above 3, a generated one is missed.
    assert equal_error_rate([0, 0, 0, 1, 1, 1], [1, 2, 5, 3, 6, 7]) == pytest.approx(1 / 3)


def test_recall_at_a_false_positive_rate_by_hand():
    y = [0] * 100 + [1] * 4
    score = [*range(100), 93.5, 95.5, 98.5, 200]
    # The threshold may call 5 of 100 real ones generated: those scoring 95 to 99.
    assert tpr_at_fpr(y, score, max_fpr=0.05) == 0.75
    assert tpr_at_fpr(y, score, max_fpr=0.01) == 0.5
    assert tpr_at_fpr(y, score, max_fpr=0) == 0.25
    assert tpr_at_fpr(y, score, max_fpr=1) == 1
    with pytest.raises(ValueError, match="max_fpr must be from 0 to 1, got 5"):
        tpr_at_fpr(y, score, max_fpr=5)


@pytest.mark.parametrize("n_bins", [1, 7, 15])
def test_calibration_error_by_hand(n_bins):
    rng = np.random.default_rng(0)
    probability = np.append(rng.uniform(size=200), [0.0, 1.0])
    y = np.append((rng.uniform(size=200) < probability[:200] ** 2).astype(int), [0, 1])
    expected = 0
    for start in range(n_bins):
        inside = (probability >= start / n_bins) & (probability < (start + 1) / n_bins)
        inside |= (probability == 1) & (start == n_bins - 1)
        if inside.any():
            expected += inside.sum() * abs(probability[inside].mean() - y[inside].mean())
    value = expected_calibration_error(y, probability, n_bins=n_bins)
    assert value == pytest.approx(expected / len(y))
    with pytest.raises(ValueError, match="from 0 to 1"):
        expected_calibration_error(y, probability + 1)


def test_strings_and_scorers():
    y, score = scored(0)
    words = np.where(y == 1, "fake", "real")
    for metric in (equal_error_rate, tpr_at_fpr):
        assert metric(words, score, pos_label="fake") == metric(y, score)
    X = score[:, None]
    scorer = make_scorer(tpr_at_fpr, response_method="decision_function", max_fpr=0.2)
    values = cross_val_score(LogisticRegression(), X, y, scoring=scorer, cv=3, error_score="raise")
    assert ((values >= 0) & (values <= 1)).all()


TYPES = ["bool", "int8", "uint8", "uint16", "uint64", "int64", "float16", "float32", "longdouble"]


@pytest.mark.parametrize("metric", [equal_error_rate, tpr_at_fpr])
@pytest.mark.parametrize("dtype", [*TYPES, object, "U3"])
def test_scores_of_every_numeric_type(metric, dtype):
    y = np.repeat([0, 1], 30)
    rng = np.random.default_rng(0)
    score = rng.integers(0, 2 if dtype == "bool" else 100, 60) // (2 - y if dtype != "bool" else 1)
    assert metric(y, score.astype(dtype)) == metric(y, score.astype(float))
    perfect = np.array([0, 0, 1, 1]).astype("U1" if dtype == "U3" else dtype)
    assert metric([0, 0, 1, 1], perfect) == (0 if metric is equal_error_rate else 1)


def test_whole_numbers_are_told_apart_where_floats_are_not():
    score = np.array([2**60, 2**60 + 1, 2**60 + 2, 2**60 + 3])
    for dtype in (np.int64, np.uint64):
        assert equal_error_rate([0, 0, 1, 1], score.astype(dtype)) == 0
        assert tpr_at_fpr([0, 0, 1, 1], score.astype(dtype)) == 1


@pytest.mark.parametrize("metric", [equal_error_rate, tpr_at_fpr])
@pytest.mark.parametrize("dtype", ["float16", "float64", object])
def test_a_score_that_is_missing_is_refused(metric, dtype):
    with pytest.raises(ValueError, match=r"1 of 4 pictures have no score \(NaN, first in row 2"):
        metric([0, 0, 1, 1], np.array([0.1, 0.2, np.nan, 0.4], dtype=dtype))
