import warnings

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from sklearn_ssafe import TooFewRealPicturesWarning, threshold_for_fpr
from sklearn_ssafe.estimators.thresholds import real_pictures_needed, upper_bound


@pytest.mark.parametrize(("n_false", "n_real"), [(0, 1), (0, 299), (3, 500), (17, 40), (40, 40)])
@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_the_bound_is_that_of_scipys_binomial_test(n_false, n_real, confidence):
    exact = binomtest(n_false, n_real, alternative="less").proportion_ci(confidence, "exact")
    assert upper_bound(n_false, n_real, confidence) == pytest.approx(exact.high)


@pytest.mark.parametrize("target", [0.001, 0.01, 0.2])
def test_as_many_as_needed_and_not_one_fewer(target):
    n = real_pictures_needed(target)
    assert upper_bound(0, n, 0.95) <= target < upper_bound(0, n - 1, 0.95)


@pytest.mark.parametrize("n", [1, 60, 299, 1000])
@pytest.mark.parametrize("target", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("confidence", [0.9, 0.95, None])
@pytest.mark.parametrize("decimals", [1, 9])  # with ties and without
def test_no_lower_threshold_keeps_the_promise(n, target, confidence, decimals):
    scores = np.round(np.random.default_rng(n).random(n), decimals)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TooFewRealPicturesWarning)
        point = threshold_for_fpr(scores, target, confidence=confidence)

    def keeps(threshold):
        n_false = int((scores > threshold).sum())
        if confidence is None:
            return n_false / n <= target
        exact = binomtest(n_false, n, alternative="less").proportion_ci(confidence, "exact")
        return exact.high <= target

    possible = [score for score in np.unique(scores) if keeps(score)]
    assert point.threshold == (min(possible) if possible else scores.max())
    assert point.n_false == (scores > point.threshold).sum()
    assert point.fpr == point.n_false / n


def test_too_few_real_pictures_are_told_how_many_are_needed():
    with pytest.warns(TooFewRealPicturesWarning, match="at least 299 are needed"):
        point = threshold_for_fpr(np.linspace(0, 0.8, 50), 0.01)
    assert point.threshold == 0.8
    assert not point.promised
    assert point.fpr_upper_bound == pytest.approx(1 - 0.05 ** (1 / 50))


def test_the_promise_is_kept_as_often_as_it_says():
    # Scores are uniform, so the true rate of threshold t is 1 - t.
    rng = np.random.default_rng(0)
    rates = np.array([1 - threshold_for_fpr(rng.random(400), 0.05).threshold for _ in range(2000)])
    kept = (rates <= 0.05).sum()
    assert binom.cdf(kept, 2000, 0.95) > 0.001  # at least 95 %, chance aside
    assert np.median(rates) > 0.02  # and not by accusing nobody


@pytest.mark.parametrize("scores", [[], [0.1, np.nan]])
def test_scores_that_are_none(scores):
    with pytest.raises(ValueError, match="finite scores"):
        threshold_for_fpr(scores, 0.1)
