import numpy as np
import pytest
from scipy.cluster.hierarchy import leaves_list
from sklearn.exceptions import NotFittedError

from sklearn_ssafe import GeneratorCurator
from sklearn_ssafe.curation import CurationDisplay


@pytest.fixture(scope="module")
def curator():
    rng = np.random.default_rng(0)
    names = np.repeat(["", "a", "b", "c", "d", "e"], 20)
    X = rng.normal(size=(120, 4)) + rng.normal(size=(6, 4)).repeat(20, axis=0)
    curator = GeneratorCurator(3, n_samples=30, random_state=0)
    return curator.fit(X, (names != "").astype(int), generator=names)


def test_the_frame_is_in_the_order_of_the_tree(curator):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    table = CurationDisplay.from_estimator(curator).frame()
    plt.close("all")
    order = leaves_list(curator.linkage_)
    assert table["generator"].tolist() == curator.generators_[order].tolist()
    assert table["cluster"].tolist() == curator.clusters_[order].tolist()
    chosen = table.dropna(subset="order").sort_values("order")
    assert chosen["generator"].tolist() == curator.selected_generators_.tolist()
    matrix = table[[f"to {name}" for name in table["generator"]]]
    np.testing.assert_array_equal(matrix, curator.distances_[np.ix_(order, order)])
    for row in table.itertuples():
        place = list(curator.generators_).index(row.generator)
        places = [list(curator.generators_).index(name) for name in curator.selected_generators_]
        distances = curator.distances_[place, places]
        assert row.to_nearest == distances.min()
        assert row.nearest == curator.selected_generators_[distances.argmin()]
        if row.generator in curator.selected_generators_:
            assert (row.nearest, row.to_nearest) == (row.generator, 0)


def test_the_plot_shows_the_frame_and_marks_the_chosen(curator):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    display = CurationDisplay.from_estimator(curator)
    assert display.plot() is display
    table = display.frame()
    shown = display.ax_.images[0].get_array()
    np.testing.assert_array_equal(shown, table[[f"to {name}" for name in table["generator"]]])
    marks = {mark.get_position()[0]: mark.get_text() for mark in display.ax_.texts}
    ordered = table["order"].dropna()
    assert marks == {row: str(number) for row, number in ordered.items()}
    bold = [
        tick.get_text() for tick in display.ax_.get_yticklabels() if tick.get_weight() == "bold"
    ]
    assert set(bold) == set(curator.selected_generators_)
    _, ax = plt.subplots()
    assert display.plot(ax, cmap="gray").ax_ is ax
    assert display.figure_ is ax.figure
    plt.close("all")


def test_one_generator_can_be_shown(curator):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    display = CurationDisplay([[0.0]], np.empty((0, 4)), ["a"], [1], ["a"])
    assert display.frame()["order"].tolist() == [1]
    assert display.plot().ax_.images[0].get_array().shape == (1, 1)
    plt.close("all")


def test_an_unfitted_curator_is_refused():
    with pytest.raises(NotFittedError):
        CurationDisplay.from_estimator(GeneratorCurator())
