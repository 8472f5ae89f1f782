import numpy as np

from sklearn_ssafe.curation.mmd import (
    RandomFourierFeatures,
    make_kernel,
    squared_mmd,
    squared_mmd_of_features,
)

SIZES = [40, 2, 25, 60]


def made(dtype=np.float64, n_features=6):
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=(len(SIZES), n_features)), SIZES, axis=0)
    return (rng.normal(size=centres.shape) + centres).astype(dtype)


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
