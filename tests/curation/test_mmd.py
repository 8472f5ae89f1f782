import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import pairwise_kernels

from sklearn_ssafe.curation import mmd
from sklearn_ssafe.curation.mmd import (
    RandomFourierFeatures,
    generator_distances,
    make_kernel,
    median_distance,
    squared_mmd,
    squared_mmd_of_features,
)


def test_the_median_distance_is_the_median_of_scipys():
    X = np.random.default_rng(0).normal(size=(127, 6))
    assert median_distance(X) == pytest.approx(np.median(pdist(X)))
    with pytest.raises(ValueError, match=r"bandwidth=0\.5"):
        median_distance(np.ones((5, 2)))


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


def in_extended_precision(X, kernel):
    """Squared MMD of two halves in long doubles, from differences of all pairs of rows."""
    X = X.astype(np.longdouble)
    if kernel == "linear":
        K = (X - X[0]) @ (X - X[0]).T
    else:
        between = np.square(X[:, None] - X[None]).sum(axis=2)
        bandwidth = np.median(np.sqrt(between[np.triu_indices(len(X), 1)]))
        K = np.expm1(-between / (2 * bandwidth**2))  # less a constant, which cancels
    n = len(X) // 2
    within = [(part.sum() - np.trace(part)) / (n * (n - 1)) for part in (K[:n, :n], K[n:, n:])]
    return float(sum(within) - 2 * K[:n, n:].mean())


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize(
    ("location", "scale"),
    [
        (0, 1e-15),
        (0, 1),
        (0, 1e9),
        (1, 1e-4),
        (1, 1e-3),
        (1, 1e9),
        (1e3, 0.1),
        (1e6, 10),
        (1e6, 1e9),
    ],
)
@pytest.mark.parametrize("far", [False, True])  # whether the halves are far from each other
def test_float32_is_exact_at_any_location_and_scale(kernel, location, scale, far):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 8)) + np.repeat([0, 50 if far else 0.5], 60)[:, None]
    common = location * rng.normal(size=8)
    X = (X * scale + common).astype(np.float32)  # what rounding makes of them is what they are
    assert len(np.unique(X, axis=0)) == 120
    groups = [np.arange(60), np.arange(60, 120)]
    distances, _, _ = generator_distances(X, groups, kernel=kernel)
    assert distances[0, 1] ** 2 == pytest.approx(in_extended_precision(X, kernel), rel=1e-4)
    if kernel == "rbf" and not far:
        near, _, _ = generator_distances(X, groups, method="random_features", n_frequencies=20_000)
        assert near[0, 1] ** 2 == pytest.approx(distances[0, 1] ** 2, rel=0.05)


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
