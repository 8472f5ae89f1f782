"""The reference: its groups, distances from them, what is nearest."""

import numpy as np
import pytest

from sklearn_ssafe.curation import squared_mmd
from sklearn_ssafe.monitoring.reference import (
    FEW,
    Reference,
    deal_halves,
    pool_small_groups,
    unit_rows,
)


def test_small_groups_are_put_together_until_they_are_enough():
    labels = [("real", "a")] * 30 + [("real", "b")] * 3 + [("generated", "c")] * 4
    labels += [("generated", "d")] * 12
    number, groups = pool_small_groups(labels, 5)
    assert groups == [("", FEW), ("generated", "d"), ("real", "a")]
    assert [groups[place][1] for place in number] == ["a"] * 30 + [FEW] * 7 + ["d"] * 12
    # Seven are not ten: the next smallest joins them.
    assert pool_small_groups(labels, 10)[1] == [("", FEW), ("real", "a")]
    assert pool_small_groups(labels, 2)[1][0] == ("generated", "c")
    assert pool_small_groups([("", "")] * 4, 20)[1] == [("", "")]


def test_one_small_group_is_put_together_with_the_next():
    labels = [("real", "a")] * 30 + [("real", "b")] * 3
    number, groups = pool_small_groups(labels, 5)
    assert len(groups) == 1
    assert set(number) == {0}


def test_halves_are_of_each_group():
    group = np.repeat([0, 1], [11, 20])
    half = deal_halves(group, np.random.default_rng(0))
    assert np.bincount(half[group == 1]).tolist() == [10, 10]
    assert sorted(np.bincount(half[group == 0])) == [5, 6]


def test_the_table_has_the_mmd_of_each_group_and_the_shares_of_the_mixture():
    rng = np.random.default_rng(0)
    group = np.repeat([1, 0, 2], [40, 50, 30])
    rows = rng.normal(size=(120, 6)) + 3 * np.eye(6)[group]
    reference = Reference(
        rows, group, [("real", "x"), ("real", "y"), ("generated", "z")], group % 2
    )
    new = np.concatenate([rng.normal(size=(45, 6)) + 3 * np.eye(6)[0], rows[100:105]])
    table = reference.table(reference.kernel_with(new))
    assert table["name"].tolist() == ["x", "y", "z"]
    assert table["pictures"].tolist() == [50, 40, 30]
    for number in range(3):
        both = np.concatenate([unit_rows(rows[group == number]), unit_rows(new)])
        sizes = [(group == number).sum(), len(new)]
        expected = squared_mmd(both, sizes, reference.kernel)[0, 1]
        assert table["mmd"][number] ** 2 == pytest.approx(max(expected, 0), rel=1e-6, abs=1e-9)
    assert table["share"].sum() == pytest.approx(1)
    assert table["share"][0] > 0.8


def test_the_nearest_group_is_the_one_with_the_nearest_mean():
    rng = np.random.default_rng(1)
    group = np.repeat([0, 1], 30)
    rows = rng.normal(size=(60, 4)) + 4 * np.eye(4)[group]
    reference = Reference(rows, group, [("", "a"), ("", "b")], deal_halves(group, rng))
    assert reference.nearest(np.eye(4)[[0, 1, 1]]).tolist() == [0, 1, 1]
