from copy import deepcopy

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from sklearn_ssafe.encoders.loading import free_encoders, load_encoder

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
