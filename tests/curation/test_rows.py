import numpy as np
import pytest

from sklearn_ssafe.curation.rows import UnitRows, content_order, rows_not_finite


def test_the_order_of_content_is_random_seeded_and_follows_the_content():
    X = np.random.default_rng(0).normal(size=(127, 6))
    order = content_order(X, 0)
    shuffled = np.random.default_rng(0).permutation(len(X))
    assert (X[order] == X[shuffled][content_order(X[shuffled], 0)]).all()
    assert not (order == content_order(X, 1)).all()
    # Each row stands in the first half for about half of the seeds.
    first_half = [set(content_order(X, seed)[: len(X) // 2].tolist()) for seed in range(200)]
    counts = [sum(row in half for half in first_half) for row in range(len(X))]
    assert 60 < min(counts) < max(counts) < 140


def test_unit_rows_and_rows_not_finite(tmp_path):
    X = np.random.default_rng(0).normal(size=(127, 6)).astype(np.float32)
    X[3], X[5, 1], X[9, 0] = 0, np.nan, -np.inf
    path = tmp_path / "rows.npy"
    np.save(path, X)
    for rows in (X, np.load(path, mmap_mode="r"), np.load(path, mmap_mode="c")):
        assert rows_not_finite(rows).tolist() == [5, 9]
        unit = UnitRows(rows)[np.array([3, 0])]
        np.testing.assert_allclose(np.linalg.norm(unit, axis=1), [0, 1], rtol=1e-6)
        assert (np.asarray(rows[0]) == X[0]).all()  # read, not changed


def test_a_copy_on_write_map_keeps_its_changes(tmp_path):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(127, 6)))
    rows = np.load(tmp_path / "rows.npy", mmap_mode="c")
    rows[0] = 7
    content_order(rows, 0)
    assert (rows[0] == 7).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_rows_get_unit_length(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 5))
    expected = X / np.linalg.norm(X, axis=1, keepdims=True)
    exponent = np.array([0, -30, 30, -20, 20, 37, -36, 10])
    if dtype == np.float64:
        exponent *= 8
    rows = (X * 10.0 ** exponent[:, None]).astype(dtype)
    unit = UnitRows(rows)[np.arange(8)]
    np.testing.assert_allclose(unit, expected, rtol=1e-5)
    assert unit.dtype == dtype
    smallest = np.zeros((1, 3), dtype=dtype)
    smallest[0, 1] = np.finfo(dtype).smallest_subnormal
    assert UnitRows(smallest)[np.array([0])].tolist() == [[0, 1, 0]]
