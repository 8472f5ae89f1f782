"""MMD, clusters, farthest points, quotas and representatives, each beside other code."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.spatial.distance import cdist, pdist, squareform
from sklearn.metrics.pairwise import pairwise_kernels

from sklearn_ssafe.curation import mmd
from sklearn_ssafe.curation.clusters import average_linkage, choose, cut
from sklearn_ssafe.curation.distances import generator_distances
from sklearn_ssafe.curation.farthest_point import farthest_points
from sklearn_ssafe.curation.kernels import make_kernel, median_distance
from sklearn_ssafe.curation.mmd import squared_mmd
from sklearn_ssafe.curation.quotas import share_out
from sklearn_ssafe.curation.random_features import RandomFourierFeatures, squared_mmd_of_features
from sklearn_ssafe.curation.representatives import choose_representatives
from sklearn_ssafe.curation.rows import UnitRows, content_order, rows_not_finite

SIZES = [40, 2, 25, 60]
KERNELS = {
    "rbf": ({"bandwidth": 1.7}, {"metric": "rbf", "gamma": 1 / (2 * 1.7**2)}),
    "polynomial": ({"degree": 3}, {"metric": "poly", "degree": 3, "gamma": 1, "coef0": 1}),
}


def made(dtype=np.float64, n_features=6):
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(len(SIZES), n_features)), SIZES, axis=0)
    return (rng.normal(size=centres.shape) + centres).astype(dtype)


def mmd_by_hand(X, unbiased, **kernel):
    """The same from one full kernel matrix and plain loops over pairs of groups."""
    ends = np.cumsum(SIZES)
    K = pairwise_kernels(X.astype(np.float64), **kernel)
    squared = np.zeros((len(SIZES), len(SIZES)))
    for i, (a, n) in enumerate(zip(ends - SIZES, SIZES, strict=True)):
        for j, (b, m) in enumerate(zip(ends - SIZES, SIZES, strict=True)):
            if i == j:
                continue
            aa, bb, ab = K[a : a + n, a : a + n], K[b : b + m, b : b + m], K[a : a + n, b : b + m]
            if unbiased:
                first = aa[~np.eye(n, dtype=bool)].mean()
                second = bb[~np.eye(m, dtype=bool)].mean()
            else:
                first, second = aa.mean(), bb.mean()
            squared[i, j] = first + second - 2 * ab.mean()
    return squared


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("block_rows", [7, 2048])
def test_mmd_is_that_of_one_full_kernel_matrix(name, unbiased, block_rows, monkeypatch):
    monkeypatch.setattr(mmd, "_BLOCK_ROWS", block_rows)
    X = made()
    ours, theirs = KERNELS[name]
    squared = squared_mmd(X, SIZES, make_kernel(name, **ours), unbiased=unbiased)
    np.testing.assert_allclose(squared, mmd_by_hand(X, unbiased, **theirs), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("unbiased", [True, False])
def test_linear_mmd_is_that_of_one_full_kernel_matrix(unbiased):
    X = made()
    groups = np.split(np.arange(len(X)), np.cumsum(SIZES)[:-1])
    squared = squared_mmd_of_features(X, groups, unbiased=unbiased)
    by_hand = mmd_by_hand(X, unbiased, metric="linear")
    np.testing.assert_allclose(squared, by_hand, rtol=1e-10, atol=1e-12)


def test_mmd_in_float32_is_close():
    ours, theirs = KERNELS["rbf"]
    squared = squared_mmd(made(np.float32), SIZES, make_kernel("rbf", **ours))
    np.testing.assert_allclose(squared, mmd_by_hand(made(), True, **theirs), atol=1e-6)


def test_mmd_worked_by_hand():
    # Points 0 and 2 against 1 and 1; k(d) = exp(-d^2 / 2). Biased: within the first group the mean
    # of 1, 1, k(2), k(2); within the second 1; between k(1). Unbiased: k(2), 1 and k(1).
    X = np.array([[0.0], [2.0], [1.0], [1.0]])
    kernel = make_kernel("rbf", bandwidth=1.0)
    k1, k2 = np.exp(-0.5), np.exp(-2.0)
    biased = squared_mmd(X, [2, 2], kernel, unbiased=False)[0, 1]
    assert biased == pytest.approx((2 + 2 * k2) / 4 + 1 - 2 * k1)
    assert squared_mmd(X, [2, 2], kernel)[0, 1] == pytest.approx(k2 + 1 - 2 * k1)
    assert squared_mmd(X, [2, 2], kernel)[0, 1] < 0  # and the distance is then 0
    groups = [np.array([0, 1]), np.array([2, 3])]
    distances, bandwidth, _ = generator_distances(X, groups, bandwidth=1.0)
    assert distances.tolist() == [[0, 0], [0, 0]]
    assert bandwidth == 1.0


def test_unbiased_mmd_is_unbiased():
    """Over many samples of one distribution its mean is 0, and that of the biased one is not."""
    rng = np.random.default_rng(0)
    kernel = make_kernel("rbf", bandwidth=1.0)
    drawn = [rng.normal(size=(10, 2)) for _ in range(400)]
    unbiased = np.array([squared_mmd(X, [5, 5], kernel)[0, 1] for X in drawn])
    biased = [squared_mmd(X, [5, 5], kernel, unbiased=False)[0, 1] for X in drawn]
    error = unbiased.std() / np.sqrt(len(drawn))
    assert abs(unbiased.mean()) < 4 * error < np.mean(biased)


def test_random_features_come_nearer_the_more_there_are():
    X = made()
    groups = np.split(np.arange(len(X)), np.cumsum(SIZES)[:-1])
    exact = squared_mmd(X, SIZES, make_kernel("rbf", bandwidth=1.7))
    pairs = np.triu_indices(len(SIZES), 1)

    def error(n_frequencies):
        errors = []
        for seed in range(10):
            features = RandomFourierFeatures(
                6, bandwidth=1.7, n_frequencies=n_frequencies, seed=seed, dtype=float
            )
            errors.append((squared_mmd_of_features(X, groups, features) - exact)[pairs])
        return np.sqrt(np.mean(np.square(errors)))

    # As the square root of their number: a hundred times as many, a tenth of the error.
    assert 5 < error(40) / error(4000) < 20


def test_the_median_distance_is_the_median_of_scipys():
    X = made()
    assert median_distance(X) == pytest.approx(np.median(pdist(X)))
    with pytest.raises(ValueError, match=r"bandwidth=0\.5"):
        median_distance(np.ones((5, 2)))


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


def test_the_order_of_content_is_random_seeded_and_follows_the_content():
    X = made()
    order = content_order(X, 0)
    shuffled = np.random.default_rng(0).permutation(len(X))
    assert (X[order] == X[shuffled][content_order(X[shuffled], 0)]).all()
    assert not (order == content_order(X, 1)).all()
    # Each row stands in the first half for about half of the seeds.
    first_half = [set(content_order(X, seed)[: len(X) // 2].tolist()) for seed in range(200)]
    counts = [sum(row in half for half in first_half) for row in range(len(X))]
    assert 60 < min(counts) < max(counts) < 140


def test_unit_rows_and_rows_not_finite(tmp_path):
    X = made(np.float32)
    X[3], X[5, 1], X[9, 0] = 0, np.nan, -np.inf
    path = tmp_path / "rows.npy"
    np.save(path, X)
    for rows in (X, np.load(path, mmap_mode="r"), np.load(path, mmap_mode="c")):
        assert rows_not_finite(rows).tolist() == [5, 9]
        unit = UnitRows(rows)[np.array([3, 0])]
        np.testing.assert_allclose(np.linalg.norm(unit, axis=1), [0, 1], rtol=1e-6)
        assert (np.asarray(rows[0]) == X[0]).all()  # read, not changed


def test_a_copy_on_write_map_keeps_its_changes(tmp_path):
    np.save(tmp_path / "rows.npy", made())
    rows = np.load(tmp_path / "rows.npy", mmap_mode="c")
    rows[0] = 7
    content_order(rows, 0)
    assert (rows[0] == 7).all()
