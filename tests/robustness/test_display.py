import numpy as np
import pytest

from sklearn_ssafe import robustness_curve
from sklearn_ssafe.robustness import RobustnessCurveDisplay

from .test_curve import SharpnessDetector, noisy_pictures

WANTED = {"resize_nearest": [0.5, 2], "blur": [1], "resize_lanczos": [0.5, 2]}


@pytest.fixture(scope="module")
def curve():
    return robustness_curve(SharpnessDetector(), *noisy_pictures(12), perturbations=WANTED)


@pytest.fixture(autouse=True)
def no_window():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    yield
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("metric", ["balanced_accuracy", "tpr", "fpr", "auc", "flipped"])
def test_the_lines_are_the_frames_figures(curve, metric):
    display = RobustnessCurveDisplay(curve).plot(metric=metric)
    table = display.frame()
    assert table.equals(curve.frame())
    assert [axis.get_title() for axis in display.axes_] == ["resize", "blur"]
    unchanged, *lines = display.axes_[0].lines
    assert set(unchanged.get_ydata()) == {table.loc[0, metric]}
    assert [line.get_label() for line in lines] == ["nearest", "lanczos"]
    for line in lines:
        mine = table["perturbation"] == f"resize_{line.get_label()}"
        np.testing.assert_array_equal(line.get_ydata(), table.loc[mine, metric])
    ticks = [label.get_text() for label in display.axes_[0].get_xticklabels()]
    assert ticks == ["0.5", "2"]
    # Told apart without colour.
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 2
    n_intervals = sum(len(c.get_segments()) for c in display.axes_[0].collections)
    assert n_intervals == (0 if metric == "flipped" else 4)


def test_it_takes_the_place_of_given_axes(curve):
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2)
    display = RobustnessCurveDisplay(curve).plot(left)
    assert display.figure_ is figure
    assert not left.axison
    assert right.axison
    assert len(figure.axes) == 4


def test_it_takes_the_place_of_axes_in_no_grid(curve):
    import matplotlib.pyplot as plt

    ax = plt.figure().add_axes((0.1, 0.2, 0.6, 0.7))
    display = RobustnessCurveDisplay(curve).plot(ax)
    place = ax.get_position()
    for panel in display.axes_:
        inside = panel.get_position()
        assert place.x0 - 1e-9 <= inside.x0 < inside.x1 <= place.x1 + 1e-9
        assert place.y0 - 1e-9 <= inside.y0 < inside.y1 <= place.y1 + 1e-9


def test_from_estimator_computes_and_draws():
    X, y = noisy_pictures(12)
    display = RobustnessCurveDisplay.from_estimator(
        SharpnessDetector(), X, y, perturbations=WANTED, metric="fpr", random_state=3
    )
    expected = robustness_curve(
        SharpnessDetector(), X, y, perturbations=WANTED, random_state=3
    ).frame()
    assert display.frame().equals(expected)
    assert display.axes_[0].get_ylabel() == "false-positive rate"


def test_an_unknown_metric_is_explained(curve):
    with pytest.raises(ValueError, match="balanced_accuracy, tpr"):
        RobustnessCurveDisplay(curve).plot(metric="accuracy")
