import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier, StratifiedKFold
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_ssafe import LeaveOneGeneratorOut, cross_val_report, detection_report


def labelled(n=30, shift=1.5, seed=0):
    """Four generators and four cameras, `n` pictures each, and three features."""
    names = np.repeat(["a", "b", "c", "d", "cam 1", "cam 2", "cam 3", "cam 4"], n)
    y = np.repeat([1, 0], 4 * n)
    X = np.random.default_rng(seed).normal(size=(8 * n, 3)) + shift * y[:, None]
    known = {"generator": np.where(y == 1, names, ""), "source": np.where(y == 0, names, "")}
    return X, y, known, names


class Spy(ClassifierMixin, BaseEstimator):
    """Remembers what it was trained on, and which rows it scored."""

    trained = []  # noqa: RUF012  (shared by the clones, which is the point)

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.trained.append(X[:, 0].astype(int))
        return self

    def predict_proba(self, X):
        p = (X[:, 0] % 10) / 10
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype(int)]


@pytest.mark.parametrize("cv", [5, LeaveOneGeneratorOut()])
def test_what_is_tested_was_not_trained_on(cv):
    _, y, known, names = labelled()
    Spy.trained.clear()
    report = cross_val_report(
        Spy(), np.arange(len(y))[:, None], y, cv=cv, n_resamples=0, target_fpr=0.1, **known
    )
    assert report.settings["held_out"] == ("generated: whole generators; real: whole real sources")
    scores = report.scores
    assert sorted(scores["picture"]) == list(range(len(y)))
    n_inner = len(Spy.trained) // 4
    assert n_inner >= 2
    for fold in range(4):
        tested = set(names[scores["picture"][scores["fold"] == fold]])
        # Those that chose the threshold of the fold, and judge by majority.
        for trained in Spy.trained[fold * n_inner : (fold + 1) * n_inner]:
            assert not tested & set(names[trained])


def test_the_figures_are_those_of_its_own_scores():
    X, y, known, _ = labelled()
    report = cross_val_report(LogisticRegression(), X, y, n_resamples=0, **known)
    scores = report.scores.sort_values("picture")
    again = detection_report(
        y, scores["score"], fold=scores["fold"], n_resamples=0, **known
    ).frame()
    # The order of rows is another, and so is the last digit of a sum.
    pd.testing.assert_frame_equal(report.frame(), again, rtol=1e-12)
    assert report.frame().iloc[-1]["auc"] > 0.9


@pytest.mark.parametrize("target_fpr", [None, 0.1])
def test_the_order_of_rows_decides_nothing_where_all_are_named(target_fpr):
    X, y, known, _ = labelled()
    order = np.random.default_rng(0).permutation(len(y))
    options = {"n_resamples": 0, "target_fpr": target_fpr}
    first = cross_val_report(LogisticRegression(), X, y, **options, **known)
    of_order = {name: values[order] for name, values in known.items()}
    second = cross_val_report(LogisticRegression(), X[order], y[order], **options, **of_order)
    pd.testing.assert_frame_equal(second.frame(), first.frame(), rtol=1e-6)


def test_the_threshold_does_not_know_the_tested_part():
    X, y, known, names = labelled()
    options = {"target_fpr": 0.1, "n_resamples": 0, **known}
    first = cross_val_report(LogisticRegression(), X, y, **options).scores
    tested = np.isin(names, names[first["picture"][first["fold"] == 0]])
    changed = X + 5.0 * tested[:, None]
    second = cross_val_report(LogisticRegression(), changed, y, **options).scores
    for scores in (first, second):
        assert scores.groupby("fold")["threshold"].nunique().tolist() == [1] * 4
    assert first["threshold"][0] == second["threshold"][0]
    assert first["score"][0] != second["score"][0]


def test_the_threshold_keeps_the_rate_on_pictures_of_the_same_kind():
    X, y, known, _ = labelled(n=200, shift=0.5)
    report = cross_val_report(LogisticRegression(), X, y, target_fpr=0.05, n_resamples=0, **known)
    pooled = report.frame().iloc[-1]
    assert 0.01 < pooled["fpr"] < 0.05
    assert "FPR of 0.05" in report.settings["threshold_from"]


