import io

import numpy as np
import pytest
from PIL import Image, ImageFilter, features
from scipy.ndimage import convolve1d

from sklearn_ssafe.images import Perturbation, list_perturbations, perturb, read_image
from sklearn_ssafe.images.perturbations.catalogue import PERTURBATIONS, choose_perturbations
from sklearn_ssafe.images.perturbations.changed_picture import ChangedPicture
from sklearn_ssafe.images.perturbations.sharing import MESSENGER_HOPS
from sklearn_ssafe.images.picture import as_picture
from sklearn_ssafe.images.reading import ImageReadError

from ..conftest import encoded, picture

IMAGE = picture(0, size=(60, 90))
ALL = [(name, strength) for name, each in PERTURBATIONS.items() for strength in each.strengths]


def decoded(changed):
    return read_image(changed)


def same(a, b):
    return a == b if isinstance(a, bytes) else np.array_equal(a, b)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (7, 1), (64, 48)])
def test_every_change_of_every_size_is_a_picture_and_leaves_its_input_alone(shape):
    image = picture(1, size=shape)
    before = image.copy()
    for name, strength in ALL:
        changed = perturb(image, name, strength)
        assert isinstance(changed, bytes) or changed.dtype == np.uint8
        assert decoded(changed).ndim == 3
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_change_depends_on_pixels_alone_not_on_where_they_come_from(tmp_path, name):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(IMAGE, "PNG"))
    strength = PERTURBATIONS[name].strengths[0]
    expected = perturb(IMAGE, name, strength)
    for item in (str(path), path.read_bytes(), Image.fromarray(IMAGE)):
        assert same(perturb(item, name, strength), expected)


@pytest.mark.parametrize("name", ["noise", "crop", "screenshot", "recapture"])
def test_random_changes_differ_by_seed_picture_and_strength(name):
    strengths = PERTURBATIONS[name].strengths
    first = perturb(IMAGE, name, strengths[0])
    assert not same(perturb(IMAGE, name, strengths[0], random_state=1), first)
    turned = perturb(IMAGE[::-1], name, strengths[0])  # same size, other pixels
    assert not np.array_equal(decoded(turned)[::-1], decoded(first))


@pytest.mark.parametrize(
    ("name", "format", "options"),
    [
        ("jpeg", "JPEG", {"quality": 50, "subsampling": 2}),
        ("webp", "WEBP", {"quality": 50, "method": 4}),
    ],
)
def test_codecs_give_the_bytes_of_a_file(name, format, options):
    assert features.check(name if name == "webp" else "jpg")
    assert perturb(IMAGE, name, 50) == encoded(IMAGE, format, **options)


def test_the_quality_of_a_jpeg_file_is_the_one_asked_for():
    standard = np.array(Image.open(io.BytesIO(encoded(IMAGE, quality=50))).quantization[0])
    for quality in PERTURBATIONS["jpeg"].strengths:
        opened = Image.open(io.BytesIO(perturb(IMAGE, "jpeg", quality)))
        # The tables of the standard are those of quality 50; libjpeg's formula scales them.
        scale = 5000 // quality if quality < 50 else 200 - 2 * quality
        expected = np.clip((standard * scale + 50) // 100, 1, 255)
        assert opened.quantization[0] == expected.tolist()
        assert [component[1:3] for component in opened.layer] == [(2, 2), (1, 1), (1, 1)]


def test_blur_is_a_convolution_with_a_gaussian():
    for sigma in (0.5, 2):
        at = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
        kernel = np.exp(-(at**2) / (2 * sigma**2))
        kernel /= kernel.sum()
        expected = IMAGE.astype(float)
        for axis in (0, 1):
            expected = convolve1d(expected, kernel, axis=axis, mode="reflect")
        difference = perturb(IMAGE, "blur", sigma) - expected
        assert np.abs(difference).max() <= 0.51  # rounded to whole numbers


def test_noise_has_the_deviation_asked_for_and_is_independent_by_colour():
    grey = np.full((200, 200, 3), 128, dtype=np.uint8)
    added = perturb(grey, "noise", 10).astype(float) - 128
    assert abs(added.mean()) < 0.1
    assert added.std() == pytest.approx(np.hypot(10, np.sqrt(1 / 12)), rel=0.01)
    correlation = np.corrcoef(added.reshape(-1, 3).T)
    assert np.abs(correlation - np.eye(3)).max() < 0.02


def test_resizing_is_pillows_with_each_filter():
    for name in ("nearest", "bilinear", "bicubic", "lanczos"):
        changed = perturb(IMAGE, f"resize_{name}", 0.5)
        expected = Image.fromarray(IMAGE).resize((45, 30), Image.Resampling[name.upper()])
        np.testing.assert_array_equal(changed, np.asarray(expected))
    assert perturb(IMAGE, "resize_bicubic", 1.25).shape == (75, 112, 3)


def test_a_crop_is_a_part_of_the_picture_and_lies_anywhere():
    image = np.arange(40 * 40 * 3).reshape(40, 40, 3).astype(np.uint16)
    image = (image // 3 % 251).astype(np.uint8)
    places = set()
    for seed in range(200):
        part = perturb(image, "crop", 0.9, random_state=seed)
        assert part.shape == (36, 36, 3)
        found = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if np.array_equal(image[top : top + 36, left : left + 36], part)
        ]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) == 25


def test_gamma_is_a_power_of_values_from_0_to_1():
    expected = np.rint(255 * (IMAGE.astype(float) / 255) ** 2)
    np.testing.assert_array_equal(perturb(IMAGE, "gamma", 2), expected)


