"""torch resizes as Pillow does but for rounding, and no row of the one is taken for the other's."""

import pickle
from dataclasses import asdict

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.encoders.preprocessing import ViewSpec, resolve_views
from sklearn_ssafe.encoders.resizing import choose_resizer, resized
from sklearn_ssafe.store.keys import Settings

from ..towers import SmallTower

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.1)
VIT = {"encoder": "timm/test_vit", "weights": "random", "device": "cpu"}


def photograph(height, width, number=0):
    image = Image.fromarray(load_sample_images().images[number])
    return np.array(image.resize((width, height), Image.Resampling.LANCZOS))


def levels_off(one, other):
    return np.abs(one.astype(int) - other.astype(int))


def by_pillow(image, height, width, interpolation):
    resampling = Image.Resampling[interpolation.upper()]
    return np.asarray(Image.fromarray(image).resize((width, height), resampling))


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("kind", ["photograph", "noise", "black and white"])
def test_two_levels_at_most_from_pillow_whatever_the_sizes(kind, interpolation):
    rng = np.random.default_rng(0)
    worst = 0
    for number in range(40):
        height, width = (int(side) for side in np.exp(rng.uniform(0, np.log(900), 2)))
        size = [int(side) for side in np.exp(rng.uniform(0, np.log(400), 2))]
        if kind == "photograph":
            image = photograph(height, width, number % 2)
        else:
            image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            image = image if kind == "noise" else np.where(image > 127, 255, 0).astype(np.uint8)
        made = resized(image, *size, interpolation, "torch")
        assert made.shape == (*size, 3)
        worst = max(worst, levels_off(made, by_pillow(image, *size, interpolation)).max())
    assert worst <= 2


def test_few_bytes_of_a_photograph_differ():
    for number, (height, width) in enumerate([(768, 1024), (1024, 768)]):
        image = photograph(height, width, number)
        size = (224, 298) if width > height else (298, 224)
        off = levels_off(
            resized(image, *size, "bicubic", "torch"), by_pillow(image, *size, "bicubic")
        )
        assert off.max() <= 1
        assert 0 < (off > 0).mean() < 0.01


@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [32, (24, 40)])
def test_it_follows_the_encoders_own_preprocessing(size, resize_mode):
    options = {"size": size, "interpolation": "bicubic", "resize_mode": resize_mode}
    config = open_clip.transform.PreprocessCfg(mean=MEAN, std=STD, **options)
    transform = open_clip.transform.image_transform_v2(config, is_train=False)
    spec = ViewSpec(mean=MEAN, std=STD, **options)
    cut, _ = resolve_views("auto", 1, spec, dtype=torch.bfloat16)
    assert cut.resizer == "torch"
    for shape in [(32, 32), (7, 50), (100, 30), (30, 100), (64, 48)]:
        image = photograph(*shape)
        expected = transform(Image.fromarray(image)) * torch.tensor(STD).view(3, 1, 1)
        expected = 255 * (expected + torch.tensor(MEAN).view(3, 1, 1))
        off = levels_off(cut(image)[0], expected.round().numpy().transpose(1, 2, 0))
        assert off.max() <= 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
def test_pictures_of_one_pixel_and_pixels_that_cannot_be_written(shape, resize_mode):
    spec = ViewSpec(size=32, mean=MEAN, std=STD, resize_mode=resize_mode)
    image = np.broadcast_to(np.uint8(90), (*shape, 3))  # grey, as a grey file gives it
    views = resolve_views("auto", 1, spec, "torch")[0](image)
    assert views.shape == (1, 32, 32, 3)
    assert set(np.unique(views)) <= {0, 90}  # 0 is what "longest" fills with


def test_who_resizes_follows_the_number_format_unless_it_is_said():
    for dtype, expected in [("float32", "pillow"), ("bfloat16", "torch"), ("float16", "torch")]:
        assert choose_resizer("auto", getattr(torch, dtype), "bicubic") == expected
        assert choose_resizer("auto", getattr(torch, dtype), "lanczos") == "pillow"
        for said in ("pillow", "torch"):
            assert choose_resizer(said, getattr(torch, dtype), "bilinear") == said
    with pytest.raises(ValueError, match="alone"):
        choose_resizer("torch", torch.float32, "lanczos")
    with pytest.raises(ValueError, match="'auto', 'pillow' or 'torch'"):
        choose_resizer("fast", torch.float32, "bicubic")
    assert load_encoder(**VIT, precision="fp32").resizer == "pillow"
    assert load_encoder(**VIT, precision="bf16").resizer == "torch"
    assert load_encoder(**VIT, precision="bf16", preprocess="center_crop").resizer is None
    assert load_encoder("efficientnet_lite0").resizer is None
    assert load_encoder("forensic", resize="torch").resizer is None
    own = {"encoder": SmallTower(), "preprocess": {"size": 32, "mean": 0.5, "std": 0.5}}
    assert load_encoder(**own).resizer == "pillow"  # of fp32, unless it is said
    assert load_encoder(**own, precision="bf16").resizer == "torch"


def test_embeddings_are_as_near_as_rounding():
    pictures = [photograph(300 + 40 * n, 400, n % 2) for n in range(6)]
    rows = [
        FrozenEncoderTransformer(**VIT, precision="fp32", resize=resize).transform(pictures)
        for resize in ("pillow", "torch")
    ]
    assert not np.array_equal(*rows)
    assert (rows[0] * rows[1]).sum(axis=1).min() > 0.9999


def test_the_key_knows_who_resized_and_that_of_pillow_is_what_it_was():
    keys = {
        (precision, resize): Settings(load_encoder(**VIT, precision=precision, resize=resize)).key
        for precision in ("fp32", "bf16")
        for resize in ("auto", "pillow", "torch")
    }
    assert keys["fp32", "auto"] == keys["fp32", "pillow"]
    assert keys["bf16", "auto"] == keys["bf16", "torch"]
    assert len(set(keys.values())) == 4
    encoder = load_encoder(**VIT, precision="fp32")
    assert encoder.fingerprint["views"] == asdict(encoder.tower.view_spec)


def test_rows_of_the_two_do_not_mix_in_one_folder(tmp_path):
    pictures = [photograph(90, 120)]

    def rows(resize, cache=tmp_path / "cache"):
        return FrozenEncoderTransformer(
            **VIT, precision="fp32", resize=resize, cache=cache
        ).transform(pictures)

    kept = {resize: rows(resize) for resize in ("pillow", "torch", "auto")}
    for resize, row in kept.items():
        np.testing.assert_array_equal(row, rows(resize, cache=None))
        np.testing.assert_array_equal(row, rows(resize))
    assert not np.array_equal(kept["pillow"], kept["torch"])


def test_an_earlier_pickle_resizes_as_it_did():
    before = FrozenEncoderTransformer(**VIT, precision="bf16")
    del before.resize  # as it was pickled when there was Pillow alone
    assert pickle.loads(pickle.dumps(before)).resize == "pillow"
    assert pickle.loads(pickle.dumps(FrozenEncoderTransformer())).resize == "auto"
