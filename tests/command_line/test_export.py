import json

import numpy as np
import pytest

from sklearn_ssafe import SSAFEClassifier
from sklearn_ssafe.datasets import make_generated_images

from .conftest import run

runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")
pytest.importorskip("onnxscript")


def test_a_detector_of_embeddings(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80)
    X = (rng.normal(size=(80, 5)) + y[:, None]).astype(np.float32)
    detector = SSAFEClassifier(None, cv=None).fit(X, y)
    detector.save(tmp_path / "detector")
    result = run("export", tmp_path / "detector", "-o", tmp_path / "d.onnx")
    assert result.exit_code == 0, result.output
    assert "in fp32. On 64 pictures" in result.output
    session = runtime.InferenceSession(tmp_path / "d.onnx")
    score = session.run(["score"], {"features": X})[0]
    np.testing.assert_allclose(score, detector.predict_proba(X)[:, 1], atol=1e-5)
    facts = json.loads(session.get_modelmeta().custom_metadata_map["sklearn_ssafe"])
    assert facts["threshold"] == 0.5


def test_what_cannot_be_exported_is_one_sentence(tmp_path):
    data = make_generated_images(n_samples=12, image_size=64, random_state=0)
    SSAFEClassifier("forensic", cv=None).fit(data.X, data.y).save(tmp_path / "detector")
    result = run("export", tmp_path / "detector", "-o", tmp_path / "d.onnx")
    assert isinstance(result.exception, TypeError)  # one line in a terminal, see main()
    assert "'forensic' has no ONNX form" in str(result.exception)
    assert not (tmp_path / "d.onnx").exists()
