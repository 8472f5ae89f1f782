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

from sklearn_ssafe.metrics.scores import score_and_verdict

RNG = np.random.default_rng(0)
Y = np.repeat([0, 1], 40)
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
    assert verdict.tolist() == [False, False, True]


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