def test_a_rate_that_is_none():
    X, y, known, _ = labelled(n=10)
    with pytest.raises(ValueError, match="target_fpr must be between 0 and 1, got 1"):
        cross_val_report(LogisticRegression(), X, y, target_fpr=1, **known)


@pytest.mark.parametrize(
    "detector",
    [
        IsolationForest(n_estimators=20, random_state=0),
        make_pipeline(StandardScaler(), OneClassSVM()),
        LocalOutlierFactor(novelty=True),
        EllipticEnvelope(random_state=0),
    ],
)
def test_outlier_detectors_learn_from_real_pictures_alone(detector):
    X, y, known, _ = labelled(shift=4)
    options = {"target_fpr": 0.1, "n_resamples": 0, **known}
    report = cross_val_report(detector, X, y, **options)
    pooled = report.frame().iloc[-1]
    assert pooled["auc"] > 0.9
    assert pooled["tpr"] > 0.8
    assert pooled["fpr"] < 0.25
    assert report.settings["trained_on"] == "real pictures alone"
    # Other generated pictures in training change neither the real scores nor the thresholds.
    changed = X + 10 * y[:, None]
    other = cross_val_report(detector, changed, y, **options).scores
    real = ~report.scores["generated"]
    np.testing.assert_array_equal(other["score"][real], report.scores["score"][real])
    np.testing.assert_array_equal(other["threshold"], report.scores["threshold"])


def test_an_outlier_detector_has_a_rate_of_five_per_cent_by_default():
    X, y, known, _ = labelled()
    report = cross_val_report(IsolationForest(n_estimators=10), X, y, n_resamples=0, **known)
    assert "an FPR of 0.05" in report.settings["threshold_from"]


def test_a_classifiers_own_threshold_is_kept():
    X, y, known, _ = labelled(shift=1)
    plain = cross_val_report(LogisticRegression(), X, y, n_resamples=0, **known)
    assert plain.settings["threshold"] == [0.5]
    strict = FixedThresholdClassifier(LogisticRegression(), threshold=0.9)
    report = cross_val_report(strict, X, y, n_resamples=0, **known)
    called = report.scores["score"] >= report.scores["threshold"]
    np.testing.assert_array_equal(called, report.scores["score"] >= 0.9)
    assert cross_val_report(RidgeClassifier(), X, y, n_resamples=0, **known).settings[
        "threshold"
    ] == [0]


def test_words_as_labels_change_nothing():
    X, y, known, _ = labelled()
    for words in (np.array(["real", "fake"]), np.array(["a photo", "b ai"])):
        for model in (LogisticRegression(), RidgeClassifier()):
            report = cross_val_report(
                model, X, words[y], pos_label=words[1], n_resamples=0, **known
            )
            expected = cross_val_report(model, X, y, n_resamples=0, **known)
            np.testing.assert_allclose(
                report.frame()["auc"].astype(float), expected.frame()["auc"].astype(float)
            )


def test_a_split_that_leaks_is_named():
    X, y, known, _ = labelled()
    cv = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    report = cross_val_report(LogisticRegression(), X, y, cv=cv, n_resamples=0, **known)
    assert "4 of 4 generators are both trained on and tested" in report.settings["held_out"]
    assert "Held out: generated: single pictures or groups" in str(report)
    unnamed = cross_val_report(LogisticRegression(), X, y, n_resamples=0)
    assert "no generator is named" in unnamed.settings["held_out"]


def test_fewer_sources_than_generators_are_tested_more_than_once():
    X, y, known, _ = labelled()
    known["source"] = np.where(known["source"] == "cam 4", "cam 3", known["source"])
    report = cross_val_report(LogisticRegression(), X, y, cv=LeaveOneGeneratorOut(), **known)
    table = report.frame().set_index("name")
    assert len(report.scores) == len(y) + 60  # four generators, three cameras
    assert table.loc["cam 3", "pictures"] == 60
    assert table.loc["pooled", "compared_with"] == 120


def test_what_cannot_be_split_is_said():
    X, y, known, _ = labelled()
    with pytest.raises(ValueError, match="cannot be split"):
        cross_val_report(LogisticRegression(), X, y, groups=np.where(y == 1, "one", ""), **known)
