import matplotlib
import numpy as np
import pytest

from sklearn_ssafe import compare_detectors
from sklearn_ssafe.comparison import ComparisonDisplay

from ..metrics.test_displays import labelled, marks, ticks

matplotlib.use("agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_candidates_are_drawn_the_best_on_top():
    X, y, known = labelled()
    pictures = [np.zeros((8, 8), np.uint8)] * len(y)
    options = {"encoders": {"mine": X}, "heads": ["linear", "knn"], **known}
    display = ComparisonDisplay.from_pictures(pictures, y, **options)
    table = display.frame()
    assert ticks(display.ax_) == (table["input"] + " / " + table["head"]).tolist()
    shown = marks(display.ax_)
    assert [shown[place] for place in range(4)] == pytest.approx(table["auc"].tolist())
    target = X[:, 0] + np.random.default_rng(0).normal(size=len(y))
    regression = compare_detectors(pictures, target, **options)
    drawn = ComparisonDisplay.from_result(regression, metric="rmse")
    assert drawn.ax_.get_xlabel() == "RMSE"
    values = list(marks(drawn.ax_).values())
    assert values == sorted(values)
    with pytest.raises(ValueError, match="got 'auc'"):
        drawn.plot(metric="auc")
