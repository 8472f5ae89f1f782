import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_ssafe import FrozenEncoderTransformer, LinearProbe
from sklearn_ssafe.exceptions import WeightsFileError, WeightsNotFoundError

from ..towers import PREPROCESS, NamedTower, small_pixels


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return torch.nn.Linear(8, 1)


def rows(n_features=8):
    return np.random.default_rng(1).normal(size=(5, n_features)).astype(np.float32)


def torch_says(layer, X):
    with torch.no_grad():
        return torch.sigmoid(layer.double()(torch.from_numpy(X).double()))[:, 0].numpy()


def saved(layer, file):
    state = layer.state_dict()
    if file.suffix == ".safetensors":
        save_file(state, file)
    elif file.suffix == ".json":
        file.write_text(json.dumps({key: value[0].tolist() for key, value in state.items()}))
    elif file.stem == "prefixed":
        torch.save({"state_dict": {f"module.fc.{k}": v for k, v in state.items()}}, file)
    else:
        torch.save(state, file)
    return file


@pytest.mark.parametrize("name", ["fc.pth", "fc.safetensors", "fc.json", "prefixed.pt"])
def test_the_score_is_torchs(layer, tmp_path, name):
    file = saved(layer, tmp_path / name)
    probe = LinearProbe.from_linear_layer(str(file))
    check_is_fitted(probe)
    assert probe.classes_.tolist() == [0, 1]
    assert probe.n_features_in_ == 8
    assert probe.origin_ == f"{name}, SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}"
    X = rows()
    wanted = torch_says(layer, X)
    np.testing.assert_allclose(probe.predict_proba(X)[:, 1], wanted, rtol=1e-6)
    assert probe.predict(X).tolist() == (wanted > 0.5).astype(int).tolist()


def test_two_scores_are_a_softmax(tmp_path):
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 2)
    probe = LinearProbe.from_linear_layer(saved(layer, tmp_path / "fc.pth"))
    X = rows()
    with torch.no_grad():
        wanted = layer(torch.from_numpy(X)).softmax(1)
    np.testing.assert_allclose(probe.predict_proba(X), wanted, rtol=1e-5)


def test_without_a_bias(tmp_path):
    layer = torch.nn.Linear(8, 1, bias=False)
    probe = LinearProbe.from_linear_layer(saved(layer, tmp_path / "fc.pth"))
    assert probe.intercept_.tolist() == [0]


def test_in_a_pipeline_after_its_encoder(layer, tmp_path):
    probe = LinearProbe.from_linear_layer(saved(layer, tmp_path / "fc.pth"))
    encoder = FrozenEncoderTransformer(
        NamedTower, preprocess=PREPROCESS, normalize=False, cache=None, device="cpu"
    )
    images = np.random.default_rng(2).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    tower = NamedTower()
    from PIL import Image

    pixels = torch.stack([small_pixels(Image.fromarray(image)) for image in images])
    with torch.no_grad():
        features = tower(pixels).numpy()
    scores = make_pipeline(encoder, probe).predict_proba(images)[:, 1]
    np.testing.assert_allclose(scores, torch_says(layer, features), rtol=1e-4)


def test_it_can_be_trained_further(layer, tmp_path):
    probe = LinearProbe.from_linear_layer(saved(layer, tmp_path / "fc.pth"), learning_rate=0.1)
    X, y = rows(), np.array([0, 1, 1, 0, 1])
    before = probe.coef_.copy()
    after = probe.partial_fit(X, y).coef_
    assert 0 < np.abs(after - before).max() < 0.2  # from where it was, not from zero
    assert not hasattr(clone(probe), "coef_")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"fc.weight": (1, 8), "head.weight": (1, 8)}, r"holds fc\.weight \(1, 8\), head\.weight"),
        ({"weight": (1, 8), "bias": (1,), "scale": (1,)}, "One linear layer is wanted"),
        ({"bias": (1,)}, "One linear layer is wanted"),
        ({}, "it holds nothing"),
        ({"weight": (3, 8), "bias": (3,)}, "one score of each picture"),
        ({"weight": (1, 8), "bias": (2,)}, "one score of each picture"),
        ({"weight": (1, 8, 1, 1)}, "one score of each picture"),
    ],
)
def test_what_is_no_linear_layer(tmp_path, state, message):
    torch.save({name: torch.ones(shape) for name, shape in state.items()}, tmp_path / "fc.pth")
    with pytest.raises(WeightsFileError, match=message):
        LinearProbe.from_linear_layer(tmp_path / "fc.pth")


