import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_ssafe import SSAFEClassifier
from sklearn_ssafe.metrics import ScoreDistributionDisplay
from sklearn_ssafe.metrics.scores import detector_scores, operating_threshold, score_and_verdict

RNG = np.random.default_rng(0)
Y = np.repeat([0, 1], 40)
LOGISTIC = LogisticRegression()
X = RNG.normal(size=(80, 3)) + 0.8 * Y[:, None]


class CountingEncoder(TransformerMixin, BaseEstimator):
    """Passes rows on and counts them."""

    rows = 0

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        CountingEncoder.rows += len(X)
        return X

    def get_feature_names_out(self, input_features=None):
        return np.array(["a", "b", "c"])

    def __sklearn_is_fitted__(self):
        return True


def pipeline(head):
    return make_pipeline(CountingEncoder(), "passthrough", StandardScaler(), head)


PLAIN = [
    pipeline(LogisticRegression()),
    pipeline(KNeighborsClassifier()),
    GridSearchCV(pipeline(LogisticRegression()), {"logisticregression__C": [0.1, 1]}),
]
THRESHOLDS = [
    FixedThresholdClassifier(pipeline(LogisticRegression()), threshold=0.8),
    TunedThresholdClassifierCV(pipeline(LogisticRegression()), scoring="accuracy"),
    pipeline(TunedThresholdClassifierCV(LogisticRegression(), scoring="f1")),
]


@pytest.mark.parametrize(
    ("estimator", "labels"),
    [
        *((estimator, (0, 1)) for estimator in PLAIN + THRESHOLDS),
        *((estimator, ("real", "fake")) for estimator in PLAIN),
    ],
)
def test_it_says_what_the_estimator_says_and_encodes_once(estimator, labels):
    fitted = clone(estimator).fit(X, np.array(labels)[Y])
    CountingEncoder.rows = 0
    score, verdict = score_and_verdict(fitted, X, pos_label=labels[1])
    assert CountingEncoder.rows == len(X)
    column = list(fitted.classes_).index(labels[1])
    np.testing.assert_array_equal(score, fitted.predict_proba(X)[:, column])
    np.testing.assert_array_equal(verdict, fitted.predict(X) == labels[1])


@pytest.mark.parametrize("labels", [(0, 1), ("real", "fake")])
@pytest.mark.parametrize("head", [LinearSVC(), RidgeClassifier()])
def test_a_decision_function_points_at_generated_whatever_the_order_of_classes(head, labels):
    y = np.array(labels)[Y]
    score, verdict = score_and_verdict(pipeline(head).fit(X, y), X, pos_label=labels[1])
    np.testing.assert_array_equal(score > 0, verdict)
    assert score[Y == 1].mean() > score[Y == 0].mean()


def test_outliers_are_generated():
    forest = pipeline(IsolationForest(random_state=0)).fit(X[Y == 0])
    score, verdict = score_and_verdict(forest, X)
    np.testing.assert_array_equal(verdict, forest.predict(X) == -1)
    np.testing.assert_array_equal(score, -forest.decision_function(X))


def test_a_detector_with_a_threshold_of_its_own_is_asked_for_scores_alone():
    class Detector(BaseEstimator):
        classes_ = np.array([0, 1])
        threshold_ = 0.7

        def predict_proba(self, X):
            return np.column_stack([1 - X, X])

    score, verdict = score_and_verdict(Detector(), np.array([0.6, 0.7, 0.8]))
    np.testing.assert_allclose(score, [0.6, 0.7, 0.8])
    assert verdict.tolist() == [False, True, True]


@pytest.mark.parametrize("table", [False, True])
def test_rows_that_the_encoder_gave_up_on_cost_themselves(table):
    estimator = pipeline(LogisticRegression())
    if table:
        estimator.set_output(transform="pandas")
    frame = pd.DataFrame(X, columns=list("abc"))
    estimator.fit(frame, Y)
    damaged = frame.copy()
    damaged.iloc[[0, 5]] = np.nan
    score, verdict = score_and_verdict(estimator, damaged)
    sound = np.setdiff1d(np.arange(80), [0, 5])
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(score)), [0, 5])
    np.testing.assert_array_equal(score[sound], estimator.predict_proba(frame)[sound, 1])
    np.testing.assert_array_equal(verdict[sound], estimator.predict(frame)[sound] == 1)
    assert np.isnan(score_and_verdict(estimator, damaged.iloc[[0, 5]])[0]).all()


def test_an_unknown_class_and_a_missing_score_are_explained():
    with pytest.raises(ValueError, match=r"classes \[0, 1\], and pos_label='fake'"):
        score_and_verdict(pipeline(LogisticRegression()).fit(X, Y), X, pos_label="fake")

    class Blunt(BaseEstimator):
        classes_ = np.array([0, 1])

    with pytest.raises(ValueError, match="Blunt has neither"):
        score_and_verdict(Blunt(), X)


@pytest.mark.parametrize(
    ("detector", "expected", "words"),
    [
        (LOGISTIC, lambda d: 0.5, "not chosen by anybody"),
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


@pytest.mark.parametrize(
    "threshold_of",
    [
        lambda value: SSAFEClassifier(None, cv=None, threshold=value),
        lambda value: FixedThresholdClassifier(LOGISTIC, threshold=value),
    ],
)
def test_a_score_at_the_threshold_is_called_generated(threshold_of):
    at = detector_scores(threshold_of(0.5).fit(X, Y), X)[7]
    score, called = score_and_verdict(threshold_of(at).fit(X, Y), X)
    assert called[7]
    np.testing.assert_array_equal(score >= at, called)


def test_a_tie_of_predict_is_called_as_predict_does():
    flat = LogisticRegression().fit([[-1.0], [1.0]], [0, 1])
    rows = np.array([[-1.0], [0.0], [1.0]])
    score, called = score_and_verdict(flat, rows)
    assert (score[1], called[1]) == (0.5, False)
    found = operating_threshold(flat, score, called)
    assert (found.value, found.lowest_called) == (0.5, np.nextafter(0.5, 1))


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_an_outlier_detector_has_one_score(threshold):
    forest = IsolationForest(random_state=0).fit(X[Y == 0])
    given = {} if threshold is None else {"threshold": threshold}
    display = ScoreDistributionDisplay.from_estimator(forest, X, Y, **given)
    np.testing.assert_array_equal(display.frame()["score"], -forest.decision_function(X))
    called = display.frame()["score"] >= display.frame()["threshold"]
    if threshold is None:
        np.testing.assert_array_equal(called, forest.predict(X) == -1)


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
