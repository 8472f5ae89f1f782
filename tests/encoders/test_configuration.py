"""Folders and repositories that say themselves what they hold, against each library's loader."""

import json

import huggingface_hub
import numpy as np
import open_clip
import pytest
import timm
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from timm.data import create_transform, resolve_model_data_config

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier, load_detector
from sklearn_ssafe.encoders.loading import free_encoders, load_encoder
from sklearn_ssafe.encoders.weights import WeightsFileError, WeightsNotFoundError

from ..tiny_models import (
    TINY,
    embed,
    least_cosine,
    put_in_hub_cache,
    register,
    save_safetensors,
    trained_looking,
    use_hub_cache,
)

TEXT = {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}
VIT = {"image_size": 64, "layers": 3, "width": 64, "head_width": 16, "patch_size": 16}


@pytest.fixture(scope="module")
def photographs():
    return [load_sample_image("china.jpg")[:300], load_sample_image("flower.jpg")[:, 100:400]]


@pytest.fixture(autouse=True)
def known_name(monkeypatch):
    model = {"embed_dim": 24, "vision_cfg": VIT, "text_cfg": TEXT}
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny-named", model)
    yield
    free_encoders()


def fp32(encoder, **options):
    return load_encoder(encoder, device="cpu", precision="fp32", **options)


def assert_the_same(features, expected):
    assert least_cosine(features, expected) > 1 - 1e-9
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)


# open_clip -------------------------------------------------------------------------------------