@pytest.mark.parametrize(
    "text", ["{", "[1, 2]", '{"bias": 1}', '{"weight": [1], "temperature": 2}', '{"weight": "w"}']
)
def test_json_of_something_else(tmp_path, text):
    (tmp_path / "head.json").write_text(text)
    with pytest.raises(WeightsFileError, match=r"head\.json: not a linear layer"):
        LinearProbe.from_linear_layer(tmp_path / "head.json")


def test_values_that_are_not_finite(tmp_path):
    torch.save({"weight": torch.tensor([[1.0, torch.nan]])}, tmp_path / "fc.pth")
    with pytest.raises(WeightsFileError, match="not finite"):
        LinearProbe.from_linear_layer(tmp_path / "fc.pth")


def test_a_whole_module_is_refused(layer, tmp_path):
    torch.save(layer, tmp_path / "fc.pth")  # a pickle, which could run code
    with pytest.raises(WeightsFileError, match="would run code"):
        LinearProbe.from_linear_layer(tmp_path / "fc.pth")


def test_no_file(tmp_path):
    with pytest.raises(WeightsNotFoundError, match="no such file"):
        LinearProbe.from_linear_layer(tmp_path / "fc.pth")


# UnivFD: Ojha, Li and Lee, CVPR 2023 --------------------------------------------------------------


@pytest.fixture
def univfd_head():
    published = Path(__file__).parents[3] / "shared" / "data" / "published"
    file = published / "UnivFD" / "fc_weights.pth"
    if not file.exists():
        pytest.skip("UnivFD's published head is not on this machine")
    return file


def test_univfd_is_its_formula(univfd_head, tmp_path, monkeypatch):
    import open_clip
    from PIL import Image
    from torchvision import transforms

    from .. import tiny_models

    # As ViT-L-14 of OpenAI, but for its depth and width: 224 pixels, patches of 14, 768 features.
    config = {
        "embed_dim": 768,
        "vision_cfg": {
            "image_size": 224,
            "layers": 2,
            "width": 64,
            "head_width": 32,
            "patch_size": 14,
        },
        "text_cfg": tiny_models._TEXT,
    }
    monkeypatch.setitem(tiny_models.TINY, "small-l-14", (config, tiny_models.TINY["tiny-vit"][1]))
    tiny_models.register(monkeypatch, "small-l-14", tags=("openai",))
    model = tiny_models.create_full_model("small-l-14")
    tiny_models.save_safetensors(model.state_dict(), tmp_path / "clip.safetensors")

    rng = np.random.default_rng(0)
    images = [
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).resize(size)
        for size in ((300, 260), (224, 500), (640, 480))
    ]
    # The test-time transform and the score of the authors' validate.py.
    transform = transforms.Compose(
        [
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD),
        ]
    )
    fc = torch.nn.Linear(768, 1)
    fc.load_state_dict(torch.load(univfd_head, map_location="cpu", weights_only=True))
    with torch.no_grad():
        features = model.encode_image(torch.stack([transform(image) for image in images]))
        wanted = fc(features).sigmoid()[:, 0].numpy()

    detector = make_pipeline(
        FrozenEncoderTransformer(
            "small-l-14",
            pretrained="openai",
            weights=tmp_path / "clip.safetensors",
            preprocess="center_crop",
            normalize=False,
            precision="fp32",
            device="cpu",
        ),
        LinearProbe.from_linear_layer(univfd_head),
    )
    scores = detector.predict_proba(images)[:, 1]
    np.testing.assert_allclose(scores, wanted, rtol=1e-4)
    assert np.ptp(wanted) > 1e-4
