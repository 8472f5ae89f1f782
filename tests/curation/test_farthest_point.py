import numpy as np
import pytest
from scipy.spatial.distance import cdist

from sklearn_ssafe.curation.clusters import farthest_points


def random_distances(seed, n=12):
    return cdist(*[np.random.default_rng(seed).normal(size=(n, 3))] * 2)


@pytest.mark.parametrize("seed", range(5))
def test_farthest_points_are_those_of_a_plain_search(seed):
    distances = random_distances(seed)
    chosen = [3]
    while len(chosen) < 6:
        others = [point for point in range(len(distances)) if point not in chosen]
        chosen.append(max(others, key=lambda point: min(distances[point][c] for c in chosen)))
    assert farthest_points(distances.__getitem__, 3, 6).tolist() == chosen


def test_farthest_points_take_the_first_of_ties_and_no_point_twice():
    assert farthest_points(np.zeros((4, 4)).__getitem__, 2, 4).tolist() == [2, 0, 1, 3]
