import numpy as np
import pytest
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
from sklearn_ssafe.evaluation.operating_threshold import operating_threshold
from sklearn_ssafe.evaluation.verdicts import score_and_verdict

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
