"""Trees that lead nowhere are refused before compiled code follows them; sound ones never are."""

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_ssafe import SSAFEClassifier, load_detector
from sklearn_ssafe.detector.folder import read_folder, write_folder
from sklearn_ssafe.detector.skops_files import dump_estimators
from sklearn_ssafe.detector.trees import check_trees
from sklearn_ssafe.exceptions import DetectorFileError


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    X = rng.normal(size=(200, 6)) + 0.5 * y[:, None]
    X[:, 5] = rng.integers(0, 4, 200)
    return X, y


TREE = DecisionTreeClassifier(random_state=0)
HEADS = [
    TREE,
    DecisionTreeClassifier(max_leaf_nodes=20),
    RandomForestClassifier(5, random_state=0),
    RandomForestClassifier(3, max_leaf_nodes=9),
    ExtraTreesClassifier(3),
    GradientBoostingClassifier(n_estimators=5),
    HistGradientBoostingClassifier(max_iter=5),
    HistGradientBoostingClassifier(max_iter=5, categorical_features=[5]),
    AdaBoostClassifier(n_estimators=3),
    BaggingClassifier(n_estimators=3, max_features=0.5),
    KNeighborsClassifier(),
    KNeighborsClassifier(algorithm="kd_tree", leaf_size=3),
    KNeighborsClassifier(algorithm="ball_tree"),
    make_pipeline(StandardScaler(), RandomForestClassifier(2)),
    VotingClassifier([("a", TREE), ("b", LogisticRegression())], voting="soft"),
    StackingClassifier([("a", TREE), ("b", KNeighborsClassifier())], cv=2),
]


@pytest.mark.parametrize("head", HEADS, ids=repr)
def test_what_was_fitted_is_sound(data, head):
    check_trees(head)
    check_trees(head.fit(*data))


def state_of(tree, **changes):
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    for name, value in changes.items():
        state["nodes"][name][0] = value
    tree.__setstate__(state)


@pytest.mark.parametrize(
    "changes",
    [
        {"left_child": 0},
        {"right_child": 10**6},
        {"left_child": -7},
        {"feature": 6},
        {"feature": -3},
    ],
)
@pytest.mark.parametrize("head", [TREE, *HEADS[2:3]], ids=repr)
def test_a_tree_that_leads_out(data, head, changes, tmp_path):
    detector = SSAFEClassifier(encoder=None, head=head, cv=None).fit(*data)
    path = detector.save(tmp_path / "detector")
    load_detector(path)
    trees = getattr(detector.head_, "estimators_", [detector.head_])
    state_of(trees[0].tree_, **changes)
    settings, files = read_folder(path)
    names = ("head", "curator", "head_")
    content = dump_without_looking({name: getattr(detector, name) for name in names})
    write_folder(path, settings, {**files, "estimators.skops": content})
    with pytest.raises(DetectorFileError, match="leads nowhere"):
        load_detector(path)


def dump_without_looking(estimators):
    import skops.io

    assert dump_estimators({"head": None})[1] == []
    return skops.io.dumps(estimators)


def test_histograms_that_lead_out(data):
    for name, value in (
        ("left", 0),
        ("right", 10**6),
        ("feature_idx", 99),
        ("is_categorical", 1),
        ("bitset_idx", 10**6),
    ):
        head = HistGradientBoostingClassifier(max_iter=2).fit(*data)
        nodes = head._predictors[0][0].nodes
        nodes[name][0] = value
        nodes["is_categorical"][0] |= name == "bitset_idx"
        with pytest.raises(ValueError, match="leads nowhere"):
            check_trees(head)


def test_neighbours_that_are_none(data):
    def changed(place, value):
        head = KNeighborsClassifier(algorithm="kd_tree", leaf_size=5).fit(*data)
        state = list(head._tree.__getstate__())
        state[place] = value(np.array(state[place], copy=True))
        head._tree.__setstate__(tuple(state))
        return head

    def first(name, value):
        def change(nodes):
            nodes[name][0] = value
            return nodes

        return change

    def no_leaf(nodes):
        nodes["is_leaf"][:] = 0
        return nodes

    for place, change in (
        (1, lambda order: order + 10**6),
        (1, np.zeros_like),
        (2, first("idx_end", 10**6)),
        (2, first("idx_start", -5)),
        (2, no_leaf),
        (5, lambda n_levels: 9),
    ):
        with pytest.raises(ValueError, match="leads nowhere"):
            check_trees(changed(place, change))
    head = KNeighborsClassifier().fit(*data)
    head._y = head._y + 10**6
    with pytest.raises(ValueError, match="leads nowhere"):
        check_trees(head)


def test_what_holds_itself_is_gone_through_once(data):
    head = RandomForestClassifier(2).fit(*data)
    head.itself = [head, {"again": head}]
    check_trees(head)
