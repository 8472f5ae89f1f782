"""A detector as an ONNX file, run by ONNX Runtime alone."""

import json
import sys

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, LinearProbe, SSAFEClassifier
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.detector import onnx_export
from sklearn_ssafe.images import read_image

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("skl2onnx")
runtime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def data():
    return make_generated_images(n_samples=60, image_size=96, random_state=0)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    return (rng.normal(size=(200, 12)) + y[:, None]).astype(np.float32), y


@pytest.fixture(scope="module")
def detector(data):
    names = np.where(data.y == 1, "fake", "photo")
    return SSAFEClassifier(cv=None, threshold=0.4).fit(data.X[:40], names[:40])


def centre(image, side=256):
    """The default encoder's preprocessing, in a few lines of NumPy: what a service has to do."""
    short = [max(0, side - length) for length in image.shape[:2]]
    image = np.pad(image, [(n // 2, n - n // 2) for n in short] + [(0, 0)], mode="reflect")
    top, left = (round((length - side) / 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]


@pytest.mark.slow
def test_the_default_detector_runs_without_torch(detector, data, tmp_path):
    path = tmp_path / "detector.onnx"
    parity = detector.export_onnx(path, pictures=data.X[40:44])
    assert parity["pictures"] == 4
    assert parity["verdicts_changed"] == 0
    assert 0 < parity["largest_difference"] < 1e-5
    session = runtime.InferenceSession(path)
    views = np.stack([centre(read_image(picture)) for picture in data.X[40:]])[:, None]
    score, features = session.run(["score", "features"], {"views": views})
    np.testing.assert_allclose(score, detector.predict_proba(data.X[40:])[:, 0], atol=1e-5)
    np.testing.assert_allclose(features, detector.encoder_.transform(data.X[40:]), atol=1e-5)
    facts = json.loads(session.get_modelmeta().custom_metadata_map["sklearn_ssafe"])
    assert facts["threshold"] == 0.4
    assert facts["labels"] == {"real": "photo", "generated": "fake"}
    assert facts["preprocessing"]["resize_mode"] == "crops"
    assert facts["preprocessing"]["views"] == [1, 256, 256, 3]
    assert facts["parity"] == parity
    assert "# " in facts["card"]
    called = np.where(score >= facts["threshold"], "fake", "photo")
    assert called.tolist() == detector.predict(data.X[40:]).tolist()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["detector.onnx"]


def test_pictures_are_looked_at_before_the_work(detector, data, tmp_path, monkeypatch):
    for work in ("encoder_graph", "head_graph", "loaded_encoder"):
        monkeypatch.setattr(onnx_export, work, None)
    path = tmp_path / "detector.onnx"
    (tmp_path / "broken.jpg").write_bytes(b"none")
    pictures = [data.X[0], str(tmp_path / "broken.jpg")]
    with pytest.raises(ValueError, match=r"cannot be read: row 1: .*broken\.jpg: is no picture"):
        detector.export_onnx(path, pictures=pictures)
    with pytest.raises(ValueError, match="X holds no picture"):
        detector.export_onnx(path, pictures=[])
    for few in (None, data.X[:4]):
        n = 0 if few is None else 4
        with pytest.raises(ValueError, match=rf"at least 20 pictures .* got {n}"):
            detector.export_onnx(path, precision="int8", pictures=few)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"needs the package onnxruntime.*\[export\]"):
        detector.export_onnx(path, pictures=data.X[:2])


@pytest.mark.slow
def test_int8_says_what_it_costs(detector, data, tmp_path):
    path = tmp_path / "int8.onnx"
    parity = detector.export_onnx(path, precision="int8", pictures=data.X[:24])
    assert parity["pictures"] == 12
    assert 1e-4 < parity["largest_difference"] < 0.25
    assert parity["mean_difference"] <= parity["largest_difference"]
    detector.export_onnx(tmp_path / "fp32.onnx", pictures=data.X[:2])
    sizes = [(tmp_path / f"{name}.onnx").stat().st_size for name in ("int8", "fp32")]
    assert sizes[0] < 0.5 * sizes[1]


@pytest.mark.slow
def test_an_embedding_keeps_its_unit_length(data, tmp_path):
    encoder = FrozenEncoderTransformer("ViT-B-32", weights="random", precision="fp32")
    detector = SSAFEClassifier(encoder, cv=None).fit(data.X[:20], data.y[:20])
    detector.export_onnx(tmp_path / "d.onnx")
    session = runtime.InferenceSession(tmp_path / "d.onnx")
    facts = json.loads(session.get_modelmeta().custom_metadata_map["sklearn_ssafe"])
    assert facts["preprocessing"]["resize_mode"] == "shortest"
    from sklearn_ssafe.encoding.transformer import loaded_encoder

    prepare = loaded_encoder(encoder).prepare
    views = np.stack([prepare(read_image(picture)) for picture in data.X[20:25]])
    score, features = session.run(["score", "features"], {"views": views})
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(score, detector.predict_proba(data.X[20:25])[:, 1], atol=1e-5)


HEADS = {
    "logistic": LogisticRegression(),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression(C=0.1)),
    "probe": LinearProbe(random_state=0),
    "forest": RandomForestClassifier(n_estimators=20, random_state=0),
    # Its converter calls a result in between "score", as the graph's own result is.
    "descent": SGDClassifier(loss="log_loss", random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=20, random_state=0),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads_on_embeddings(rows, tmp_path, name):
    X, y = rows
    detector = SSAFEClassifier(None, head=HEADS[name], cv=None).fit(X[:150], y[:150])
    detector.export_onnx(tmp_path / "head.onnx", pictures=X[:50])
    session = runtime.InferenceSession(tmp_path / "head.onnx")
    score = session.run(["score"], {"features": X[150:]})[0]
    np.testing.assert_allclose(score, detector.predict_proba(X[150:])[:, 1], atol=1e-4)
    with pytest.raises(ValueError, match="this detector has none"):
        detector.export_onnx(tmp_path / "head.onnx", precision="int8")


def test_wrong_places_and_rows_are_told_before_the_work(rows, tmp_path):
    detector = SSAFEClassifier(None, cv=None).fit(*rows)
    with pytest.raises(FileNotFoundError, match=r"no folder .*absent' for 'head\.onnx'"):
        detector.export_onnx(tmp_path / "absent" / "head.onnx")
    with pytest.raises(IsADirectoryError, match="is a folder: name a file"):
        detector.export_onnx(tmp_path)
    for wrong, message in (
        ([], "2D array"),
        (rows[0][0], "2D array"),
        (rows[0] * np.nan, "NaN"),
        (rows[0][:, :5], "rows of 5 numbers, and this detector takes embeddings of 12"),
    ):
        with pytest.raises(ValueError, match=message):
            detector.export_onnx(tmp_path / "head.onnx", pictures=wrong)
    assert not list(tmp_path.iterdir())


def test_a_head_without_an_onnx_form_is_named(rows, tmp_path):
    class OwnHead(LogisticRegression):
        pass

    detector = SSAFEClassifier(None, head=OwnHead(), cv=None).fit(*rows)
    with pytest.raises(TypeError, match="head OwnHead has no ONNX form"):
        detector.export_onnx(tmp_path / "head.onnx")


def test_an_encoder_without_an_onnx_form_is_named(data, tmp_path):
    detector = SSAFEClassifier("forensic", cv=None).fit(data.X[:12], data.y[:12])
    with pytest.raises(TypeError, match="'forensic' has no ONNX form"):
        detector.export_onnx(tmp_path / "d.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_disagrees_is_not_written(rows, tmp_path, monkeypatch):
    detector = SSAFEClassifier(None, cv=None).fit(*rows)
    real = onnx_export.head_graph

    def other_head(head, n_features):
        head.intercept_ = head.intercept_ + 0.01
        graph = real(head, n_features)
        head.intercept_ = head.intercept_ - 0.01
        return graph

    monkeypatch.setattr(onnx_export, "head_graph", other_head)
    with pytest.raises(ValueError, match=r"other scores than the detector, by up to 0\.00"):
        detector.export_onnx(tmp_path / "head.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_named(rows, tmp_path, monkeypatch):
    detector = SSAFEClassifier(None, cv=None).fit(*rows)
    monkeypatch.setitem(__import__("sys").modules, "skl2onnx", None)
    with pytest.raises(ImportError, match=r"needs the package skl2onnx: pip install sklearn-ssafe"):
        detector.export_onnx(tmp_path / "head.onnx")
    with pytest.raises(ValueError, match="precision must be 'fp32' or 'int8', got 'int4'"):
        detector.export_onnx(tmp_path / "head.onnx", precision="int4")


@pytest.mark.parametrize("cv", [2, 5])
def test_a_majority_of_heads_has_one_graph(cv, rows, tmp_path):
    X, y = rows
    detector = SSAFEClassifier(None, target_fpr=0.1, cv=cv).fit(X, y)
    path = tmp_path / "detector.onnx"
    detector.export_onnx(path, pictures=X)
    (score,) = runtime.InferenceSession(path).run(["score"], {"features": X})
    np.testing.assert_allclose(score, detector.predict_proba(X)[:, 1], atol=1e-5)


def test_the_limits_of_unsure_are_in_the_file(rows, tmp_path):
    X, y = rows[0][:, :2], rows[1]  # two columns tell too little for all verdicts
    detector = SSAFEClassifier(None, cv=None, abstain=0.2).fit(X[:150], y[:150])
    X = X[150:]  # a limit is a training picture's score, which single precision may cross
    detector.export_onnx(tmp_path / "d.onnx")
    session = runtime.InferenceSession(tmp_path / "d.onnx")
    limits = json.loads(session.get_modelmeta().custom_metadata_map["sklearn_ssafe"])["verdicts"]
    score = session.run(["score"], {"features": X})[0]
    chosen = [score >= limits["generated_from"], score < limits["real_below"]]
    verdict = np.select(chosen, ["generated", "real"], "unsure")
    assert verdict.tolist() == detector.predict_verdict(X).tolist()
    assert "unsure" in verdict


def test_the_folds_heads_of_target_fpr(rows, tmp_path):
    X, y = rows
    detector = SSAFEClassifier(None, target_fpr=0.1).fit(X, y)
    detector.export_onnx(tmp_path / "d.onnx")
    session = runtime.InferenceSession(tmp_path / "d.onnx")
    score = session.run(["score"], {"features": X})[0]
    np.testing.assert_allclose(score, detector.predict_proba(X)[:, 1], atol=1e-5)


def test_the_limits_follow_a_threshold_that_was_moved(rows, tmp_path):
    X, y = rows[0][:, :2], rows[1]
    detector = SSAFEClassifier(None, cv=None, abstain=0.2).fit(X, y)
    detector.threshold_ = 0.99
    detector.export_onnx(tmp_path / "d.onnx")
    session = runtime.InferenceSession(tmp_path / "d.onnx")
    facts = json.loads(session.get_modelmeta().custom_metadata_map["sklearn_ssafe"])
    assert facts["verdicts"]["generated_from"] == facts["threshold"] == 0.99