def test_a_messenger_makes_large_pictures_smaller_each_time():
    large = picture(2, size=(900, 2000))
    for times, (longest, quality) in enumerate(MESSENGER_HOPS, 1):
        opened = Image.open(io.BytesIO(perturb(large, "messenger", times)))
        assert max(opened.size) == longest
        assert opened.size[0] / opened.size[1] == pytest.approx(2000 / 900, rel=0.01)
        reference = Image.open(io.BytesIO(encoded(IMAGE, quality=quality)))
        assert opened.quantization == reference.quantization
    small = Image.open(io.BytesIO(perturb(IMAGE, "messenger", 3)))
    assert small.size == (90, 60)
    assert perturb(IMAGE, "messenger", 1) == perturb(IMAGE, "jpeg", MESSENGER_HOPS[0][1])


def test_a_screenshot_is_the_picture_resampled_between_its_pixels():
    slope = np.repeat(np.arange(90, dtype=np.uint8)[None, :, None] * 2, 60, axis=0)
    shot = perturb(np.repeat(slope, 3, axis=2), "screenshot", 0.5).astype(float)[5, 5:-5, 0]
    # A ramp stays a ramp of twice the slope, shifted by less than two steps.
    np.testing.assert_allclose(np.diff(shot), 4, atol=1)
    assert 0 <= shot[0] - 4 * 5 <= 2 * 3


def test_a_recaptured_picture_is_recognisable_and_worse_when_stronger():
    sharp = Image.fromarray(IMAGE).resize((270, 180), Image.Resampling.BICUBIC)
    sharp = np.asarray(sharp.filter(ImageFilter.SHARPEN))
    errors = []
    for strength in (1, 2, 3):
        seen = Image.fromarray(decoded(perturb(sharp, "recapture", strength)))
        assert seen.size == (243, 162)
        seen = np.asarray(seen.resize((270, 180), Image.Resampling.BICUBIC), dtype=float)
        assert np.corrcoef(seen.ravel(), sharp.ravel())[0, 1] > 0.9
        errors.append(np.abs(seen - sharp).mean())
    assert errors == sorted(errors)


def test_what_may_be_chosen():
    names = [each.name for each in choose_perturbations(["resize_*", "jpeg"])]
    resizes = [name for name in PERTURBATIONS if name.startswith("resize")]
    assert names == [*resizes, "jpeg"]
    assert [each.name for each in choose_perturbations("all")] == list(PERTURBATIONS)
    (chosen,) = choose_perturbations({"blur": 7})
    assert chosen.strengths == (7,)
    blur, jpeg = choose_perturbations([("blur", 7), ("jpeg", 80), ["blur", 2]])
    assert (blur.strengths, jpeg.strengths) == ((7, 2), (80,))
    own = Perturbation("upside_down", lambda image, strength, rng: image[::-1], (1,), "times")
    assert choose_perturbations(own) == [own]
    assert same(perturb(IMAGE, own, 1), IMAGE[::-1])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("jpg", "Unknown perturbation 'jpg'. Did you mean 'jpeg'"),
        ([], "is empty"),
        (["blur", "bl*"], None),
        ({"blur": "much"}, "must be numbers"),
        ({"blur": []}, "must be numbers"),
        ({"blur": [1, 1]}, "twice"),
        ([("blur", 1), "jpeg"], "'jpeg' is no pair"),
        ([("blur", 1, 2)], "is no pair"),
        ([("blur", 1), ("blur", 1)], "twice"),
        (["blur", Perturbation("blur", print, (1,), "x")], "names 'blur' twice"),
    ],
)
def test_what_may_not_be_chosen_is_explained(wanted, message):
    if message is None:
        assert len(choose_perturbations(wanted)) == 1
        return
    with pytest.raises(ValueError, match=message):
        choose_perturbations(wanted)


def test_one_change_is_one_change():
    with pytest.raises(ValueError, match="stands for 4 perturbations"):
        perturb(IMAGE, "resize_*", 2)


def test_the_list_is_complete():
    table = list_perturbations()
    assert table["perturbation"].tolist() == list(PERTURBATIONS)
    assert (table[["unit", "parameters", "protocol"]] != "").all(axis=None)
    assert table["strengths"].map(len).sum() == len(ALL) == 62


@pytest.mark.parametrize("name", ["jpeg", "crop", "noise"])
def test_a_changed_picture_is_what_perturb_makes(tmp_path, name):
    path = tmp_path / "picture.png"
    Image.fromarray(IMAGE).save(path)
    changed = ChangedPicture(path, PERTURBATIONS[name], 0.5)
    by_hand = as_picture(perturb(path, name, 0.5))
    assert same(changed.read(), by_hand.read())
    assert changed.digest() == by_hand.digest()
    assert changed.loaded().digest() == by_hand.digest()
    assert changed.header() == by_hand.header()
    assert changed.name == f"{path}, {name} 0.5"
    assert as_picture(changed) is changed
    assert changed.file_state() is None
    other = ChangedPicture(path, PERTURBATIONS[name], 0.4)
    assert other.given_bytes() != changed.given_bytes()
    path.unlink()
    with pytest.raises(ImageReadError, match="no such file"):
        changed.read()
    with pytest.raises(ImageReadError, match="no such file"):
        changed.check()


def test_a_change_that_fails_says_why():
    changed = ChangedPicture(IMAGE, PERTURBATIONS["crop"], 2)
    with pytest.raises(ImageReadError, match="could not be changed: ValueError"):
        changed.read()
