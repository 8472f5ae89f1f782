import json

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_ssafe import (
    FrozenEncoderTransformer,
    GeneratorCurator,
    LinearProbe,
    SSAFEClassifier,
    load_detector,
)

from ..towers import PREPROCESS, NamedTower

IMAGES = np.random.default_rng(2).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)


@pytest.fixture
def file(tmp_path):
    layer = {"weight": np.random.default_rng(0).normal(size=8).tolist(), "bias": -0.3}
    (tmp_path / "head.json").write_text(json.dumps(layer))
    return tmp_path / "head.json"


def encoder(**options):
    return FrozenEncoderTransformer(
        NamedTower, preprocess=PREPROCESS, cache=None, device="cpu", **options
    )


@pytest.mark.parametrize("normalize", [False, True])
def test_the_head_gets_what_the_encoder_gives(file, normalize):
    layer = json.loads(file.read_text())
    probe = LinearProbe.from_linear_layer(file)
    detector = SSAFEClassifier(encoder(normalize=normalize), head=probe, prefit=True).fit()
    pixels = torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        features = NamedTower()(pixels).double().numpy()
    if normalize:
        features /= np.linalg.norm(features, axis=1, keepdims=True)
    wanted = expit(features @ layer["weight"] + layer["bias"])
    np.testing.assert_allclose(detector.predict_proba(IMAGES)[:, 1], wanted, rtol=1e-4)
    assert detector.predict(IMAGES).tolist() == (wanted > 0.5).astype(int).tolist()


def test_it_is_saved_and_the_card_says_where_the_head_comes_from(file, tmp_path):
    probe = LinearProbe.from_linear_layer(file)
    settings = {"normalize": False}
    detector = SSAFEClassifier(encoder(**settings), head=probe, prefit=True, threshold=0.4).fit()
    folder = detector.save(tmp_path / "detector")
    again = load_detector(folder, encoder=encoder(**settings))
    assert again.prefit
    np.testing.assert_array_equal(again.predict_proba(IMAGES), detector.predict_proba(IMAGES))
    assert again.threshold_ == 0.4
    assert list(again.training_table_) == list(detector.training_table_)
    assert len(again.training_table_) == len(again.training_indices_) == 0
    card = (folder / "README.md").read_text()
    assert f"Where it comes from: {probe.origin_}." in card
    assert "**fitted elsewhere**" in card
    assert "trained on all pictures" not in card
    again.save(tmp_path / "copy")
    assert (tmp_path / "copy" / "README.md").read_text() == card


def test_embeddings_and_other_heads(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), np.repeat([0, 1], 20)
    head = LogisticRegression().fit(X, y)
    detector = SSAFEClassifier(None, head=head, prefit=True).fit()
    np.testing.assert_allclose(detector.predict_proba(X), head.predict_proba(X))
    folder = detector.save(tmp_path / "detector")
    np.testing.assert_array_equal(load_detector(folder).predict_proba(X), head.predict_proba(X))
    assert "Where it comes from: not recorded." in (folder / "README.md").read_text()


def test_nothing_is_trained_by_data(file):
    probe = LinearProbe.from_linear_layer(file)
    rows = np.random.default_rng(1).normal(size=(6, 8))
    detector = SSAFEClassifier(None, head=probe, prefit=True).fit(rows, ["generated", "real"] * 3)
    np.testing.assert_array_equal(detector.head_.coef_, probe.coef_)
    assert detector.classes_.tolist() == ["generated", "real"]
    np.testing.assert_allclose(detector.predict_proba(rows)[:, 0], probe.predict_proba(rows)[:, 1])


def test_the_head_is_a_copy_and_the_parameters_are_kept(file):
    probe = LinearProbe.from_linear_layer(file)
    detector = SSAFEClassifier(None, head=probe, prefit=True).fit()
    before = detector.head_.coef_.copy()
    probe.partial_fit(np.ones((2, 8)), [0, 1])
    np.testing.assert_array_equal(detector.head_.coef_, before)


def test_a_frozen_head_can_be_cloned_and_saved(file, tmp_path):
    probe = LinearProbe.from_linear_layer(file)
    detector = clone(SSAFEClassifier(None, head=FrozenEstimator(probe), prefit=True)).fit()
    rows = np.random.default_rng(1).normal(size=(6, 8))
    np.testing.assert_allclose(detector.predict_proba(rows), probe.predict_proba(rows), rtol=1e-12)
    folder = detector.save(tmp_path / "detector")
    again = load_detector(folder)
    np.testing.assert_allclose(again.predict_proba(rows), probe.predict_proba(rows), rtol=1e-12)
    assert probe.origin_ in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"curator": GeneratorCurator()}, "curator=.* with prefit=True"),
        ({"target_fpr": 0.01}, "target_fpr=0.01 with prefit=True.*threshold_for_fpr"),
        ({"keep_training_rows": True}, "keep_training_rows=True with prefit=True"),
        ({"head": None}, "prefit=True needs a fitted head"),
        ({"head": LinearRegression().fit([[0], [1]], [0, 1])}, "has no predict_proba"),
        ({"head": LogisticRegression().fit([[0], [1]], ["a", "b"])}, r"labels \['a' 'b'\]"),
        ({"head": LogisticRegression().fit([[0], [1]], [0, 1])}, "takes 1 features, .* gives 8"),
    ],
)
def test_what_does_not_fit_together(file, parameters, message):
    settings = {"head": LinearProbe.from_linear_layer(file), "prefit": True, **parameters}
    with pytest.raises(ValueError, match=message):
        SSAFEClassifier(encoder(), **settings).fit()


def test_a_head_that_is_not_fitted():
    with pytest.raises(NotFittedError):
        SSAFEClassifier(encoder(), head=LinearProbe(), prefit=True).fit()


def test_without_prefit_labels_are_needed():
    with pytest.raises(ValueError, match="requires y to be passed"):
        SSAFEClassifier(encoder()).fit(IMAGES)
