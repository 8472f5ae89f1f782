import matplotlib
import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier

from sklearn_ssafe import detection_report
from sklearn_ssafe.metrics import GeneratorReportDisplay, ScoreDistributionDisplay

matplotlib.use("agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def labelled(n=40):
    names = np.repeat(["a", "b", "camera", "phone"], n)
    y = np.repeat([1, 1, 0, 0], n)
    X = (
        np.random.default_rng(0).normal(size=(4 * n, 2))
        + y[:, None] * np.repeat([1, 3, 0, 0], n)[:, None]
    )
    return X, y, {"generator": np.where(y, names, ""), "source": np.where(y, "", names)}


def marks(ax):
    """The x of every mark with a shape, by row of the plot."""
    return {
        round(float(np.ravel(line.get_ydata())[0]), 6): float(np.ravel(line.get_xdata())[0])
        for line in ax.lines
        if line.get_marker() in ("^", "o", "D", "s")
    }


def ticks(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


@pytest.mark.parametrize("metric", ["rate", "auc", "ece"])
def test_the_report_is_drawn_the_worst_on_top(metric):
    X, y, known = labelled()
    score = LogisticRegression().fit(X, y).predict_proba(X)[:, 1]
    report = detection_report(y, score, n_resamples=50, **known)
    display = GeneratorReportDisplay.from_result(report, metric=metric)
    table = display.frame().set_index("name")
    shown = marks(display.ax_)
    assert len(shown) == 4
    for place, text in enumerate(ticks(display.ax_)):
        row = table.loc[text.split()[0]]
        column = {"generated": "tpr", "real": "fpr"}[row["class"]] if metric == "rate" else metric
        assert shown[place] == pytest.approx(row[column])
        assert ("*" in text) == row["small"]
    if metric != "ece":
        assert ticks(display.ax_)[0].startswith("a ")
    with pytest.raises(ValueError, match="got 'f1'"):
        display.plot(metric="f1")


def test_a_fitted_detector_brings_its_threshold():
    X, y, known = labelled()
    strict = FixedThresholdClassifier(LogisticRegression(), threshold=0.8).fit(X, y)
    score = strict.predict_proba(X)[:, 1]
    _, axis = plt.subplots()
    display = GeneratorReportDisplay.from_estimator(strict, X, y, n_resamples=0, ax=axis, **known)
    assert display.ax_ is axis
    by_hand = detection_report(y, score, threshold=0.8, n_resamples=0, **known).frame()
    assert display.frame().equals(by_hand)
    assert "the detector's own" in str(display.report)
    spread = ScoreDistributionDisplay.from_estimator(strict, X, y, **known)
    called = spread.frame()["score"] >= spread.frame()["threshold"]
    np.testing.assert_array_equal(called, score >= 0.8)
    outliers = IsolationForest(n_estimators=10, random_state=0).fit(X[y == 0])
    for kind, options in (
        (GeneratorReportDisplay, {"n_resamples": 0}),
        (ScoreDistributionDisplay, {}),
    ):
        drawn = kind.from_estimator(outliers, X, y, **options, **known)
        assert len(ticks(drawn.ax_)) == 4


def test_words_as_labels():
    X, y, known = labelled()
    words = np.array(["photo", "ai"])[y]
    fitted = LogisticRegression().fit(X, words)
    options = {"pos_label": "ai", **known}
    for kind in (GeneratorReportDisplay, ScoreDistributionDisplay):
        assert ticks(kind.from_estimator(fitted, X, words, **options).ax_)[0].startswith("a")


def test_scores_are_drawn_by_median():
    _, y, known = labelled()
    score = np.random.default_rng(0).uniform(size=len(y)) + 0.5 * (known["generator"] == "b")
    display = ScoreDistributionDisplay.from_predictions(y, score, threshold=0.7, **known)
    assert ticks(display.ax_)[:2] == ["a", "b"]
    shown = marks(display.ax_)
    for place, name in enumerate(ticks(display.ax_)):  # noqa: B007  (query reads it)
        mine = display.frame().query("name == @name")["score"]
        assert shown[place] == pytest.approx(mine.median())
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["generated", "real", "threshold"]


def test_a_threshold_for_each_fold():
    _, y, known = labelled()
    score = np.random.default_rng(0).uniform(size=len(y))
    fold = np.tile([0, 1], len(y) // 2)
    report = detection_report(
        y, score, fold=fold, threshold=0.4 + 0.2 * fold, n_resamples=0, **known
    )
    display = ScoreDistributionDisplay.from_result(report)
    dotted = [line.get_xdata()[0] for line in display.ax_.lines if line.get_linestyle() == ":"]
    assert dotted == pytest.approx([0.4, 0.6])
