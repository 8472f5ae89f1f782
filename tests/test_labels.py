from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest

from sklearn_ssafe import GeneratorGroupKFold, LeaveOneGeneratorOut, detection_report
from sklearn_ssafe.curation.pool import group_pool
from sklearn_ssafe.labels import (
    as_name,
    held_out_groups,
    is_generated,
    keep_together,
    known_labels,
    resampling_units,
)


@pytest.mark.parametrize("y", [[0, 1, 1], [-1, 1, 1], [False, True, True], [1.0, 2.0, 2.0]])
def test_the_larger_number_means_generated(y):
    assert is_generated(y).tolist() == [False, True, True]
    assert is_generated(y, pos_label=y[0]).tolist() == [True, False, False]


@pytest.mark.parametrize("words", [("real", "fake"), ("Photo", "midjourney"), ("camera", "AI")])
def test_words_that_are_known(words):
    assert is_generated(words).tolist() == [False, True]
    assert is_generated(np.array(words, dtype=object), words[0]).tolist() == [True, False]


@pytest.mark.parametrize("y", [["one", "two"], ["fake", "generated"]])
def test_what_nobody_can_know_needs_to_be_told(y):
    with pytest.raises(ValueError, match="means generated"):
        is_generated(y)
    assert is_generated(y, y[0]).tolist() == [True, False]
    with pytest.raises(ValueError, match="pos_label='ai' is none of the labels"):
        is_generated(y, "ai")


@pytest.mark.parametrize("y", [[1, 1], [0, 1, 2]])
def test_two_classes_are_needed(y):
    with pytest.raises(ValueError, match="must have two classes"):
        is_generated(y)


class Camera(str, Enum):
    CAM = "cam"


# Each line is one name, in every type it may come in.
ONE_NAME = {
    "cam": ["cam", np.str_("cam"), b"cam", np.bytes_(b"cam"), Camera.CAM],
    "1": [1, 1.0, "1", np.int8(1), np.uint64(1), np.float32(1), np.str_("1"), b"1", Decimal("1.0")],
    "-3": [-3, -3.0, "-3", np.int64(-3), np.float64(-3), Fraction(-3)],
    "0.5": [0.5, "0.5", np.float32(0.5), np.float16(0.5), Decimal("0.5")],
    "True": [True, np.True_, "True"],
    "": ["", None, np.nan, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.str_(""), b""],
}
OTHERS = ["Cam", "cam ", "10", "1.5", "3", "0.05", "False", "b'cam'", "1.0"]


@pytest.mark.parametrize("name", ONE_NAME)
def test_a_name_is_one_in_every_type(name):
    for one, other in product(ONE_NAME[name], repeat=2):
        assert as_name(one) == as_name(other) == name
        assert type(as_name(one)) is str
        if name:
            assert keep_together([one, other, "z"]).tolist() == [0, 0, 1]
        else:
            assert keep_together([one, other, "z"]).tolist() == [0, 1, 2]


def test_other_names_stay_apart():
    names = [values[0] for values in ONE_NAME.values()] + OTHERS
    assert len({as_name(name) for name in names}) == len(names)


def mixed(rng, names):
    """The same names, each in a type of its own."""
    typed = np.empty(len(names), dtype=object)
    typed[:] = [ONE_NAME[name][rng.integers(len(ONE_NAME[name]))] for name in names]
    return typed


@pytest.mark.parametrize("seed", range(5))
def test_mixed_types_change_nothing(seed):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], 30)
    names = np.where(y == 1, np.tile(["cam", "1", "-3"], 20), np.tile(["0.5", "True"], 30))
    mix = mixed(rng, names)
    for splitter in (GeneratorGroupKFold(2), LeaveOneGeneratorOut()):
        expected = list(splitter.split(y, y, names))
        for (train, test), (_, wanted) in zip(splitter.split(y, y, mix), expected, strict=True):
            assert test.tolist() == wanted.tolist()
            assert not set(names[train]) & set(names[test])
    assert known_labels(60, mix).tolist() == names.tolist()
    np.testing.assert_array_equal(keep_together(mix), keep_together(names))
    gaps = (
        np.where(y == 1, mix, mixed(rng, [""] * 60)),
        np.where(y == 0, mix, mixed(rng, [""] * 60)),
    )
    np.testing.assert_array_equal(held_out_groups(y, *gaps), held_out_groups(y, names, names))
    order = rng.permutation(60)
    shuffled = held_out_groups(y[order], gaps[0][order], gaps[1][order])
    np.testing.assert_array_equal(shuffled, held_out_groups(y, *gaps)[order])
    units = resampling_units(known_labels(60, mix), None, np.arange(60), [y == 1, y == 0])
    assert [of_side.max() + 1 for of_side, _ in units] == [3, 2]
    score = rng.random(60)
    both = [
        detection_report(y, score, generator=made_by, source=source, n_resamples=10)
        for made_by, source in (gaps, (np.where(y, names, ""), np.where(y, "", names)))
    ]
    pd.testing.assert_frame_equal(both[0].frame(), both[1].frame())
    generators, sources = group_pool(y, np.arange(60), generator=gaps[0], source=gaps[1])
    assert [group.name for group in generators + sources] == ["-3", "1", "cam", "0.5", "True"]
