from dataclasses import dataclass

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from sklearn_ssafe.encoders.preprocessing import ViewSpec, crop_positions, resolve_views

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.1)
SPEC = ViewSpec(size=32, mean=MEAN, std=STD)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# For other shapes than squares open_clip's "shortest" knows bicubic alone.
@pytest.mark.parametrize(
    ("size", "interpolation"), [(32, "bicubic"), (32, "bilinear"), ((24, 40), "bicubic")]
)
@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
def test_same_pixels_as_open_clip(size, resize_mode, interpolation):
    options = {"size": size, "interpolation": interpolation, "resize_mode": resize_mode}
    config = open_clip.transform.PreprocessCfg(mean=MEAN, std=STD, **options)
    transform = open_clip.transform.image_transform_v2(config, is_train=False)
    cut, spec = resolve_views("auto", 1, ViewSpec(mean=MEAN, std=STD, **options))
    rng = np.random.default_rng(1)
    for seed, shape in enumerate([(32, 32), (33, 32), (7, 50), *rng.integers(5, 120, (20, 2))]):
        image = noise(*shape, seed)
        views = cut(image)
        assert views.dtype == np.uint8
        assert views.flags.writeable
        pixels = torch.from_numpy(views[0]).permute(2, 0, 1).float() / 255
        mean, std = (torch.tensor(value).view(3, 1, 1) for value in (spec.mean, spec.std))
        expected = transform(Image.fromarray(image))
        torch.testing.assert_close((pixels - mean) / std, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash", "crops"])
def test_pictures_of_one_pixel(shape, resize_mode):
    spec = ViewSpec(size=32, mean=MEAN, std=STD, resize_mode=resize_mode)
    assert resolve_views("auto", 1, spec)[0](noise(*shape)).shape == (1, 32, 32, 3)


def test_squash_keeps_the_rest_of_the_tag():
    spec = ViewSpec(size=32, mean=MEAN, std=STD, interpolation="bilinear", crop_pct=0.9)
    cut, used = resolve_views("squash", 1, spec)
    image = noise(60, 100)
    expected = Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)
    assert np.array_equal(cut(image)[0], np.asarray(expected))
    assert (used.mean, used.std) == (MEAN, STD)


def test_center_crop_does_not_resize():
    image = noise(101, 60)
    views = resolve_views("center_crop", 1, SPEC)[0](image)
    transform = open_clip.transform.CenterCrop(32)
    assert np.array_equal(views[0], np.asarray(transform(Image.fromarray(image))))


def test_crops_lie_where_they_should():
    image = noise(100, 80)
    views = resolve_views("crops", 5, SPEC)[0](image)
    assert views.shape == (5, 32, 32, 3)
    assert np.array_equal(views[0], resolve_views("center_crop", 1, SPEC)[0](image)[0])
    assert np.array_equal(views[1], image[:32, :32])
    assert np.array_equal(views[2], image[-32:, -32:])
    assert np.array_equal(views[3], image[:32, -32:])
    assert np.array_equal(views[4], image[-32:, :32])


def test_more_crops_begin_with_the_fewer_and_spread():
    many = crop_positions(40)
    assert crop_positions(7) == many[:7]
    assert len(set(many)) == 40
    assert all(0 <= part <= 1 for position in many for part in position)
    quarters = {(down > 0.5, right > 0.5) for down, right in many[5:13]}
    assert len(quarters) == 4


def test_small_pictures_are_extended_by_reflection():
    image = noise(20, 50)
    view = resolve_views("center_crop", 1, SPEC)[0](image)[0]
    assert np.array_equal(view[6:26], image[:, 9:41])
    assert np.array_equal(view[5], image[1, 9:41])
    assert np.array_equal(view[26], image[18, 9:41])


def test_dict_and_dataclass_change_what_they_name():
    @dataclass
    class Settings:
        size: int = 16
        mean: float = 0.5
        std: float = 0.25

    for given in (Settings(), {"size": 16, "mean": 0.5, "std": 0.25}):
        cut, spec = resolve_views(given, 1, None)
        assert spec == ViewSpec(size=(16, 16), mean=(0.5,) * 3, std=(0.25,) * 3)
        assert cut(noise(20, 30)).shape == (1, 16, 16, 3)
    cut, spec = resolve_views({"resize_mode": "crops"}, 3, SPEC)
    assert spec.mean == MEAN
    assert cut(noise(50, 50)).shape == (3, 32, 32, 3)


def test_own_function_of_floats_and_of_bytes():
    image = noise(40, 40)
    floats = resolve_views(lambda picture: torch.full((3, 8, 9), 0.25), 1, None)[0](image)
    assert floats.dtype == np.float32
    assert floats.shape == (1, 8, 9, 3)
    bytes_ = resolve_views(lambda picture: np.asarray(picture)[:8, :9], 1, None)[0](image)
    assert np.array_equal(bytes_[0], image[:8, :9])
    with pytest.raises(ValueError, match=r"shape \(8, 8\)"):
        resolve_views(lambda picture: torch.zeros(8, 8), 1, None)[0](image)


@pytest.mark.parametrize(
    ("preprocess", "n_views", "spec", "message"),
    [
        ("stretch", 1, SPEC, "none of"),
        ("auto", 1, None, "cannot be known"),
        ("auto", 2, SPEC, "preprocess='crops'"),
        ("center_crop", 2, SPEC, "preprocess='crops'"),
        (lambda picture: picture, 2, SPEC, "gives one view"),
        ("crops", 0, SPEC, "whole number"),
        ("crops", 1.5, SPEC, "whole number"),
        ({"sise": 3}, 1, SPEC, r"unknown keys \['sise'\]"),
        ({"size": 3}, 1, None, r"lacks \['mean', 'std'\]"),
        ({"size": 0}, 1, SPEC, "not a height"),
        ({"std": 0}, 1, SPEC, "std above 0"),
        ({"interpolation": "cubic"}, 1, SPEC, "bicubic"),
        ({"resize_mode": "fit"}, 1, SPEC, "resize_mode"),
        (5, 1, SPEC, "neither a name"),
    ],
)
def test_wrong_choices_are_explained(preprocess, n_views, spec, message):
    with pytest.raises(ValueError, match=message):
        resolve_views(preprocess, n_views, spec)
