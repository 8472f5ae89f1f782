import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sklearn_ssafe.curation.clusters import farthest_points
from sklearn_ssafe.curation.pool import choose_representatives


def clumps():
    """Three far clumps of 30, 5 and 2 rows."""
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(3) * 10, [30, 5, 2], axis=0)
    return centres + rng.normal(size=(37, 3)) / 10, np.repeat([0, 1, 2], [30, 5, 2])


@pytest.mark.parametrize("selection", ["k_means", "k_centre"])
def test_representatives_cover_every_clump(selection):
    X, clump = clumps()
    rows = np.random.default_rng(1).permutation(37)
    chosen = choose_representatives(X, rows, 3, selection=selection, seed=0)
    assert sorted(clump[chosen]) == [0, 1, 2]


def test_k_means_prototypes_are_the_nearest_to_their_centres():
    X, clump = clumps()
    for row in choose_representatives(X, np.arange(37), 3, selection="k_means", seed=0):
        mine = X[clump == clump[row]]
        distances = np.linalg.norm(mine - mine.mean(axis=0), axis=1)
        assert np.linalg.norm(X[row] - mine.mean(axis=0)) == pytest.approx(distances.min())


def test_k_centre_is_farthest_point_sampling_from_the_middle():
    X, _ = clumps()
    distances = cdist(X, X)
    first = int(np.linalg.norm(X - X.mean(axis=0), axis=1).argmin())
    expected = farthest_points(distances.__getitem__, first, 6)
    chosen = choose_representatives(X, np.arange(37), 6, selection="k_centre")
    assert chosen.tolist() == expected.tolist()


@pytest.mark.parametrize("selection", ["random", "k_means", "k_centre"])
def test_equal_rows_are_chosen_once_each(selection):
    X = np.ones((10, 2))
    chosen = choose_representatives(X, np.arange(10), 6, selection=selection, seed=0)
    assert len(set(chosen.tolist())) == 6
