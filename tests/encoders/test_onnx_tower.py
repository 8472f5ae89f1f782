import hashlib
import json
import re
import shutil
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier, load_detector
from sklearn_ssafe.encoders import free_encoders
from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.exceptions import WeightsFileError, WeightsNotFoundError

from .. import onnx_models
from ..onnx_models import (
    FLOAT,
    INT64,
    dynamically_quantised,
    expected,
    expected_dynamically_quantised,
    onnx,
    save,
    save_tower,
    tower_nodes,
)
from ..tiny_models import embed, pictures

PREPROCESS = {"size": 16, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.1)}
TRANSFORM = transforms.Compose(
    [
        transforms.Resize(16, interpolation=transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop(16),
        transforms.ToTensor(),
        transforms.Normalize(PREPROCESS["mean"], PREPROCESS["std"]),
    ]
)
PIXELS = torch.stack([TRANSFORM(Image.fromarray(image)) for image in pictures()])


@pytest.fixture(autouse=True)
def forget():
    yield
    free_encoders()


@pytest.fixture
def file(tmp_path):
    return save_tower(tmp_path / "tower.onnx")


def load(file, **options):
    return load_encoder(
        "onnx", weights=file, **{"preprocess": PREPROCESS, "device": "cpu", **options}
    )


def assert_close(features, wanted):
    torch.testing.assert_close(features, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("choice", "output", "wanted"),
    [
        ({}, "embedding", lambda all_of_them: all_of_them["embedding"]),
        ({"layers": "pooled"}, "pooled", lambda all_of_them: all_of_them["pooled"]),
        ({"layers": 2}, "pooled", lambda all_of_them: all_of_them["pooled"]),
        ({"layers": "maps"}, "maps", lambda all_of_them: all_of_them["pooled"]),
        (
            {"layers": -1, "pooling": "mean"},
            "tokens_mean",
            lambda all_of_them: all_of_them["pooled"],
        ),
        (
            {"layers": "tokens", "pooling": "cls"},
            "tokens_cls",
            lambda all_of_them: all_of_them["tokens"][:, 0],
        ),
    ],
)
def test_every_output_is_what_torch_computes(file, choice, output, wanted):
    encoder = load(file, **choice)
    wanted = wanted(expected(PIXELS))
    assert_close(embed(encoder, pictures()), wanted)
    names = [f"onnx_{output}_{i:04d}" for i in range(wanted.shape[1])]
    assert list(encoder.feature_names) == names


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (2, 3, 16, 16), (5, 3, 16, 16), ("n",) * 4])
def test_fixed_and_free_batches(tmp_path, shape):
    encoder = load(save_tower(tmp_path / "tower.onnx", shape=shape))
    images = [*pictures(), pictures()[0][::-1], *pictures()]
    pixels = torch.stack([TRANSFORM(Image.fromarray(image)) for image in images])
    assert_close(embed(encoder, images), expected(pixels)["embedding"])


def test_height_and_width_may_be_free(tmp_path):
    encoder = load(
        save_tower(tmp_path / "tower.onnx", shape=("n", 3, "h", "w")),
        preprocess={**PREPROCESS, "size": (20, 12), "resize_mode": "crops"},
        n_views=3,
    )
    views = torch.from_numpy(encoder.prepare(pictures()[0]))
    assert views.shape == (3, 20, 12, 3)
    pixels = views.permute(0, 3, 1, 2) / 255 - torch.tensor(PREPROCESS["mean"])[:, None, None]
    pixels = pixels / torch.tensor(PREPROCESS["std"])[:, None, None]
    assert_close(encoder.encode(views[None])[0], expected(pixels)["embedding"].mean(0))


def test_colour_may_be_the_last_axis(tmp_path):
    nodes, tensors = tower_nodes()
    first = onnx.helper.make_node("Transpose", ["last"], ["pixels"], perm=[0, 3, 1, 2])
    value = onnx.helper.make_tensor_value_info("last", FLOAT, ["n", 16, 16, 3])
    file = save(tmp_path / "tower.onnx", [first, *nodes], tensors, ["embedding"], inputs=[value])
    assert_close(embed(load(file), pictures()), expected(PIXELS)["embedding"])


