import numpy as np
import pytest

from sklearn_ssafe.curation.quotas import share_out


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
