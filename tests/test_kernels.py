import numpy as np
import pytest
from scipy.spatial.distance import pdist

from sklearn_ssafe.curation.kernels import median_distance


def test_the_median_distance_is_the_median_of_scipys():
    X = np.random.default_rng(0).normal(size=(127, 6))
    assert median_distance(X) == pytest.approx(np.median(pdist(X)))
    with pytest.raises(ValueError, match=r"bandwidth=0\.5"):
        median_distance(np.ones((5, 2)))