def test_half_precision(tmp_path):
    cast = onnx.helper.make_node("Cast", ["halves"], ["pixels"], to=FLOAT)
    nodes, tensors = tower_nodes()
    value = onnx.helper.make_tensor_value_info("halves", onnx.TensorProto.FLOAT16, ["n", 3, 16, 16])
    file = save(tmp_path / "tower.onnx", [cast, *nodes], tensors, ["embedding"], inputs=[value])
    encoder = load(file, resize="pillow")
    assert_close(embed(encoder, pictures()), expected(PIXELS.half().float())["embedding"])
    assert load(file, precision="fp16", resize="pillow").fingerprint == encoder.fingerprint
    with pytest.raises(ValueError, match="fixes its number format"):
        load(file, precision="fp32")


def dynamic_int8(file):
    projection, more = dynamically_quantised()
    nodes, tensors = tower_nodes(projection)
    return save(file, nodes, {**tensors, **more}, ["embedding"])


def test_a_dynamic_int8_model_runs_one_picture_at_a_time(tmp_path):
    file = dynamic_int8(tmp_path / "tower.onnx")
    features = embed(load(file), pictures())
    pooled = expected(PIXELS)["pooled"]
    each = [expected_dynamically_quantised(row) for row in pooled]
    np.testing.assert_allclose(features, each, rtol=1e-5, atol=1e-5)
    together = expected_dynamically_quantised(pooled)  # which is what must not come out
    assert np.abs(together - np.array(each)).max() > 1e-3


def test_sums_of_int8_products_do_not_overflow(tmp_path, monkeypatch):
    # Two neighbours of a row already exceed 16 bits, which some processors add them up in.
    monkeypatch.setattr(onnx_models, "PROJECTION", np.ones((4, 6), dtype=np.float32))
    features = embed(load(dynamic_int8(tmp_path / "tower.onnx")), pictures())
    pooled = expected(PIXELS)["pooled"]
    each = [expected_dynamically_quantised(row) for row in pooled]
    np.testing.assert_allclose(features, each, rtol=1e-5, atol=1e-5)
    assert (np.sort(pooled.numpy(), axis=1)[:, -2:].sum(axis=1) / pooled.numpy().max() > 1.1).any()


def test_a_model_that_mixes_its_batch_runs_one_picture_at_a_time(tmp_path):
    # As a batch norm that was left in training mode does.
    nodes, tensors = tower_nodes()
    node = onnx.helper.make_node
    nodes += [
        node("ReduceMean", ["pooled"], ["batch_mean"], axes=[0], keepdims=1),
        node("Add", ["pooled", "batch_mean"], ["mixed"]),
    ]
    file = save(tmp_path / "tower.onnx", nodes, tensors, ["mixed"])
    assert_close(embed(load(file), pictures()), 2 * expected(PIXELS)["pooled"])


def test_a_graph_that_was_made_for_one_picture_runs_one_at_a_time(tmp_path):
    nodes, tensors = tower_nodes()
    tensors["one_row"] = np.array([1, 4], dtype=np.int64)
    nodes.append(onnx.helper.make_node("Reshape", ["pooled", "one_row"], ["row"]))
    file = save(tmp_path / "tower.onnx", nodes, tensors, ["row"])
    assert_close(embed(load(file), pictures()), expected(PIXELS)["pooled"])


def test_static_int8(tmp_path):
    node = onnx.helper.make_node
    nodes, tensors = tower_nodes()
    scale = np.float32(0.05)
    tensors |= {"scale": scale, "zero": np.uint8(3)}
    nodes += [
        node("QuantizeLinear", ["pooled", "scale", "zero"], ["bytes"]),
        node("DequantizeLinear", ["bytes", "scale", "zero"], ["stepped"]),
    ]
    file = save(tmp_path / "tower.onnx", nodes, tensors, ["stepped"])
    steps = (expected(PIXELS)["pooled"] / scale).round().clamp(-3, 252)
    assert_close(embed(load(file), pictures()), steps * scale)


@pytest.fixture
def external(tmp_path):
    (tmp_path / "parts").mkdir()
    folder = tmp_path / "parts"
    return save_tower(
        folder / "tower.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="tower.weights",
        size_threshold=100,  # not the shapes, which ONNX Runtime wants in the file
    )


def test_external_data(external):
    assert_close(embed(load(external), pictures()), expected(PIXELS)["embedding"])


