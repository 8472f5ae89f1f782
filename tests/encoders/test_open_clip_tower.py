import json

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from sklearn_ssafe.encoders.loading import free_encoders, load_encoder
from sklearn_ssafe.encoders.weights import WeightsFileError

from ..tiny_models import (
    TINY,
    create_full_model,
    embed,
    least_cosine,
    pictures,
    put_in_hub_cache,
    register,
    save_safetensors,
    use_hub_cache,
)


class Case:
    """A tiny model saved in every way, and open_clip's own embeddings of two pictures."""

    def __init__(self, name, folder, monkeypatch):
        self.name = name
        register(monkeypatch, name)
        self.model = create_full_model(name)
        state = self.model.state_dict()
        self.folder = folder / "folder"
        self.folder.mkdir()
        self.safetensors = folder / "weights.safetensors"
        self.bin = folder / "weights.bin"
        save_safetensors(state, self.safetensors)
        save_safetensors(state, self.folder / "open_clip_model.safetensors")
        torch.save(state, self.bin)
        use_hub_cache(monkeypatch, folder / "hub")
        hub_name = "open_clip_model.safetensors"
        put_in_hub_cache(folder / "hub", f"someone/{name}-tuned", hub_name, state)
        # open_clip itself, from the hub cache, with the transform of the tag.
        quick_gelu = TINY[name][1].get("quick_gelu", False)
        reference, _, self.transform = open_clip.create_model_and_transforms(
            name, pretrained="tuned", force_quick_gelu=quick_gelu
        )
        reference.eval()
        pixels = torch.stack([self.transform(Image.fromarray(image)) for image in pictures()])
        with torch.inference_mode():
            self.expected = reference.encode_image(pixels)