def save_open_clip(folder, vision=None, preprocess=None, **model):
    """Save a small model with its configuration, as open_clip puts it on the hub."""
    model = {"embed_dim": 24, "vision_cfg": {**VIT, **(vision or {})}, "text_cfg": TEXT, **model}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        full = trained_looking(open_clip.CLIP(**json.loads(json.dumps(model))))
    folder.mkdir(exist_ok=True)
    save_safetensors(full.state_dict(), folder / "open_clip_model.safetensors")
    config = {"model_cfg": model, "preprocess_cfg": preprocess or {}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def change(folder, part, **entries):
    """Change a part of a saved configuration and leave the weights as they are."""
    file = next(folder.glob("*config.json"))
    config = json.loads(file.read_text())
    config[part] = {**config.get(part, {}), **entries}
    file.write_text(json.dumps(config))


def open_clips_own(folder, images):
    reference, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    pixels = torch.stack([transform(Image.fromarray(image)) for image in images])
    with torch.inference_mode():
        return reference.eval().encode_image(pixels)


VISION = [
    {},
    {"pool_type": "avg"},
    {"pool_type": "avg", "final_ln_after_pool": True},
    {"head_width": 32},
    {"norm_kwargs": {"eps": 1e-2}},
    {"act_kwargs": {"approximate": "tanh"}},
    {"image_size": 96},
    {"image_size": [64, 96]},
    {"patch_size": 8},
    {"no_ln_pre": True},
    {"pos_embed_type": "sin_cos_2d"},
    {"mlp_ratio": 2.0},
    {"ls_init_value": 0.1},
    {"attentional_pool": True, "attn_pooler_heads": 4},
    {"qk_norm": True, "scale_fc": True},
    {"patch_dropout": 0.5},
]


@pytest.mark.parametrize("vision", VISION, ids=str)
def test_the_vision_tower_is_the_configured_one(vision, tmp_path, photographs):
    if not vision.keys() <= open_clip.CLIPVisionCfg.__dataclass_fields__.keys():
        pytest.skip(f"this open_clip has not all of {list(vision)}")
    folder = save_open_clip(tmp_path / "model", vision)
    expected = open_clips_own(folder, photographs)
    assert_the_same(embed(fp32("tiny-named", weights=folder), photographs), expected)
    assert_the_same(embed(fp32(str(folder)), photographs), expected)


@pytest.mark.parametrize(
    "model", [{"quick_gelu": True}, {"embed_dim": 40}, {"init_logit_bias": -10.0}], ids=str
)
def test_the_model_is_the_configured_one(model, tmp_path, photographs):
    folder = save_open_clip(tmp_path / "model", **model)
    expected = open_clips_own(folder, photographs)
    assert_the_same(embed(fp32("tiny-named", weights=folder), photographs), expected)


@pytest.mark.parametrize(
    "preprocess",
    [
        {"mean": [0.1, 0.2, 0.3], "std": [0.2, 0.3, 0.4]},
        {"interpolation": "bilinear"},
        {"resize_mode": "squash"},
        {"resize_mode": "longest", "fill_color": 90},
        {"size": 32, "mode": "RGB"},
    ],
    ids=str,
)
def test_pictures_are_prepared_as_configured(preprocess, tmp_path, photographs):
    folder = save_open_clip(tmp_path / "model", preprocess=preprocess)
    expected = open_clips_own(folder, photographs)
    assert_the_same(embed(fp32(f"local-dir:{folder}"), photographs), expected)


@pytest.mark.parametrize("name", TINY)
def test_a_folder_of_every_kind_of_tower(name, tmp_path, photographs, monkeypatch):
    register(monkeypatch, name)
    model, preprocess = TINY[name]
    with torch.random.fork_rng(devices=[]):
        full = trained_looking(open_clip.create_model(name, pretrained_text=False))
    save_safetensors(full.state_dict(), tmp_path / "open_clip_model.safetensors")
    config = {"model_cfg": model, "preprocess_cfg": preprocess}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    expected = open_clips_own(tmp_path, photographs)
    assert least_cosine(embed(fp32(str(tmp_path)), photographs), expected) > 1 - 1e-9


def test_a_position_embedding_is_resized_as_open_clip_does_it(tmp_path, photographs):
    folder = save_open_clip(tmp_path / "model")
    change(folder, "model_cfg", vision_cfg={**VIT, "image_size": 96})
    expected = open_clips_own(folder, photographs)
    assert_the_same(embed(fp32(str(folder)), photographs), expected)


def test_what_open_clip_does_not_know_is_named(tmp_path):
    folder = save_open_clip(tmp_path / "model")
    change(folder, "model_cfg", vision_cfg={**VIT, "rope": True, "registers": 4}, moe=2)
    with pytest.raises(WeightsFileError, match=r"model_cfg\.moe, vision_cfg\.rope, vision_cfg\.re"):
        fp32(str(folder))
    for vision, message in (
        ({"pool_type": "none"}, "pool_type='none' gives tokens"),
        ({"pool_type": "median"}, "cannot build"),
        ({"layers": "many"}, "cannot build"),
    ):
        change(folder, "model_cfg", vision_cfg={**VIT, **vision}, moe=2)
        config = json.loads((folder / "open_clip_config.json").read_text())
        del config["model_cfg"]["moe"]
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        with pytest.raises(WeightsFileError, match=message):
            fp32(str(folder))
    change(folder, "model_cfg", vision_cfg=VIT)
    change(folder, "preprocess_cfg", mode="L")
    with pytest.raises(WeightsFileError, match="mode='L'"):
        fp32(str(folder))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"timm_pool": "", "timm_proj": ""}, "timm_pool gives a map"),
        ({"timm_pool": "avg", "timm_proj": "none"}, "embed_dim=24.*gives 64 features"),
    ],
    ids=str,
)
def test_what_gives_no_embedding_is_named(entries, message, tmp_path):
    vision = {"image_size": 64, "timm_model_name": "test_vit", **entries}
    model = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": model}))
    with pytest.raises(WeightsFileError, match=message):
        fp32(str(tmp_path), weights="random")


def test_another_architecture_than_the_named_one(tmp_path):
    folder = save_open_clip(tmp_path / "model", {"layers": 2, "width": 32})
    with pytest.raises(WeightsFileError, match=r"layers=2 instead of 3, width=32 instead of 64"):
        fp32("tiny-named", weights=folder)


