from copy import deepcopy

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torchvision import transforms

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoders.loading import free_encoders, load_encoder
from sklearn_ssafe.exceptions import EncodingCacheWarning
from sklearn_ssafe.store import clear_memory_cache

from ..tiny_models import embed, pictures

PREPROCESS = {"size": 24, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.1)}


class Net(torch.nn.Module):
    made = 0

    def __init__(self):
        super().__init__()
        type(self).made += 1
        self.conv = torch.nn.Conv2d(3, 5, 3)
        self.norm = torch.nn.BatchNorm2d(5)

    def forward(self, pixels):
        return self.norm(self.conv(pixels)).mean((2, 3))


@pytest.fixture(autouse=True)
def forget():
    yield
    free_encoders()


def load(encoder, preprocess=PREPROCESS, **options):
    return load_encoder(encoder, preprocess=preprocess, device="cpu", **options)


TRANSFORM = transforms.Compose(
    [
        transforms.Resize(24, interpolation=transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop(24),
        transforms.ToTensor(),
        transforms.Normalize(PREPROCESS["mean"], PREPROCESS["std"]),
    ]
)


@pytest.mark.parametrize("preprocess", [PREPROCESS, TRANSFORM])
def test_features_are_the_modules_own(preprocess):
    net = Net().eval()
    encoder = load(net, preprocess)
    features = embed(encoder, pictures())
    pixels = torch.stack([TRANSFORM(Image.fromarray(image)) for image in pictures()])
    with torch.inference_mode():
        expected = net(pixels)
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)
    assert list(encoder.feature_names) == [f"Net_final_{i:04d}" for i in range(5)]


def test_views_are_averaged():
    net = Net().eval()
    encoder = load(net, {**PREPROCESS, "resize_mode": "crops"}, n_views=3)
    image = pictures()[0]
    views = torch.from_numpy(encoder.prepare(image))
    assert views.shape == (3, 24, 24, 3)
    one = load(net)
    each = torch.cat([one.encode(view[None, None]) for view in views])
    torch.testing.assert_close(encoder.encode(views[None])[0], each.mean(0))


def test_bytes_of_an_own_function_are_scaled_to_one():
    net = Net().eval()

    def crop(picture):
        return np.asarray(picture)[:24, :24]

    image = pictures()[0]
    pixels = torch.from_numpy(image[:24, :24]).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        expected = net(pixels)
    torch.testing.assert_close(embed(load(net, crop), [image]), expected, rtol=1e-5, atol=1e-5)


def test_the_users_module_is_left_alone():
    net = Net().train()
    before = deepcopy(net.state_dict())
    encoder = load(net, precision="bf16")
    embed(encoder, pictures())
    assert net.training
    assert encoder.tower.dtype == torch.bfloat16
    assert all(parameter.requires_grad for parameter in net.parameters())
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, before[name])
        assert tensor.dtype == before[name].dtype


def test_a_ready_module_is_not_copied():
    net = Net().eval()
    assert load(net).tower.module is net


def test_a_factory_is_called_once():
    before = Net.made
    first = load(Net)
    second = load(Net, {**PREPROCESS, "resize_mode": "squash"})
    assert Net.made == before + 1
    assert first.tower is second.tower


def test_auto_precision_is_the_modules_own():
    assert load(Net).tower.dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": Net, "preprocess": "auto"}, "cannot be known"),
        ({"encoder": Net, "pretrained": "openai"}, "load its weights into it"),
        ({"encoder": Net, "weights": "file.pt"}, "load its weights into it"),
        ({"encoder": Net, "layers": "all"}, "no transformer blocks"),
        ({"encoder": Net, "layers": "pre_projection"}, "no projection"),
        ({"encoder": dict}, "must return a torch.nn.Module"),
        ({"encoder": torch.nn.Identity}, r"tensor of shape \(1, 3, 24, 24\)"),
        ({"encoder": 5}, "must be a name"),
        ({"encoder": None}, "must be a name"),
    ],
)
def test_wrong_choices_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        load(**options)


class Counting(torch.nn.Module):
    """Means of colours; counts the pictures that it is given."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(3))
        self.n_seen = 0

    def forward(self, pixels):
        self.n_seen += len(pixels)
        return pixels.mean((2, 3)) * self.scale


def counted(transformer, module, some):
    """How many pictures the module is given for a call; one more is its trial."""
    before = module.n_seen
    rows = transformer.transform(some)
    return rows, module.n_seen - before


def test_in_memory_a_module_is_known_by_its_object_and_weights():
    clear_memory_cache()
    rng = np.random.default_rng(0)
    some = list(rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8))
    how = {"preprocess": {"size": 8, "mean": 0.5, "std": 0.5}, "normalize": False}
    module = Counting().eval()
    transformer = FrozenEncoderTransformer(module, **how)
    first, seen = counted(transformer, module, some)
    assert seen >= 6
    again, seen = counted(clone(transformer), module, some)
    assert seen <= 1
    np.testing.assert_array_equal(again, first)
    # Another object with the same weights is another module: its code may be.
    other = Counting().eval()
    assert counted(FrozenEncoderTransformer(other, **how), other, some)[1] >= 6
    # Trained on, also where torch counts no version.
    module.scale.data.mul_(2)
    twice, seen = counted(transformer, module, some)
    assert seen >= 6
    np.testing.assert_allclose(twice, 2 * first, rtol=1e-6)
    # Another preprocessing, and another part of the same structure.
    narrow = FrozenEncoderTransformer(
        module, preprocess={"size": 4, "mean": 0.5, "std": 0.5}, normalize=False
    )
    assert counted(narrow, module, some)[1] >= 6
    module.extra = torch.nn.ReLU().eval()
    assert counted(transformer, module, some)[1] >= 6


def test_a_search_over_a_module_encodes_each_picture_once():
    clear_memory_cache()
    rng = np.random.default_rng(0)
    X = np.empty(20, dtype=object)
    X[:] = [rng.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(20)]
    module = Counting().eval()
    how = {"preprocess": {"size": 8, "mean": 0.5, "std": 0.5}}
    pipeline = make_pipeline(FrozenEncoderTransformer(module, **how), LogisticRegression())
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1, 10]}, cv=4)
    search.fit(X, np.arange(20) % 2)
    n_calls = 3 * 4 * 2 + 1  # each may try the module with one picture
    assert module.n_seen <= 20 + n_calls
    module.n_seen = 0
    pipeline.set_params(frozenencodertransformer__cache=None)
    pipeline.fit(X, np.arange(20) % 2)
    assert module.n_seen >= 20


def test_a_folder_still_wants_a_fingerprint(tmp_path):
    how = {"preprocess": {"size": 8, "mean": 0.5, "std": 0.5}, "cache": tmp_path / "kept"}
    with pytest.warns(EncodingCacheWarning, match="attribute `fingerprint`"):
        FrozenEncoderTransformer(Counting().eval(), **how).transform(
            [np.zeros((8, 8, 3), dtype=np.uint8)]
        )
