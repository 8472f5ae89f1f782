import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_ssafe.comparison.heads import HEADS, make_heads


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_head_learns(name, task):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    signal = X[:, 0] + 0.5 * X[:, 1]
    y = (signal > 0).astype(int) if task == "classification" else signal
    head = make_heads([name], task=task)[name].fit(X[:80], y[:80])
    assert head.score(X[80:], y[80:]) > (0.7 if task == "classification" else 0.4)


def test_repeating_columns_does_not_change_a_linear_head():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)
    head = make_heads(["linear"])["linear"]
    few = head.fit(X, y).predict_proba(X)
    many = head.fit(np.tile(X, 50), y).predict_proba(np.tile(X, 50))
    np.testing.assert_allclose(few, many, atol=1e-3)


def test_your_own_heads_are_left_alone():
    own = {"mine": LogisticRegression(C=3)}
    assert make_heads(own) is own
    with pytest.raises(ValueError, match="no head 'svm'; there are linear, linear_svm"):
        make_heads(["svm"])


def test_without_lightgbm(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-ssafe\[explain\]"'):
        make_heads(["lightgbm"])
    monkeypatch.setattr("sklearn_ssafe.comparison.heads.find_spec", lambda name: None)
    assert "lightgbm" not in make_heads()
