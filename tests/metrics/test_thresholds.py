import warnings

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_ssafe import SSAFEClassifier
from sklearn_ssafe.exceptions import TooFewRealPicturesWarning
from sklearn_ssafe.metrics import threshold_for_fpr
from sklearn_ssafe.metrics.scores import score_and_verdict
from sklearn_ssafe.metrics.thresholds import operating_threshold, real_pictures_needed, upper_bound


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


RNG = np.random.default_rng(0)
Y = np.arange(240) % 2
X = RNG.normal(size=(240, 3)) + 0.8 * Y[:, None]
LOGISTIC = LogisticRegression()


@pytest.mark.parametrize(
    ("detector", "expected", "words"),
    [
        (LOGISTIC, lambda d: 0.5, "nobody chose it"),
        (make_pipeline(StandardScaler(), LinearSVC()), lambda d: 0, "decision value"),
        (GridSearchCV(LOGISTIC, {"C": [0.1, 1]}), lambda d: 0.5, "LogisticRegression"),
        (FixedThresholdClassifier(LOGISTIC, threshold=0.8), lambda d: 0.8, "set beforehand"),
        (TunedThresholdClassifierCV(LOGISTIC), lambda d: d.best_threshold_, "cross-validation"),
        (SSAFEClassifier(None, threshold=0.7), lambda d: 0.7, "not chosen from data"),
        (SSAFEClassifier(None, target_fpr=0.1), lambda d: d.threshold_, "at most 10 %"),
        (IsolationForest(random_state=0, contamination=0.1), lambda d: 0, "0.1 of the training"),
    ],
)
def test_verdicts_follow_the_threshold_that_is_told(detector, expected, words):
    detector.fit(X, Y)
    score, called = score_and_verdict(detector, X)
    found = operating_threshold(detector, score, called)
    assert found.followed
    assert found.value == pytest.approx(expected(detector))
    assert words in found.origin
    np.testing.assert_array_equal(score >= found.lowest_called, called)
    assert found.lowest_called == pytest.approx(found.value)


def test_a_score_at_the_threshold_is_called_as_the_detector_calls_it():
    detector = SSAFEClassifier(None, target_fpr=0.1).fit(X, Y)
    detector.threshold_ = score_and_verdict(detector, X)[0][7]
    score, called = score_and_verdict(detector, X)
    found = operating_threshold(detector, score, called)
    assert not called[7]
    assert found.value == score[7]
    np.testing.assert_array_equal(score >= found.lowest_called, called)


class Odd(BaseEstimator):
    """Has a threshold in `predict` that it does not tell."""

    def predict_proba(self, X):
        """Only its presence counts here."""


def test_a_threshold_that_is_not_told_is_read_from_the_verdicts():
    score = np.array([0.1, 0.6, 0.7, 0.9])
    found = operating_threshold(Odd(), score, score > 0.65)
    assert (found.value, found.followed) == (0.7, True)
    nothing = operating_threshold(Odd(), score, score > 2)
    assert nothing.followed
    assert nothing.value > 0.9


def test_verdicts_that_follow_no_threshold_are_noted():
    score = np.array([0.1, 0.6, 0.7, 0.9])
    found = operating_threshold(Odd(), score, np.array([False, True, False, True]))
    assert (found.value, found.followed) == (0.5, False)
