import pytest
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_model_data_config

from sklearn_ssafe.encoders.loading import free_encoders, load_encoder
from sklearn_ssafe.encoders.timm_tower import timm_view_spec
from sklearn_ssafe.encoders.weights import WeightsFileError

from ..tiny_models import (
    embed,
    least_cosine,
    pictures,
    put_in_hub_cache,
    save_safetensors,
    trained_looking,
    use_hub_cache,
)

MODELS = ["test_vit.r160_in1k", "test_vit3.r160_in1k", "test_convnext.r160_in1k"]


class Case:
    """A tiny timm model with its classifier, saved, and timm's own features of two pictures."""

    def __init__(self, name, folder, monkeypatch):
        self.name = name
        self.folder = folder
        self.state = trained_looking(timm.create_model(name)).state_dict()
        use_hub_cache(monkeypatch, folder / "hub")
        put_in_hub_cache(folder / "hub", f"timm/{name}", "model.safetensors", self.state)
        save_safetensors(self.state, folder / "model.safetensors")
        torch.save(self.state, folder / "weights.pth")
        reference = timm.create_model(name, pretrained=True, num_classes=0).eval()
        transform = create_transform(**resolve_model_data_config(reference))
        pixels = torch.stack([transform(Image.fromarray(image)) for image in pictures()])
        with torch.inference_mode():
            self.expected = reference(pixels)


@pytest.fixture(scope="module", params=MODELS)
def case(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Case(request.param, tmp_path_factory.mktemp("timm"), monkeypatch)
    free_encoders()


def load(name, weights, **options):
    options = {"device": "cpu", "precision": "fp32"} | options
    return load_encoder(f"timm/{name}", weights=weights, **options)


@pytest.mark.parametrize("path", ["model.safetensors", "weights.pth", ".", None])
def test_features_are_timms_own(case, path):
    weights = None if path is None else case.folder / path
    if path == ".":
        weights = case.folder
    encoder = load(case.name, weights)
    features = embed(encoder, pictures())
    assert features.shape == (2, encoder.n_features)
    assert encoder.feature_names[3] == f"{case.name}_final_0003"
    assert least_cosine(features, case.expected) > 0.99999
    half = embed(load(case.name, weights, precision="bf16"), pictures())
    assert least_cosine(half, case.expected) > 0.999


def test_weights_without_classifier(case, tmp_path):
    backbone = timm.create_model(case.name, num_classes=0)
    backbone.load_state_dict(case.state, strict=False)
    torch.save(backbone.state_dict(), tmp_path / "backbone.pt")
    features = embed(load(case.name, tmp_path / "backbone.pt"), pictures())
    assert least_cosine(features, case.expected) > 0.99999


def test_weights_in_the_publishers_own_names(tmp_path):
    # OpenAI's names for a vision transformer, which timm knows how to convert.
    name = "vit_xsmall_patch16_clip_224"
    if not timm.is_model(name):
        pytest.skip(f"this timm has no {name}")
    with torch.random.fork_rng(devices=[]):
        model = trained_looking(timm.create_model(name, num_classes=0))
    native = model.state_dict()
    tops = {
        "cls_token": "class_embedding",
        "pos_embed": "positional_embedding",
        "patch_embed.proj.weight": "conv1.weight",
        "norm_pre.": "ln_pre.",
        "norm.": "ln_post.",
    }
    parts = {
        "blocks.": "transformer.resblocks.",
        ".attn.qkv.": ".attn.in_proj_",
        ".attn.proj.": ".attn.out_proj.",
        ".norm1.": ".ln_1.",
        ".norm2.": ".ln_2.",
        ".mlp.fc1.": ".mlp.c_fc.",
        ".mlp.fc2.": ".mlp.c_proj.",
    }
    published = {}
    for key, tensor in native.items():
        for ours, theirs in tops.items():
            if key.startswith(ours):
                key = theirs + key.removeprefix(ours)
        for ours, theirs in parts.items():
            key = key.replace(ours, theirs)
        published[f"visual.{key}"] = tensor
    published["visual.class_embedding"] = native["cls_token"].flatten()
    published["visual.positional_embedding"] = native["pos_embed"][0]
    torch.save(published, tmp_path / "clip.pt")
    features = embed(load(name, tmp_path / "clip.pt"), pictures())
    transform = create_transform(**resolve_model_data_config(model))
    pixels = torch.stack([transform(Image.fromarray(image)) for image in pictures()])
    with torch.inference_mode():
        assert least_cosine(features, model(pixels)) > 0.99999


def test_weights_of_another_architecture(case, tmp_path):
    torch.save({"blocks.0.weight": torch.zeros(2)}, tmp_path / "weights.pt")
    with pytest.raises(WeightsFileError, match=r"unexpected: blocks\.0\.weight"):
        load(case.name, tmp_path / "weights.pt")


def test_tags():
    named = load("test_vit.r160_in1k", "random")
    assert load("test_vit", "random").tower is named.tower
    assert load("test_vit", "random", pretrained="r160_in1k").tower is named.tower
    with pytest.raises(ValueError, match="It has: r160_in1k"):
        load("test_vit.laion", "random")
    with pytest.raises(ValueError, match="disagree"):
        load("test_vit.r160_in1k", "random", pretrained="laion")


def test_model_without_published_weights():
    with pytest.raises(ValueError, match="pass weights=FILE"):
        load("test_vit4", None)


@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
def test_preprocessing_of_every_crop_mode(crop_mode):
    model = timm.create_model("test_resnet", num_classes=0)
    model.pretrained_cfg = {**model.pretrained_cfg, "crop_mode": crop_mode, "crop_pct": 0.875}
    from sklearn_ssafe.encoders.preprocessing import resolve_views

    cut, spec = resolve_views("auto", 1, timm_view_spec(model))
    transform = create_transform(**resolve_model_data_config(model))
    for image in pictures():
        pixels = torch.from_numpy(cut(image)[0]).permute(2, 0, 1) / 255
        mean, std = (torch.tensor(value).view(3, 1, 1) for value in (spec.mean, spec.std))
        expected = transform(Image.fromarray(image))
        torch.testing.assert_close((pixels - mean) / std, expected, rtol=0, atol=1e-6)