def test_a_tag_gives_way_to_the_folder(tmp_path, photographs, monkeypatch):
    tags = {"tuned": {"url": "", "hf_hub": "a/b/", "mean": (0.9,) * 3, "quick_gelu": True}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-named", tags)
    folder = save_open_clip(tmp_path / "model")
    encoder = fp32("tiny-named", pretrained="tuned", weights=folder)
    assert_the_same(embed(encoder, photographs), open_clips_own(folder, photographs))


# timm ------------------------------------------------------------------------------------------


def save_timm(folder, name, args=None, pretrained=None):
    """Save a small model with a classifier and its configuration, as timm puts it on the hub."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = trained_looking(timm.create_model(name, num_classes=7, **(args or {})))
    sources = ("url", "hf_hub_id", "source", "architecture")
    own = {key: value for key, value in model.pretrained_cfg.items() if key not in sources}
    folder.mkdir(exist_ok=True)
    save_safetensors(model.state_dict(), folder / "model.safetensors")
    config = {
        "architecture": name,
        "num_classes": 7,
        "model_args": args or {},
        "pretrained_cfg": {**own, "num_classes": 7, **(pretrained or {})},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def timms_own(folder, images):
    reference = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0).eval()
    transform = create_transform(**resolve_model_data_config(reference))
    pixels = torch.stack([transform(Image.fromarray(image)) for image in images])
    with torch.inference_mode():
        return reference(pixels)


TIMM = [
    ("test_vit", {}, {}),
    ("test_vit", {}, {"mean": [0.2, 0.3, 0.4], "std": [0.3, 0.2, 0.1]}),
    ("test_vit", {}, {"input_size": [3, 192, 192], "fixed_input_size": True}),
    ("test_vit", {"dynamic_img_size": True}, {"input_size": [3, 192, 192]}),
    ("test_vit", {}, {"crop_mode": "squash"}),
    ("test_vit", {}, {"crop_mode": "border", "crop_pct": 1.0}),
    ("test_vit", {}, {"crop_pct": 0.6}),
    ("test_vit", {}, {"interpolation": "bilinear"}),
    ("test_vit", {"global_pool": "avg"}, {}),
    ("test_vit", {"img_size": 128}, {"input_size": [3, 128, 128]}),
    ("test_vit", {"class_token": False, "global_pool": "avg"}, {}),
    ("test_vit", {"reg_tokens": 3}, {}),
    ("test_vit", {"patch_size": 8, "depth": 2}, {}),
    ("test_vit3", {"global_pool": "avg"}, {"mean": [0.1] * 3}),
    ("test_convnext", {}, {"input_size": [3, 96, 96], "crop_mode": "center"}),
    ("test_convnext", {"global_pool": "max"}, {"crop_mode": "border"}),
    ("test_resnet", {"output_stride": 16}, {}),
]


@pytest.mark.parametrize(("name", "args", "pretrained"), TIMM, ids=str)
def test_a_timm_model_is_the_configured_one(name, args, pretrained, tmp_path, photographs):
    folder = save_timm(tmp_path / "model", name, args, pretrained)
    expected = timms_own(folder, photographs)
    assert_the_same(embed(fp32(f"timm/{name}", weights=folder), photographs), expected)
    encoder = fp32(str(folder))
    assert_the_same(embed(encoder, photographs), expected)
    assert encoder.feature_names[0].startswith(f"{name}.r160_in1k_final_")


def test_a_configuration_of_timms_old_form(tmp_path, photographs):
    folder = save_timm(tmp_path / "model", "test_vit", pretrained={"mean": [0.2] * 3})
    config = json.loads((folder / "config.json").read_text())
    old = {"architecture": "test_vit", "num_features": 64, **config["pretrained_cfg"]}
    (folder / "config.json").write_text(json.dumps(old))
    expected = timms_own(folder, photographs)
    assert_the_same(embed(fp32(f"local-dir:{folder}"), photographs), expected)


def test_what_timm_does_not_know_is_named(tmp_path):
    folder = save_timm(tmp_path / "model", "test_vit")
    for part, entries, message in (
        ("pretrained_cfg", {"tone_curve": 2}, r"does not know pretrained_cfg\.tone_curve"),
        ("model_args", {"n_experts": 2}, "n_experts"),
        ("model_args", {"global_pool": ""}, r"model_args\.global_pool=''"),
        ("model_args", {"in_chans": 1}, "in_chans=1"),
        ("model_args", {"checkpoint_path": "x", "features_only": True}, r"checkpoint_path, model_"),
    ):
        before = (folder / "config.json").read_text()
        change(folder, part, **entries)
        with pytest.raises(WeightsFileError, match=message):
            fp32(str(folder))
        (folder / "config.json").write_text(before)
    with pytest.raises(WeightsFileError, match="architecture='test_vit' is not test_vit2"):
        fp32("timm/test_vit2", weights=folder)
    size = {"input_size": [3, 192, 192], "fixed_input_size": False}
    fixed = save_timm(tmp_path / "fixed", "test_vit3", {"dynamic_img_size": False}, size)
    with pytest.raises(WeightsFileError, match=r"pretrained_cfg\.input_size is \(192, 192\)"):
        fp32(str(fixed))
    (folder / "config.json").write_text('{"architecture": "no_such_model"}')
    with pytest.raises(WeightsFileError, match="no architecture 'no_such_model'"):
        fp32(str(folder))


@pytest.mark.parametrize(
    "args",
    [
        {"reg_tokens": 4},
        {"class_token": False, "global_pool": "avg"},
        {"reg_tokens": 4, "class_token": False, "global_pool": "avg"},
        {"no_embed_class": True},
    ],
    ids=str,
)
def test_weights_of_another_variant_are_refused(args, tmp_path):
    folder = save_timm(tmp_path / "model", "test_vit", args)
    with pytest.raises(WeightsFileError, match="does not hold the weights of test_vit"):
        fp32("timm/test_vit", weights=folder / "model.safetensors")


# Names -----------------------------------------------------------------------------------------


def test_every_way_to_name_a_folder(tmp_path, monkeypatch):
    folder = save_timm(tmp_path / "mine", "test_vit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    names = (str(folder), f"local-dir:{folder}", "mine", "./mine", "~/mine", "local-dir:~/mine")
    for name in names:
        for prefix in ("", "timm/"):
            assert fp32(prefix + name).name == "test_vit.r160_in1k"
    assert FrozenEncoderTransformer("mine", device="cpu").get_feature_names_out().size == 64


def test_a_known_name_comes_before_a_folder(tmp_path, monkeypatch):
    save_timm(tmp_path / "test_vit3", "test_vit")
    monkeypatch.chdir(tmp_path)
    assert fp32("test_vit3", weights="random").name.startswith("test_vit3")
    assert fp32("./test_vit3").name.startswith("test_vit.")


def test_a_folder_with_both_configurations_is_open_clips(tmp_path, photographs):
    folder = save_open_clip(tmp_path / "both")
    save_timm(folder, "test_vit")
    assert_the_same(embed(fp32(str(folder)), photographs), open_clips_own(folder, photographs))
    expected = timms_own(folder, photographs)
    assert_the_same(embed(fp32(f"timm/{folder}"), photographs), expected)


@pytest.mark.parametrize("library", ["open_clip", "timm"])
def test_a_repository_of_the_hub(library, tmp_path, photographs, monkeypatch):
    use_hub_cache(monkeypatch, tmp_path / "hub")
    if library == "open_clip":
        folder = save_open_clip(tmp_path / "model", {"pool_type": "avg"})
        expected = open_clips_own(folder, photographs)
    else:
        folder = save_timm(tmp_path / "model", "test_vit", {"reg_tokens": 2})
        expected = timms_own(folder, photographs)
    for file in folder.iterdir():
        placed = put_in_hub_cache(tmp_path / "hub", "someone/model", file.name, {})
        placed.write_bytes(file.read_bytes())
    assert_the_same(embed(fp32("hf-hub:someone/model"), photographs), expected)
    if library == "timm":
        assert_the_same(embed(fp32("timm/hf-hub:someone/model"), photographs), expected)


def test_the_hub_is_asked_once(tmp_path, monkeypatch):
    use_hub_cache(monkeypatch, tmp_path / "hub")
    folder = save_timm(tmp_path / "model", "test_vit")
    for file in folder.iterdir():
        placed = put_in_hub_cache(tmp_path / "hub", "someone/model", file.name, {})
        placed.write_bytes(file.read_bytes())
    asked = []

    def refuse(url, **options):
        asked.append(url)
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", refuse)
    for layers in ("final", -1):
        assert fp32("hf-hub:someone/model", layers=layers).name == "test_vit.r160_in1k"
    assert [url.rpartition("/")[2] for url in asked] == ["open_clip_config.json"]


def test_a_detector_finds_its_folder_elsewhere(tmp_path):
    folder = save_timm(tmp_path / "here", "test_vit")
    X = [np.full((40, 40, 3), value, np.uint8) for value in range(0, 240, 20)]
    encoder = FrozenEncoderTransformer(str(folder), device="cpu")
    detector = SSAFEClassifier(encoder, cv=None).fit(X, [0, 1] * 6)
    scores = detector.predict_proba(X)
    saved = detector.save(tmp_path / "detector")
    folder.rename(tmp_path / "there")
    free_encoders()
    with pytest.raises(WeightsNotFoundError, match="there is no such folder"):
        load_detector(saved)
    again = load_detector(saved, weights=tmp_path / "there")
    np.testing.assert_array_equal(again.predict_proba(X), scores)


def test_places_that_hold_no_model(tmp_path, monkeypatch):
    use_hub_cache(monkeypatch, tmp_path / "hub")
    with pytest.raises(WeightsNotFoundError, match="there is no such folder"):
        fp32("local-dir:nowhere")
    with pytest.raises(WeightsFileError, match=r"no open_clip_config\.json or config\.json"):
        fp32(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(WeightsFileError, match="not a model configuration of timm"):
        fp32(str(tmp_path))
    with pytest.raises(WeightsNotFoundError, match="ssafe encoders fetch hf-hub:someone/model"):
        fp32("hf-hub:someone/model")
    with pytest.raises(ValueError, match="what follows hf-hub: is missing"):
        fp32("hf-hub:")
    with pytest.raises(ValueError, match="hf-hub:OWNER/NAME"):
        fp32("someone/model")


def test_a_tag_has_no_place_beside_a_folder(tmp_path):
    with pytest.raises(ValueError, match="Leave pretrained out"):
        fp32(str(save_timm(tmp_path / "model", "test_vit")), pretrained="r160_in1k")


# Recognition -----------------------------------------------------------------------------------


def test_the_fingerprint_tells_configurations_apart_and_keeps_known_ones(tmp_path):
    def key(name, **options):
        free_encoders()
        return json.dumps(fp32(name, **options).fingerprint)

    folder = save_open_clip(tmp_path / "plain")
    file = folder / "open_clip_model.safetensors"
    assert key("tiny-named", weights=folder) == key("tiny-named", weights=file)
    change(folder, "model_cfg", vision_cfg={**VIT, "pool_type": "avg"})
    pooled = key("tiny-named", weights=folder)
    change(folder, "model_cfg", vision_cfg={**VIT, "head_width": 32})
    assert len({pooled, key("tiny-named", weights=folder), key("tiny-named", weights=file)}) == 3

    folder = save_timm(tmp_path / "timm", "test_vit", {"global_pool": "token", "img_size": 160})
    assert key("timm/test_vit", weights=folder) == key(
        "timm/test_vit", weights=folder / "model.safetensors"
    )
    change(folder, "model_args", global_pool="avg", fc_norm=False)
    averaged = key(str(folder))
    change(folder, "model_args", global_pool="max")
    assert key(str(folder)) != averaged


def test_a_changed_configuration_is_read_again(tmp_path, photographs):
    folder = save_open_clip(tmp_path / "model")
    before = embed(fp32(str(folder)), photographs)
    change(folder, "model_cfg", vision_cfg={**VIT, "pool_type": "avg"})
    assert least_cosine(embed(fp32(str(folder)), photographs), before) < 0.99