def test_the_fingerprint_is_one_of_the_content(external, file, tmp_path):
    whole = hashlib.sha256(file.read_bytes()).hexdigest()
    assert load(file).weights_hash == whole
    copy = shutil.copy(file, tmp_path / "another name.onnx")
    assert load(copy).fingerprint == load(file).fingerprint
    before = load(external).fingerprint
    data = external.with_name("tower.weights")
    content = bytearray(data.read_bytes())
    content[10] ^= 1
    data.write_bytes(content)
    after = load(external).fingerprint
    assert before["weights"] != after["weights"]
    assert {**before, "weights": ""} == {**after, "weights": ""}


def test_a_changed_file_is_read_again(file):
    first = embed(load(file), pictures())
    nodes, tensors = tower_nodes()
    tensors["projection"] = 2 * tensors["projection"]
    save(file, nodes, tensors, ["embedding"])
    assert_close(embed(load(file), pictures()), 2 * first)


def test_missing_external_data(external):
    external.with_name("tower.weights").unlink()
    with pytest.raises(WeightsFileError, match=r"tower\.onnx: ONNX Runtime .* cannot open"):
        load(external)


def test_the_preprocessing_may_lie_beside_the_file(file):
    settings = {key: PREPROCESS[key] for key in ("mean", "std")}  # the file says the size
    file.with_suffix(".json").write_text(json.dumps(settings))
    encoder = load(file, preprocess="auto")
    assert encoder.fingerprint == load(file).fingerprint
    assert_close(embed(encoder, pictures()), expected(PIXELS)["embedding"])
    squashed = load(file, preprocess={"resize_mode": "squash"})
    assert squashed.fingerprint == load(file, preprocess="squash").fingerprint
    assert squashed.fingerprint != encoder.fingerprint
    in_a_folder = load(file.parent, preprocess="auto")
    assert in_a_folder.fingerprint == encoder.fingerprint


def test_a_function_may_prepare_the_pictures(file):
    assert_close(embed(load(file, preprocess=TRANSFORM), pictures()), expected(PIXELS)["embedding"])


@pytest.mark.parametrize("text", ["{", "[]", '{"size": 16, "means": [0, 0, 0]}', '{"size": "a"}'])
def test_a_json_that_says_something_else(file, text):
    file.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsFileError, match=r"tower\.json: it lies beside tower\.onnx"):
        load(file)


def test_threads_are_the_users(file, monkeypatch):
    import onnxruntime

    asked = []

    class Session(onnxruntime.InferenceSession):
        def __init__(self, path, options, **others):
            asked.append(options.intra_op_num_threads)
            super().__init__(path, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 2, 2, 1):
            torch.set_num_threads(n_threads)
            load(file)
    finally:
        torch.set_num_threads(before)
    assert asked == [1, 2]


def test_in_the_transformer(file):
    settings = {"weights": file, "preprocess": PREPROCESS, "device": "cpu"}
    transformer = FrozenEncoderTransformer("onnx", normalize=False, cache=None, **settings)
    features = transformer.fit_transform(pictures() * 3)
    np.testing.assert_allclose(
        features, np.tile(expected(PIXELS)["embedding"], (3, 1)), rtol=1e-5, atol=1e-5
    )
    one_by_one = transformer.set_params(batch_size=1).transform(pictures())
    np.testing.assert_allclose(one_by_one, features[:2], rtol=1e-6)
    compiled = transformer.set_params(compile=True).transform(pictures())
    np.testing.assert_array_equal(compiled, one_by_one)
    pooled = FrozenEncoderTransformer("onnx", layers="pooled", normalize=True, **settings)
    assert list(pooled.get_feature_names_out()) == [f"onnx_pooled_{i:04d}" for i in range(4)]
    wanted = torch.nn.functional.normalize(expected(PIXELS)["pooled"])
    np.testing.assert_allclose(pooled.fit_transform(pictures()), wanted, rtol=1e-5)


def test_a_detector_with_it_is_saved_and_knows_it_again(file, tmp_path):
    encoder = FrozenEncoderTransformer(
        "onnx", weights=file, layers="pooled", preprocess=PREPROCESS, device="cpu"
    )
    images = [image + np.uint8(k) for k in range(10) for image in pictures()]
    detector = SSAFEClassifier(encoder, cv=None).fit(images, [0, 1] * 10)
    scores = detector.predict_proba(images)
    folder = detector.save(tmp_path / "detector")
    moved = shutil.copy(file, tmp_path / "moved.onnx")
    file.unlink()
    again = load_detector(folder, weights=moved, device="cpu")
    np.testing.assert_array_equal(again.predict_proba(images), scores)
    assert "its ONNX file, which is not known here" in (folder / "README.md").read_text()


