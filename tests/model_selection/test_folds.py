from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, cross_validate

from sklearn_ssafe import GeneratorGroupKFold, LeaveOneGeneratorOut
from sklearn_ssafe.labels import keep_together


def random_groups(seed, n_samples=300, n_real=7, n_generated=9):
    """Groups of very unequal sizes, each of one class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n_samples)
    weights = rng.dirichlet(np.ones(n_real)), rng.dirichlet(np.ones(n_generated))
    names = [
        f"generator {rng.choice(n_generated, p=weights[1])}"
        if label
        else f"source {rng.choice(n_real, p=weights[0])}"
        for label in y
    ]
    return y, np.array(names)


@pytest.mark.parametrize("seed", range(10))
def test_folds_share_no_group_and_have_both_classes(seed):
    y, groups = random_groups(seed)
    n_splits = min(3, *(len(np.unique(groups[y == label])) for label in (0, 1)))
    tested = []
    for train, test in GeneratorGroupKFold(n_splits).split(y, y, groups):
        assert not set(groups[train]) & set(groups[test])
        assert set(y[test]) == set(y[train]) == {0, 1}
        tested.extend(test)
    assert sorted(tested) == list(range(len(y)))


def test_equal_groups_make_equal_folds():
    y = np.repeat([0, 1], 60)
    groups = np.concatenate(
        [np.repeat([f"s{i}" for i in range(6)], 10), np.repeat(["a", "b", "c"], 20)]
    )
    for _, test in GeneratorGroupKFold(3).split(y, y, groups):
        assert np.bincount(y[test]).tolist() == [20, 20]


def test_folds_do_not_depend_on_the_order_of_the_rows():
    y, groups = random_groups(3)
    order = np.random.default_rng(0).permutation(len(y))

    def partition(y, groups):
        return {frozenset(groups[test]) for _, test in GeneratorGroupKFold(3).split(y, y, groups)}

    assert partition(y, groups) == partition(y[order], groups[order])


def test_shuffling_is_seeded():
    y = np.repeat([0, 1], 20)
    groups = np.repeat(np.arange(20), 2)

    def folds(seed):
        splitter = GeneratorGroupKFold(2, shuffle=True, random_state=seed)
        return [test.tolist() for _, test in splitter.split(y, y, groups)]

    assert folds(0) == folds(0)
    assert len({str(folds(seed)) for seed in range(5)}) > 1


def test_too_few_groups_are_named():
    y = [0, 0, 1, 1]
    with pytest.raises(ValueError, match=r"class .*0.* has 1"):
        list(GeneratorGroupKFold(2).split(y, y, ["a", "a", "b", "c"]))


def test_groups_and_two_classes_are_needed():
    with pytest.raises(ValueError, match="groups"):
        list(GeneratorGroupKFold(2).split([0, 1], [0, 1]))
    with pytest.raises(ValueError, match="two classes"):
        list(GeneratorGroupKFold(2).split([0, 1, 2], [0, 1, 2], [0, 1, 2]))


def test_it_works_in_cross_val_score():
    y, groups = random_groups(1)
    splitter = GeneratorGroupKFold(3)
    scores = cross_val_score(DummyClassifier(), y[:, None], y, groups=groups, cv=splitter)
    assert scores.shape == (splitter.get_n_splits(),)
    assert repr(clone(splitter, safe=False)).startswith("GeneratorGroupKFold(n_splits=3")


def test_keep_together_follows_chains():
    # 0-1 share a scene, 1-2 a generator, so 0-1-2 belong together; 3 and 4 are alone.
    scene = ["s1", "s1", "s2", "s3", None]
    generator = ["g1", "g2", "g2", "", np.nan]
    assert keep_together(scene, generator).tolist() == [0, 0, 0, 1, 2]


def test_keep_together_against_a_naive_computation():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 25, 60), rng.integers(0, 25, 60)
    expected = np.arange(60)
    for _ in range(60):
        for i in range(60):
            for j in range(60):
                if a[i] == a[j] or b[i] == b[j]:
                    expected[i] = expected[j] = min(expected[i], expected[j])
    groups = keep_together(a, b)
    for i in range(60):
        np.testing.assert_array_equal(groups == groups[i], expected == expected[i])


@pytest.mark.parametrize("n_splits", [1, 0, -1, 2.0, None, "2"])
def test_a_wrong_number_of_folds_is_refused(n_splits):
    with pytest.raises(ValueError, match="n_splits must be a whole number from 2 up"):
        list(GeneratorGroupKFold(n_splits).split([0, 1], [0, 1], [0, 1]))


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="two classes"):
        list(GeneratorGroupKFold(2).split([1, 1], [1, 1], [0, 1]))


def test_pictures_without_a_group_are_groups_of_their_own():
    y = [0, 0, 1, 1]
    for missing in (None, float("nan"), pd.NA, ""):
        folds = list(GeneratorGroupKFold(2).split(y, y, [missing, missing, "a", 3]))
        assert [len(test) for _, test in folds] == [2, 2]


def test_groups_are_routed_by_default():
    y, groups = random_groups(1)
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            DummyClassifier(), y[:, None], y, params={"groups": groups}, cv=GeneratorGroupKFold(3)
        )
    assert scores.shape == (3,)


def test_nothing_to_keep_together():
    assert keep_together(["", None]).tolist() == [0, 1]
    assert keep_together(pd.Series(["a", pd.NA, "a"], dtype="string")).tolist() == [0, 1, 0]


def labelled(seed, n_generators=5, n_sources=9, n_samples=200):
    """Labels, and the name of each picture's generator or source, in very unequal numbers."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n_samples)
    n_names = n_sources, n_generators
    weights = [rng.dirichlet(np.ones(n)) for n in n_names]
    names = np.array(
        [f"{'sg'[label]}{rng.choice(n_names[label], p=weights[label])}" for label in y]
    )
    return y, names


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n_sources", [3, 5, 30])
def test_each_fold_tests_one_generator_and_new_real_sources(seed, n_sources):
    y, names = labelled(seed, n_sources=n_sources)
    splitter = LeaveOneGeneratorOut()
    folds = list(splitter.split(y, y, names))
    assert len(folds) == splitter.get_n_splits(y, y, names)
    assert [set(names[test][y[test] == 1]) for _, test in folds] == [
        {name} for name in np.unique(names[y == 1])
    ]
    for train, test in folds:
        assert set(y[train]) == set(y[test]) == {0, 1}
        assert not set(names[train]) & set(names[test])
        assert sorted([*train, *test]) == list(range(len(y)))
    times = np.sum([np.isin(np.arange(len(y)), test) for _, test in folds], axis=0)
    assert times.min() == 1
    n_found = len(np.unique(names[y == 0]))
    assert times.max() == max(1, -(-len(folds) // n_found))


def test_with_enough_sources_every_picture_is_tested_once():
    y, names = labelled(0)
    scores = cross_val_predict(
        DummyClassifier(), y[:, None], y, groups=names, cv=LeaveOneGeneratorOut()
    )
    assert scores.shape == y.shape


def test_near_duplicates_stay_in_one_fold():
    y, names = labelled(1, n_sources=12)
    scene = np.arange(len(y)).astype(object)
    real = np.flatnonzero(y == 0)
    scene[real[0]] = scene[real[names[real] != names[real[0]]][0]]  # twins of two cameras
    groups = keep_together(names, scene)
    for train, test in LeaveOneGeneratorOut().split(y, y, groups):
        assert not set(scene[train][y[train] == 0]) & set(scene[test][y[test] == 0])
        assert not set(names[train]) & set(names[test])


def test_a_scene_in_both_classes_is_held_out_with_its_generator():
    #        one scene: a photograph of the camera, and what the generator made of it
    y = np.array([0, 1, 0, 1, 0, 0])
    groups = ["twins", "twins", "camera", "gan", "phone", "phone"]
    folds = [set(test) for _, test in LeaveOneGeneratorOut().split(y, y, groups)]
    assert {0, 1} in [fold & {0, 1} for fold in folds]
    assert all(len(fold & {0, 1}) != 1 for fold in folds)
    assert all(set(y[list(fold)]) == {0, 1} for fold in folds)


def test_strings_need_a_positive_label():
    y = np.array(["taken", "made", "taken", "made"])
    groups = list("abcd")
    assert LeaveOneGeneratorOut("made").get_n_splits(None, y, groups) == 2
    with pytest.raises(ValueError, match="pos_label"):
        LeaveOneGeneratorOut().get_n_splits(None, y, groups)


def test_it_works_in_cross_validate_and_in_a_search():
    y, names = labelled(2)
    X = y[:, None] + np.random.default_rng(0).normal(size=(len(y), 3))
    cv = LeaveOneGeneratorOut()
    result = cross_validate(
        LogisticRegression(), X, y, groups=names, cv=cv, scoring="roc_auc", return_indices=True
    )
    assert len(result["test_score"]) == 5
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv, scoring="roc_auc")
    assert search.fit(X, y, groups=names).n_splits_ == 5
    with config_context(enable_metadata_routing=True):
        routed = cross_validate(
            LogisticRegression(), X, y, params={"groups": names}, cv=cv, scoring="roc_auc"
        )
    np.testing.assert_array_equal(routed["test_score"], result["test_score"])


def test_what_cannot_be_left_out_is_said():
    split = LeaveOneGeneratorOut().get_n_splits
    with pytest.raises(ValueError, match="needs y and groups"):
        split(None, [0, 1])
    with pytest.raises(ValueError, match=r"two generators.* tell 1 apart"):
        split(None, [0, 0, 1, 1], ["a", "b", "c", "c"])
    with pytest.raises(ValueError, match=r"two real sources.* tell 1 apart"):
        split(None, [0, 0, 1, 1], ["a", "a", "b", "c"])
    with pytest.raises(ValueError, match="nothing to test these against"):
        split(None, [0, 0, 1, 1, 1], ["a", "b", "a", "b", "c"])
    assert split(None, [0, 0, 1, 1], ["a", "b", None, None]) == 2


def can_be_dealt(kinds, n_splits):
    """Try all ways to deal groups, of which each holds real pictures, generated ones or both."""
    for folds in product(range(n_splits), repeat=len(kinds)):
        held = ["".join(kind for kind, own in zip(kinds, folds, strict=True) if own == fold)
                for fold in range(n_splits)]  # fmt: skip
        if all("r" in fold and "g" in fold for fold in held):
            return True
    return False


@pytest.mark.parametrize("n_splits", [2, 3, 4])
def test_folds_are_found_wherever_there_are_any(n_splits):
    rng = np.random.default_rng(n_splits)
    found = []
    for n_real, n_generated, n_both in product(range(4), range(4), range(4)):
        kinds = ["r"] * n_real + ["g"] * n_generated + ["rg"] * n_both
        if not {"r", "g"} <= set("".join(kinds)) or len(kinds) > 7:
            continue
        y, groups = [], []
        for number, kind in enumerate(kinds):
            for letter in kind:
                n = int(rng.integers(1, 200))
                y += [int(letter == "g")] * n
                groups += [number] * n
        possible = can_be_dealt(kinds, n_splits)
        found.append(possible)
        splitter = GeneratorGroupKFold(n_splits)
        if not possible:
            with pytest.raises(ValueError, match=r"cannot be dealt|need at least as many groups"):
                list(splitter.split(y, y, groups))
            continue
        y, groups = np.array(y), np.array(groups)
        for train, test in splitter.split(y, y, groups):
            assert set(y[test]) == {0, 1}
            assert not set(groups[train]) & set(groups[test])
    assert 0.1 < np.mean(found) < 0.95


def test_a_layout_that_dealing_by_size_misses():
    # Real and generated pictures of each group; the large one of real pictures comes too late.
    counts = [[9, 28], [27, 0], [25, 22], [12, 9], [3, 23]]
    y = np.concatenate([np.repeat([0, 1], pair) for pair in counts])
    groups = np.repeat(np.arange(5), np.sum(counts, axis=1))
    for _, test in GeneratorGroupKFold(4).split(y, y, groups):
        assert set(y[test]) == {0, 1}
