import numpy as np
import pytest
from sklearn import config_context
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate

from sklearn_ssafe import LeaveOneGeneratorOut, keep_together


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
