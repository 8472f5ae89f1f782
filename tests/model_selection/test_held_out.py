import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from sklearn_ssafe.model_selection import HeldOutScores, held_out_scores, held_out_table


def labelled(n=20):
    """Two sources, three generators, `n` pictures each, and one feature that tells them apart."""
    source = np.repeat(["camera", "phone", "", "", ""], n)
    generator = np.repeat(["", "", "glide", "sd", "sdxl"], n)
    y = (generator != "").astype(int)
    features = np.random.default_rng(0).normal(size=(5 * n, 1)) + 4 * y[:, None]
    return features, y, {"generator": generator, "source": source}


class Spy(ClassifierMixin, BaseEstimator):
    """Remembers what it was trained on."""

    trained = []  # noqa: RUF012  (shared by the clones, which is the point)

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.trained.append(set(X[:, 0].astype(int)))
        return self

    def predict_proba(self, X):
        p = np.full(len(X), 0.7)
        return np.column_stack([1 - p, p])


def test_no_generator_and_no_source_is_both_trained_on_and_tested():
    _, y, labels = labelled()
    Spy.trained.clear()
    rows = np.arange(len(y), dtype=float)[:, None]
    scores = held_out_scores(Spy(), rows, y, **labels)
    name = np.where(y == 1, labels["generator"], labels["source"])
    for number, trained in enumerate(Spy.trained):
        tested = np.flatnonzero(scores.fold == number)
        assert not set(name[tested]) & set(name[list(trained)])
        assert set(y[tested]) == {0, 1}
    assert "whole generators" in scores.held_out
    assert "whole real sources" in scores.held_out
    np.testing.assert_array_equal(scores.score, 0.7)


def test_a_single_source_is_split_by_picture_and_says_so():
    features, y, labels = labelled()
    labels["source"] = np.where(y == 0, "camera", "")
    scores = held_out_scores(LogisticRegression(), features, y, **labels)
    assert "there is one real source only" in scores.held_out
    assert len(np.unique(scores.fold)) == 3  # as many as there are generators


def test_one_generator_in_one_group_is_split_by_picture():
    features, y, labels = labelled()
    labels["generator"] = np.where(y == 1, "sdxl", "")
    groups = np.where(y == 1, "generator:sdxl", [f"source:{name}" for name in labels["source"]])
    scores = held_out_scores(LogisticRegression(), features, y, groups=groups, **labels)
    assert "one generator only" in scores.held_out
    for fold in np.unique(scores.fold):
        assert len(np.unique(labels["source"][(scores.fold == fold) & (y == 0)])) == 1


def test_groups_are_kept_whole_too():
    features, y, labels = labelled()
    scene = np.array([f"scene {i % 4}" for i in range(len(y))], dtype=object)
    labels = {name: np.full(len(y), "") for name in labels}
    scores = held_out_scores(LogisticRegression(), features, y, groups=scene, **labels)
    for value in np.unique(scene):
        assert len(np.unique(scores.fold[scene == value])) == 1


def test_the_scores_of_a_separable_set_are_good():
    features, y, labels = labelled()
    averages = held_out_scores(LogisticRegression(), features, y, **labels).fold_averages()
    assert averages["auc"][0] > 0.95
    assert averages["balanced_accuracy"][0] > 0.9


def test_the_table_is_computed_within_folds():
    # Fold 1's scores are all above fold 0's: only a ranking within folds is meaningful.
    y = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    score = np.array([0.1, 0.2, 0.15, 0.4, 0.6, 0.7, 0.8, 0.9])
    fold = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    labels = {
        "generator": ["", "", "a", "a", "", "", "b", "b"],
        "source": ["s", "s", "", "", "t", "t", "", ""],
    }
    table = held_out_table(HeldOutScores(y, score, fold, ""), **labels).set_index("name")
    assert table.loc["a", "auc"] == roc_auc_score([0, 0, 1, 1], [0.1, 0.2, 0.15, 0.4]) == 0.75
    assert table.loc["b", "auc"] == 1
    assert table["called_generated"].to_dict() == {"a": 0, "b": 1, "s": 0, "t": 1}
    assert list(table.index) == ["a", "b", "t", "s"]  # the worst first, generators first
    averages = HeldOutScores(y, score, fold, "").fold_averages()
    assert averages["auc"] == (0.875, 0.125)
    assert averages["balanced_accuracy"] == (0.5, 0.0)


def test_too_few_pictures_are_named():
    labels = {"generator": ["", "", "a"], "source": ["s", "t", ""]}
    with pytest.raises(ValueError, match="1 generated pictures"):
        held_out_scores(LogisticRegression(), np.zeros((3, 1)), [0, 0, 1], **labels)


def test_one_source_and_one_generator_are_split_by_picture():
    features, y, _ = labelled()
    blank = np.full(len(y), "")
    one = {"generator": np.where(y == 1, "gan", ""), "source": np.where(y == 0, "cam", "")}
    none = {"generator": blank, "source": blank}
    for labels, told in ((one, "one generator only"), (none, "no generator is named")):
        scores = held_out_scores(LogisticRegression(), features, y, **labels)
        assert len(np.unique(scores.fold)) == 5
        assert told in scores.held_out
