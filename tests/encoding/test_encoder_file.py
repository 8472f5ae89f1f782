"""A network as an ONNX file that is an encoder itself, in fp32 and in int8."""

import json

import numpy as np
import pytest

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoding import export_encoder

from ..conftest import picture
from ..towers import PREPROCESS, SmallTower, small_pixels

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

PICTURES = [picture(seed, size=(150 + 10 * seed, 200)) for seed in range(8)]


def tower(encoder="timm/test_vit", **settings):
    random = {"weights": "random"} if isinstance(encoder, str) else {}
    return FrozenEncoderTransformer(
        encoder, device="cpu", precision="fp32", cache=None, **random, **settings
    )


def operators(file):
    return {node.op_type for node in onnx.load(file).graph.node}


@pytest.mark.parametrize(
    ("made", "used"),
    [
        ({}, {}),
        ({"layers": [1, -1], "pooling": "mean", "preprocess": "squash"}, {}),
        ({"preprocess": "crops", "n_views": 3}, {"n_views": 3}),
        ({"encoder": SmallTower, "preprocess": PREPROCESS}, {}),
    ],
    ids=["as it is", "layers", "crops", "module"],
)
def test_the_file_gives_the_rows_of_the_transformer(made, used, tmp_path):
    encoder, file = tower(**made), tmp_path / "encoder.onnx"
    parity = export_encoder(encoder, file, precision="fp32", pictures=PICTURES)
    written = FrozenEncoderTransformer("onnx", weights=file, cache=None, **used)
    np.testing.assert_allclose(
        written.transform(PICTURES), encoder.transform(PICTURES), rtol=0, atol=1e-5
    )
    assert parity["pictures"] == 8
    assert parity["least_cosine"] == pytest.approx(1, abs=1e-5)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["encoder.json", "encoder.onnx"]


def test_int8_is_smaller_and_says_what_it_costs(tmp_path):
    encoder = tower()
    files = {precision: tmp_path / f"{precision}.onnx" for precision in ("fp32", "int8")}
    export_encoder(encoder, files["fp32"], precision="fp32")
    parity = export_encoder(encoder, files["int8"], pictures=PICTURES)
    assert files["int8"].stat().st_size < 0.7 * files["fp32"].stat().st_size
    assert "MatMulInteger" in operators(files["int8"])
    assert "MatMulInteger" not in operators(files["fp32"])
    rows = FrozenEncoderTransformer("onnx", weights=files["int8"], cache=None).transform(PICTURES)
    cosines = (rows * encoder.transform(PICTURES)).sum(axis=1)  # of rows of unit length
    assert parity["least_cosine"] == pytest.approx(cosines.min(), abs=1e-5)
    assert parity["mean_cosine"] == pytest.approx(cosines.mean(), abs=1e-5)
    assert 0.99 < parity["least_cosine"] < 0.99999
    assert parity["precision"] == "int8"
    settings = json.loads((tmp_path / "int8.json").read_text())
    assert settings["interpolation"] == "bicubic"


@pytest.mark.parametrize(
    ("encoder", "file", "arguments", "error", "message"),
    [
        (FrozenEncoderTransformer("forensic"), "a.onnx", {}, TypeError, "has no ONNX form"),
        (
            FrozenEncoderTransformer(["efficientnet_lite0", "forensic"]),
            "a.onnx",
            {},
            TypeError,
            "has no ONNX form",
        ),
        (FrozenEncoderTransformer(), "a.onnx", {}, ValueError, "no matrix products"),
        (tower(SmallTower, preprocess=small_pixels), "a.onnx", {}, TypeError, "function of your"),
        (tower(), "a.onnx", {"precision": "int4"}, ValueError, "'int8' or 'fp32'"),
        (tower(), "a.onnx", {"pictures": ["gone.jpg"]}, ValueError, "row 0: gone.jpg: no such"),
        (tower(), "a.onnx", {"pictures": []}, ValueError, "holds no picture"),
        (tower(), "absent/a.onnx", {}, FileNotFoundError, "there is no folder"),
        (tower(), "a.json", {}, ValueError, "name an .onnx file"),
        (tower(), ".", {}, IsADirectoryError, "is a folder"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(encoder, file, arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        export_encoder(encoder, tmp_path / file, **arguments)
    assert not any(tmp_path.iterdir())
