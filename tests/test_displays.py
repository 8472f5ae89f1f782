"""What every display promises: made of a result and plotted at once, one figure, a frame."""

import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression

from sklearn_ssafe import (
    GeneratorCurator,
    audit_leaks,
    compare_detectors,
    detection_report,
    robustness_curve,
)
from sklearn_ssafe.comparison import ComparisonDisplay
from sklearn_ssafe.curation import CurationDisplay
from sklearn_ssafe.leaks import LeakAuditDisplay
from sklearn_ssafe.metrics import (
    CoverageRiskDisplay,
    GeneratorReportDisplay,
    ScoreDistributionDisplay,
)
from sklearn_ssafe.robustness import RobustnessCurveDisplay

from .conftest import encoded, picture
from .robustness.test_curve import SharpnessDetector

matplotlib.use("agg")
import matplotlib.pyplot as plt

Y = np.arange(24) % 2
ROWS = np.random.default_rng(0).normal(size=(24, 3)) + Y[:, None]
PICTURES = [encoded(picture(number), quality=90 - 20 * (number % 2)) for number in range(24)]
KNOWN = {
    "generator": np.where(Y == 1, np.char.add("g", (np.arange(24) % 3).astype(str)), ""),
    "source": np.where(Y == 0, np.char.add("s", (np.arange(24) % 4).astype(str)), ""),
}
SCORE = LogisticRegression().fit(ROWS, Y).predict_proba(ROWS)[:, 1]


def report():
    return detection_report(Y, SCORE, n_resamples=20, **KNOWN)


def comparison():
    return compare_detectors(
        PICTURES, Y, encoders={"mine": ROWS}, heads=["linear"], baselines=False, **KNOWN
    )


def curve():
    wanted = {"blur": [1], "jpeg": [50]}
    return robustness_curve(SharpnessDetector(), PICTURES, Y, perturbations=wanted, n_resamples=20)


def curator():
    return GeneratorCurator(2, n_samples=12, random_state=0).fit(
        ROWS, Y, generator=KNOWN["generator"]
    )


RESULTS = {
    GeneratorReportDisplay: report,
    ScoreDistributionDisplay: report,
    CoverageRiskDisplay: report,
    ComparisonDisplay: comparison,
    RobustnessCurveDisplay: curve,
    LeakAuditDisplay: lambda: audit_leaks(PICTURES, Y, n_permutations=99),
    CurationDisplay: curator,
}


@pytest.fixture(scope="module", params=RESULTS, ids=lambda kind: kind.__name__)
def made(request):
    return request.param, RESULTS[request.param]()


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_it_is_plotted_in_one_figure_however_often(made):
    kind, result = made
    display = kind.from_result(result)
    assert isinstance(display, kind)
    assert isinstance(display.ax_, Axes)
    assert isinstance(display.figure_, Figure)
    assert display.ax_.figure is display.figure_
    n_axes = len(display.figure_.axes)
    assert n_axes
    assert display.plot() is display
    assert len(plt.get_fignums()) == 1
    assert len(display.figure_.axes) == n_axes
    plt.close("all")
    display.plot()  # a notebook closes figures that it has shown
    assert plt.get_fignums() == [display.figure_.number]
    # What a notebook shows by itself beside the figure is text.
    assert not any(hasattr(display, f"_repr_{kind}_") for kind in ("html", "png", "svg", "jpeg"))


def test_it_draws_where_it_is_told(made):
    kind, result = made
    figure, (left, right) = plt.subplots(1, 2)
    display = kind.from_result(result, ax=right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert not left.has_data()
    assert len(figure.axes) > 2 or right.has_data()
    assert plt.get_fignums() == [figure.number]


def test_the_frame_is_a_copy_and_needs_no_matplotlib(made, monkeypatch):
    kind, result = made
    display = kind.from_result(result)
    table = display.frame()
    assert isinstance(table, pd.DataFrame)
    assert len(table)
    table["mine"] = 0
    assert "mine" not in display.frame()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    assert len(display.frame()) == len(table)
    for ax in (None, display.ax_):
        with pytest.raises(ImportError, match=r'pip install "sklearn-ssafe\[explain\]"'):
            display.plot(ax)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (GeneratorReportDisplay, {"n_resamples": 0, **KNOWN}),
        (ScoreDistributionDisplay, KNOWN),
        (CoverageRiskDisplay, KNOWN),
    ],
)
def test_predictions_and_the_estimator_that_made_them_give_one_frame(kind, given):
    fitted = LogisticRegression().fit(ROWS, Y)
    of_estimator = kind.from_estimator(fitted, ROWS, Y, **given)
    of_scores = kind.from_predictions(Y, SCORE, **given)
    pd.testing.assert_frame_equal(of_estimator.frame(), of_scores.frame())
    assert len(plt.get_fignums()) == 2


def test_pictures_and_detectors_are_computed_and_plotted():
    options = {"perturbations": {"blur": [1]}, "n_resamples": 0}
    drawn = RobustnessCurveDisplay.from_estimator(
        SharpnessDetector(), PICTURES, Y, metric="fpr", **options
    )
    pd.testing.assert_frame_equal(
        drawn.frame(), robustness_curve(SharpnessDetector(), PICTURES, Y, **options).frame()
    )
    audited = LeakAuditDisplay.from_pictures(PICTURES, Y, n_permutations=99)
    assert audited.ax_.get_yticklabels()
    curated = CurationDisplay.from_estimator(curator(), cmap="gray")
    assert curated.ax_.images[0].get_cmap().name == "gray"
    assert len(plt.get_fignums()) == 3
