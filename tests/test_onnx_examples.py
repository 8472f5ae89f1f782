"""The examples that run an exported detector without torch and without this package."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sklearn_ssafe import SSAFEClassifier, load_detector
from sklearn_ssafe.datasets import make_generated_images

from .conftest import encoded

for package in ("onnxscript", "skl2onnx", "onnxruntime", "fastapi", "httpx", "duckdb"):
    pytest.importorskip(package)
EXAMPLES = Path(__file__).parents[1] / "examples"
# Stands before each script: what it must not need cannot be imported.
ALONE = "import sys; sys.modules.update(torch=None, sklearn=None, sklearn_ssafe=None);"
CLIENT = f"""{ALONE}
sys.path.insert(0, {str(EXAMPLES)!r})
import json, pathlib
from fastapi.testclient import TestClient
import serve_onnx
folder = pathlib.Path(sys.argv[2])
client = TestClient(serve_onnx.make_app(sys.argv[1]))
answers = {{}}
for picture in sorted(folder.iterdir()):
    answer = client.post("/judge", content=picture.read_bytes())
    answers[picture.name] = [answer.status_code, answer.json()]
deep = (folder.parent / "deep.png").read_bytes()
answers["deep"] = [client.post("/judge", content=deep).status_code, {{}}]
serve_onnx.MOST_BYTES = 1000
answers["long"] = [client.post("/judge", content=b"x" * 5000).status_code, {{}}]
serve_onnx.MOST_BYTES, serve_onnx.MOST_PIXELS = 10**6, 100
wide = (folder / "00.jpg").read_bytes()
answers["wide"] = [client.post("/judge", content=wide).status_code, {{}}]
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An exported detector, its saved folder, and a folder of pictures, one of them broken."""
    folder = tmp_path_factory.mktemp("exported")
    data = make_generated_images(n_samples=36, image_size=96, random_state=0)
    detector = SSAFEClassifier(cv=None).fit(data.X[:30], data.y[:30])
    detector.save(folder / "detector")
    detector.export_onnx(folder / "detector.onnx")
    (folder / "pictures").mkdir()
    for row, content in enumerate(data.X[30:]):
        (folder / "pictures" / f"{row:02d}.jpg").write_bytes(content)
    transparent = np.random.default_rng(0).integers(0, 256, (300, 280, 4), dtype=np.uint8)
    (folder / "pictures" / "large.png").write_bytes(encoded(transparent, "PNG"))
    (folder / "pictures" / "broken.jpg").write_bytes(b"no picture at all")
    deep = np.full((300, 300), 40_000, dtype=np.uint16)
    (folder / "deep.png").write_bytes(encoded(Image.fromarray(deep), "PNG"))
    return folder


def run(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLES)
    assert result.returncode == 0, result.stderr
    return result.stdout


def expected(folder):
    """Scores and verdicts of the detector itself."""
    names = sorted(p.name for p in (folder / "pictures").iterdir() if p.name != "broken.jpg")
    detector = load_detector(folder / "detector")
    paths = [folder / "pictures" / name for name in names]
    score = detector.predict_proba(paths)[:, 1]
    words = np.where(score >= detector.threshold_, "generated", "real")
    return dict(zip(names, zip(score.tolist(), words.tolist(), strict=True), strict=True))


@pytest.mark.slow
def test_the_service_judges_as_the_detector_does(exported):
    answers = json.loads(run(CLIENT, exported / "detector.onnx", exported / "pictures"))
    for name, (score, word) in expected(exported).items():
        status, answer = answers[name]
        assert status == 200
        assert answer["score"] == pytest.approx(score, abs=1e-4)
        assert answer["verdict"] == word
    assert answers["broken.jpg"][0] == 422
    assert "cannot be read" in answers["broken.jpg"][1]["detail"]
    assert answers["deep"][0] == 422  # 16 bits, which Pillow would clip
    assert answers["long"][0] == 413
    assert answers["wide"][0] == 422


@pytest.mark.slow
def test_the_batch_has_a_row_for_every_picture(exported, tmp_path):
    import pandas as pd

    pictures = sorted((exported / "pictures").iterdir())
    for part in (0, 1):
        some = pictures[part::2]
        pd.DataFrame(
            {"path": [p.name for p in some], "image": [p.read_bytes() for p in some]}
        ).to_parquet(tmp_path / f"part-{part}.parquet")
    script = (EXAMPLES / "batch_onnx.py").read_text()
    said = run(
        ALONE + script,
        exported / "detector.onnx",
        tmp_path / "part-*.parquet",
        tmp_path / "out.parquet",
    )
    table = pd.read_parquet(tmp_path / "out.parquet").set_index("path")
    assert sorted(table.index) == [p.name for p in pictures]
    wanted = expected(exported)
    for name, (score, _) in wanted.items():
        assert table.loc[name, "score"] == pytest.approx(score, abs=1e-4)
    assert np.isnan(table.loc["broken.jpg", "score"])
    assert table.loc["broken.jpg", "error"]
    called = sum(word == "generated" for _, word in wanted.values())
    counted = f"{called} of {len(pictures)} pictures are called generated"
    assert said.splitlines()[-1] == counted  # DuckDB may draw a bar before


@pytest.mark.slow
@pytest.mark.parametrize("script", ["serve_onnx.py", "batch_onnx.py"])
def test_a_detector_with_another_preprocessing_is_refused(exported, tmp_path, script):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(exported / "detector.onnx")
    facts = json.loads(model.metadata_props[0].value)
    facts["preprocessing"]["resize_mode"] = "shortest"
    model.metadata_props[0].value = json.dumps(facts)
    onnx.save(model, tmp_path / "other.onnx")
    command = [sys.executable, script, tmp_path / "other.onnx", "none", tmp_path / "out.parquet"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLES)
    assert result.returncode == 1
    assert "write yours for this encoder" in result.stderr