# What is refused ---------------------------------------------------------------------------------


def test_what_is_no_image_model(tmp_path):
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Identity", ["pixels"], ["same"])
    others = [(FLOAT, (9, 512)), (INT64, (9, 77)), (FLOAT, (9, 1, 8, 8)), (INT64, (9, 3, 8, 8))]
    for number, (kind, shape) in enumerate(others):
        inputs = [value("pixels", kind, shape)]
        output = [value("same", kind, None)]
        graph = onnx.helper.make_graph([node], "small", inputs, output)
        opset = onnx.helper.make_opsetid("", 17)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
        onnx.save(model, tmp_path / f"{number}.onnx")
        with pytest.raises(WeightsFileError, match="no image encoder, for its input is pixels"):
            load(tmp_path / f"{number}.onnx")


def test_two_inputs(tmp_path):
    nodes, tensors = tower_nodes()
    value = onnx.helper.make_tensor_value_info
    inputs = [value("pixels", FLOAT, ["n", 3, 16, 16]), value("text", FLOAT, ["n", 6])]
    nodes.append(onnx.helper.make_node("Add", ["embedding", "text"], ["both"]))
    file = save(tmp_path / "clip.onnx", nodes, tensors, ["both"], inputs=inputs)
    with pytest.raises(WeightsFileError, match=r"2 inputs \(pixels .*, text .*\).* tower alone"):
        load(file)


def test_a_file_of_something_else(tmp_path):
    file = tmp_path / "weights.onnx"
    for content in (b"", b"nothing of the kind", b"\x80" * 1000):
        file.write_bytes(content)
        with pytest.raises(WeightsFileError, match=r"weights\.onnx: ONNX Runtime"):
            load(file)


def test_no_file(tmp_path, file):
    with pytest.raises(WeightsNotFoundError, match="no such file or folder"):
        load(tmp_path / "absent.onnx")
    with pytest.raises(ValueError, match=r"weights=None: name the file"):
        load(None)
    shutil.copy(file, tmp_path / "other.onnx")
    with pytest.raises(WeightsFileError, match=r"one \.onnx file.* other\.onnx, tower\.onnx"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preprocess": {**PREPROCESS, "size": 20}}, r"20 x 20 pixels, and tower\.onnx takes 16 x"),
        ({"preprocess": "auto"}, r"does not say how .* tower\.json beside it"),
        ({"preprocess": {"std": 1}}, r"preprocess lacks \['mean'\]"),
        ({"layers": "penultimate"}, r"name one .*0: 'maps' \(1, 4, 14, 14\); 1: 'embedding'"),
        ({"layers": 4}, "layers=4: name one output"),
        ({"layers": [0, 1]}, "name one output"),
        ({"layers": "tokens"}, r"pooling='auto'.* Use pooling='cls' or 'mean'"),
        ({"pooling": "mean"}, r"pooling='mean': output 'embedding' .* Use pooling='auto'"),
        ({"precision": "bf16"}, "fixes its number format"),
        ({"pretrained": "openai"}, "pretrained='openai' with encoder='onnx'"),
        ({"device": "meta"}, "cannot use it"),
    ],
)
def test_choices_that_it_does_not_offer(file, options, message):
    with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)):
        load(file, **options)


def test_a_size_that_the_graph_cannot_take(tmp_path):
    nodes, tensors = tower_nodes()
    tensors["flat"] = np.array([0, 4 * 14 * 14], dtype=np.int64)
    nodes.append(onnx.helper.make_node("Reshape", ["maps", "flat"], ["row"]))
    file = save(tmp_path / "tower.onnx", nodes, tensors, ["row"], shape=("n", 3, "h", "w"))
    assert embed(load(file), pictures()).shape == (2, 4 * 14 * 14)
    with pytest.raises(ValueError, match="cannot be run on a picture of 20 x 20 pixels"):
        load(file, preprocess={**PREPROCESS, "size": 20})


def test_without_onnxruntime(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"sklearn-ssafe\[onnx\]"):
        load(file)
    with pytest.raises(ImportError, match=r"sklearn-ssafe\[onnx\]"):
        load(file, device="auto")