@pytest.fixture(scope="module", params=TINY)
def case(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Case(request.param, tmp_path_factory.mktemp(request.param), monkeypatch)
    free_encoders()


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Case("tiny-vit", tmp_path_factory.mktemp("vit"), monkeypatch)
    free_encoders()


def load(case, weights, **options):
    return load_encoder(
        case.name, weights=weights, **{"device": "cpu", "precision": "fp32"} | options
    )


@pytest.mark.parametrize("path", ["safetensors", "bin", "folder", "hub"])
def test_embedding_is_open_clips_own(case, path):
    weights = None if path == "hub" else getattr(case, path)
    features = embed(load(case, weights), pictures())
    assert features.dtype == torch.float32
    assert features.shape == case.expected.shape
    assert least_cosine(features, case.expected) > 0.99999
    if case.name != "tiny-coca":  # whose encode_image scales to unit length
        torch.testing.assert_close(features, case.expected, rtol=1e-4, atol=1e-4)


def test_bf16_stays_close(case):
    features = embed(load(case, case.bin, precision="bf16"), pictures())
    assert features.dtype == torch.float32
    assert least_cosine(features, case.expected) > 0.999


def test_pixels_are_those_of_open_clips_transform(case):
    encoder = load(case, case.bin)
    seen = []
    hook = encoder.tower.module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    embed(encoder, pictures())
    hook.remove()
    expected = torch.stack([case.transform(Image.fromarray(image)) for image in pictures()])
    torch.testing.assert_close(seen[0], expected, rtol=0, atol=1e-6)


def test_text_tower_is_not_built(case, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the text tower was built")

    for module in (open_clip.model, open_clip.coca_model):
        monkeypatch.setattr(module, "_build_text_tower", refuse)
    free_encoders()
    module = load(case, case.bin).tower.module
    expected = {name: tensor.shape for name, tensor in case.model.visual.state_dict().items()}
    assert {name: tensor.shape for name, tensor in module.state_dict().items()} == expected


def test_pre_projection_times_projection_is_the_embedding(case):
    if case.name in ("tiny-siglip", "tiny-resnet"):
        with pytest.raises(ValueError, match="no projection"):
            load(case, case.bin, layers="pre_projection")
        return
    encoder = load(case, case.bin, layers="pre_projection")
    features = embed(encoder, pictures())
    module = encoder.tower.module
    with torch.inference_mode():
        if hasattr(module, "proj"):
            projected = features @ module.proj
        elif len(module.head):
            projected = module.head(features)
        else:
            projected = module.trunk.get_classifier()(features)
    assert features.shape[1] == encoder.n_features
    assert least_cosine(projected, case.expected) > 0.99999


def test_activation_comes_from_the_tag(vit):
    # open_clip's configuration of this model says GELU, its tag says QuickGELU.
    torch.testing.assert_close(embed(load(vit, vit.bin), pictures()), vit.expected)
    plain = open_clip.create_model(vit.name)
    plain.load_state_dict(vit.model.state_dict())
    pixels = torch.stack([vit.transform(Image.fromarray(image)) for image in pictures()])
    with torch.inference_mode():
        other = plain.eval().encode_image(pixels)
    assert (other - vit.expected).abs().max() > 1e-3


def test_folder_with_its_own_configuration(vit, tmp_path):
    save_safetensors(vit.model.state_dict(), tmp_path / "open_clip_model.safetensors")
    config = {
        "model_cfg": TINY[vit.name][0],
        "preprocess_cfg": {"mean": [0.1] * 3, "std": [0.2] * 3, "resize_mode": "squash"},
    }
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    reference, _, transform = open_clip.create_model_and_transforms(f"local-dir:{tmp_path}")
    pixels = torch.stack([transform(Image.fromarray(image)) for image in pictures()])
    with torch.inference_mode():
        expected = reference.eval().encode_image(pixels)
    assert least_cosine(embed(load(vit, tmp_path), pictures()), expected) > 0.99999


def test_configuration_that_is_none_is_named(vit, tmp_path):
    torch.save(vit.model.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(WeightsFileError, match=r"open_clip_config\.json"):
        load(vit, tmp_path)


@pytest.mark.parametrize("form", ["tower alone", "training checkpoint"])
def test_other_forms_of_checkpoint(vit, form, tmp_path):
    state = vit.model.state_dict()
    if form == "tower alone":
        state = vit.model.visual.state_dict()
    else:
        wrapped = {f"module.{name}": tensor for name, tensor in state.items()}
        state = {"epoch": 3, "state_dict": wrapped, "optimizer": {}}
    torch.save(state, tmp_path / "weights.pt")
    features = embed(load(vit, tmp_path / "weights.pt"), pictures())
    assert least_cosine(features, vit.expected) > 0.99999


def test_weights_of_another_architecture(vit, tmp_path):
    state = vit.model.state_dict()
    del state["visual.conv1.weight"]
    state["visual.extra"] = torch.zeros(2)
    state["visual.proj"] = torch.zeros(5, 5)
    torch.save(state, tmp_path / "weights.pt")
    with pytest.raises(WeightsFileError) as caught:
        load(vit, tmp_path / "weights.pt")
    for part in ("1 missing: conv1.weight", "1 unexpected: extra", "proj (5, 5)", "architecture"):
        assert part in str(caught.value)


def test_weights_of_another_library(vit, tmp_path):
    torch.save({"vision_model.embeddings": torch.zeros(2)}, tmp_path / "weights.pt")
    with pytest.raises(WeightsFileError, match="transformers"):
        load(vit, tmp_path / "weights.pt")


def test_tag_is_asked_for_and_checked(vit, monkeypatch):
    register(monkeypatch, vit.name, tags=("tuned", "other"))
    with pytest.raises(ValueError, match=r"preprocessing follows: tuned, other"):
        load(vit, vit.bin)
    with pytest.raises(ValueError, match="It has: tuned, other"):
        load(vit, vit.bin, pretrained="openai")
    assert embed(load(vit, vit.bin, pretrained="tuned"), pictures()).shape == (2, 24)


def test_architecture_without_published_weights(vit, monkeypatch):
    register(monkeypatch, vit.name, tags=())
    with pytest.raises(ValueError, match="pass weights=FILE"):
        load(vit, None)
    # The settings that open_clip itself assumes.
    assert load(vit, vit.bin).tower.view_spec.mean == pytest.approx(
        open_clip.constants.OPENAI_DATASET_MEAN
    )


def test_random_weights_are_the_same_each_time(vit):
    images = pictures()
    first = embed(load(vit, "random"), images)
    free_encoders()
    torch.manual_seed(7)
    before = torch.get_rng_state()
    again = embed(load(vit, "random"), images)
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.linalg.norm(first, axis=1).min() > 0
