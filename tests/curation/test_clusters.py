import numpy as np
import pytest
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.spatial.distance import cdist, squareform

from sklearn_ssafe.curation import farthest_points, share_out
from sklearn_ssafe.curation.clusters import average_linkage, choose, cut


def random_distances(seed, n=12):
    return cdist(*[np.random.default_rng(seed).normal(size=(n, 3))] * 2)


@pytest.mark.parametrize("seed", range(5))
def test_linkage_and_clusters_are_scipys(seed):
    distances = random_distances(seed)
    tree = average_linkage(distances)
    expected = linkage(squareform(distances, checks=False), "average")
    np.testing.assert_allclose(cophenet(tree), cophenet(expected))
    clusters = cut(tree, 4)
    theirs = fcluster(expected, 4, "maxclust")
    same = clusters[:, None] == clusters
    assert (same == (theirs[:, None] == theirs)).all()
    assert list(dict.fromkeys(clusters)) == [1, 2, 3, 4]


def test_average_linkage_worked_by_hand():
    # 0 and 1 merge at 1; 2 is 4 and 6 from them, 5 on average; 3 is 10, 12 and 11 away: 11.
    distances = squareform([1.0, 4.0, 10.0, 6.0, 12.0, 11.0])
    assert average_linkage(distances)[:, 2].tolist() == [1.0, 5.0, 11.0]


def test_one_generator_is_one_cluster():
    assert average_linkage(np.zeros((1, 1))).shape == (0, 4)
    assert cut(np.empty((0, 4)), 3).tolist() == [1]


def test_starts():
    places = np.array([0.0, 1.0, 2.0, 3.0, 20.0])
    distances = abs(places[:, None] - places)
    clusters = np.ones(5, dtype=int)
    assert choose(distances, clusters, 2).tolist() == [2, 4]  # the median of points on a line
    assert choose(distances, clusters, 2, start="farthest").tolist() == [4, 0]
    drawn = {choose(distances, clusters, 1, start="random", seed=seed)[0] for seed in range(50)}
    assert drawn == set(range(5))


def test_sampling_within_clusters_takes_as_many_of_each():
    places = np.array([0.0, 1.0, 2.0, 50.0, 51.0, 90.0])
    distances = abs(places[:, None] - places)
    clusters = cut(average_linkage(distances), 3)
    assert clusters.tolist() == [1, 1, 1, 2, 2, 3]
    chosen = choose(distances, clusters, 5, sampling="within")
    # The single one gives all it has, the others two each; medoids first.
    assert chosen.tolist() == [1, 0, 3, 4, 5]
    assert set(choose(distances, clusters, 3, sampling="within").tolist()) == {1, 3, 5}


@pytest.mark.parametrize("seed", range(30))
def test_shares_add_up_and_no_share_could_be_evener(seed):
    rng = np.random.default_rng(seed)
    available = rng.integers(0, 60, rng.integers(1, 9))
    total = int(rng.integers(0, 300))
    shares = share_out(total, available)
    assert shares.sum() == min(total, available.sum())
    assert (shares <= available).all()
    # Who has pictures left got no less, up to one, than any other.
    unfilled = shares[shares < available]
    if len(unfilled):
        assert unfilled.min() >= shares.max() - 1


def test_proportional_shares():
    available = np.array([700, 200, 100])
    assert share_out(100, available, available).tolist() == [70, 20, 10]
    assert share_out(10, [3, 3, 3], [1, 1, 1]).tolist() == [3, 3, 3]
    assert share_out(5, [3, 3, 3]).tolist() == [2, 2, 1]


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
