"""The audit: silent where nothing leaks, and every planted leak found under its own name."""

import io
import json
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image, PngImagePlugin

from sklearn_ssafe import audit_leaks
from sklearn_ssafe.datasets import load_manifest, make_generated_images

from ..conftest import encoded

# What cannot be told of pictures in memory.
FILE_CHECKS = {"format", "bytes_per_pixel", "jpeg_quality", "jpeg_tables", "subsampling"}
FILE_CHECKS |= {"bit_depth", "icc_profile", "metadata", "camera", "c2pa", "generator_text"}


@pytest.fixture(scope="module")
def made():
    return make_generated_images(100, image_size=64, random_state=0)


@pytest.fixture(scope="module")
def pixels(made):
    return [np.asarray(Image.open(io.BytesIO(file))) for file in made.X]


@pytest.fixture(scope="module")
def clean(made):
    return audit(made.X, made.y, made.generator, made.source, made.groups)


def audit(*arguments, **options):
    """An audit with as few shuffles as make a finding possible."""
    return audit_leaks(*arguments, **{"n_permutations": 99, **options})


def codes(found):
    return {finding.code for finding in found.findings}


def by_code(found, code):
    return next(finding for finding in found.findings if finding.code == code)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"content": "photographs", "image_size": 96},
        {"trace_strength": 1, "image_size": (64, 96)},
        {"generators": ["transposed_convolution", "nearest_upsampling"], "trace_strength": 1},
    ],
    ids=str,
)
def test_silent_on_pictures_that_differ_in_traces_alone(options):
    made = make_generated_images(
        **{"n_samples": 80, "image_size": 64, "random_state": 1, **options}
    )
    found = audit(made.X, made.y, made.generator, made.source, made.groups)
    assert codes(found) == set()
    assert "No leak was found" in str(found)


def test_every_check_is_accounted_for(clean):
    table = clean.frame()
    assert table["code"].is_unique
    assert len(table) == 25
    assert set(table.loc[table["status"] == "not run", "code"]) == {"modified", "path"}
    assert (clean.n_real, clean.n_generated) == (50, 50)


def exif_with(tag, text):
    exif = Image.Exif()
    exif[tag] = text
    return exif


def text_with(text):
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", text)
    return info


def opaque(image):
    return Image.merge("RGBA", [*image.split(), Image.new("L", image.size, 255)])


# Each makes a file of a generated picture that differs from what real ones get in one way.
PLANTED = {
    "format": lambda image: encoded(image, "WEBP", quality=80),
    "jpeg_quality": lambda image: encoded(image, quality=80),
    "subsampling": lambda image: encoded(image, quality=90, subsampling="4:4:4"),
    "square": lambda image: encoded(image.crop((0, 0, 64, 56)), quality=90),
    "multiples_of_64": lambda image: encoded(image.crop((1, 1, 64, 64)), quality=90),
    "colour_mode": lambda image: encoded(image.convert("L"), quality=90),
    "camera": lambda image: encoded(image, quality=90, exif=exif_with(0x0110, "X100")),
    "metadata": lambda image: encoded(image, quality=90, comment=b"hello"),
    "generator_text": lambda image: encoded(image, quality=90, comment=b"Midjourney"),
    "icc_profile": lambda image: encoded(image, quality=90, icc_profile=b"damaged"),
}


@pytest.mark.parametrize("code", PLANTED)
def test_what_only_generated_pictures_have_is_found(code, made, pixels):
    rng = np.random.default_rng(0)
    files = []
    for image, label in zip(map(Image.fromarray, pixels), made.y, strict=True):
        planted = label == 1 and rng.random() < 0.7
        files.append(PLANTED[code](image) if planted else encoded(image, quality=90))
    finding = by_code(audit(files, made.y), code)
    assert finding.p_value == 1 / 100
    # 70 % are given away; the others are as good as guessed.
    assert finding.auc == pytest.approx(0.85, abs=0.05)
    assert finding.n_images == 100
    assert {example.label for example in finding.examples} == {0, 1}


@pytest.mark.parametrize(
    ("code", "plant"),
    [
        ("alpha", lambda image: encoded(opaque(image), "PNG")),
        ("generator_text", lambda image: encoded(image, "PNG", pnginfo=text_with("Steps: 9, x"))),
        (
            "bit_depth",
            lambda image: encoded(np.asarray(image.convert("L")).astype(np.uint16) * 257, "PNG"),
        ),
    ],
)
def test_what_only_generated_png_files_have_is_found(code, plant, made, pixels):
    images = list(map(Image.fromarray, pixels))
    files = [
        plant(image) if label else encoded(image, "PNG")
        for image, label in zip(images, made.y, strict=True)
    ]
    found = audit(files, made.y)
    assert by_code(found, code).auc == 1
    assert "format" not in codes(found)


def test_few_pictures_that_alone_have_a_value_are_found(made, pixels):
    files = [encoded(image, quality=90) for image in pixels]
    for row in np.flatnonzero(made.y == 1)[:12]:
        files[row] = encoded(Image.fromarray(pixels[row]).convert("L"), quality=90)
    found = audit(files, made.y, min_auc=0.7)
    assert codes(found) == {"colour_mode"}
    assert by_code(found, "colour_mode").auc < 0.7


def test_the_direction_does_not_matter(made, pixels):
    images = list(map(Image.fromarray, pixels))
    for y in (made.y, 1 - made.y):
        files = [
            encoded(i, quality=90 - 20 * int(label)) for i, label in zip(images, y, strict=True)
        ]
        assert by_code(audit(files, made.y), "jpeg_quality").auc == 1


@pytest.mark.parametrize(("share", "least_auc"), [(0.5, 0.6), (1.0, 0.9)])
def test_a_mark_in_a_corner_is_found_where_it_is(share, least_auc, made, pixels):
    rng = np.random.default_rng(1)
    marked = [image.copy() for image in pixels]
    for image, label in zip(marked, made.y, strict=True):
        if label == 1 and rng.random() < share:
            image[58:61, 52:62] = (250, 240, 60)
            image[61:63, 52:62] = (20, 30, 80)
    found = audit(marked, made.y)
    finding = by_code(found, "corner_mark")
    assert "bottom right" in finding.title
    assert finding.auc > least_auc
    assert codes(found) == {"corner_mark"}


def test_a_pattern_all_over_the_picture_is_no_mark(made, pixels):
    rows, columns = np.mgrid[:64, :64]
    grid = 12 * ((rows % 8 == 0) | (columns % 8 == 0))
    patterned = [
        np.clip(image + label * grid[:, :, None], 0, 255).astype(np.uint8)
        for image, label in zip(pixels, made.y, strict=True)
    ]
    assert "corner_mark" not in codes(audit(patterned, made.y))


def test_words_and_times_of_files_are_notes(made, tmp_path):
    paths = []
    for row, (file, label) in enumerate(zip(made.X, made.y, strict=True)):
        folder = tmp_path / ("fake" if label else "genuine")
        folder.mkdir(exist_ok=True)
        paths.append(folder / f"{row:04d}.jpg")
        paths[-1].write_bytes(file)
        os.utime(paths[-1], (1e9 + 1e7 * label + row,) * 2)
    found = audit(paths, made.y)
    assert codes(found) == {"path", "modified"}
    assert found.leaks == []
    assert by_code(found, "path").auc == 1
    assert by_code(found, "modified").auc > 0.95
    words = {kind.name for kind in by_code(found, "path").kinds}
    assert {"fake", "genuine"} <= words


def test_the_same_file_under_both_labels_is_a_leak(made):
    X, y = [*made.X, made.X[3], made.X[5]], [*made.y, 1 - made.y[3], made.y[5]]
    found = audit(X, y, groups=[*made.groups, made.groups[3], made.groups[5]])
    finding = by_code(found, "exact_duplicates")
    assert finding.severity == "leak"
    assert {example.row for example in finding.examples} == {3, 100}
    assert codes(found) == {"exact_duplicates"}


def test_changed_copies_across_a_split_are_a_leak_and_within_a_group_none(made, pixels):
    copies = [encoded(Image.fromarray(image).resize((48, 48)), quality=60) for image in pixels[:25]]
    X, y = [*made.X, *copies], [*made.y, *made.y[:25]]
    groups = [*made.groups, *made.groups[:25]]
    split = ["train"] * 100 + ["test"] * 25

    def look(**how):
        found = audit(X, y, **how)
        return next((f for f in found.findings if f.code == "near_duplicates"), None)

    assert look(groups=groups) is None
    assert look().severity == "note"
    found = look(groups=groups, split=split)
    assert found.severity == "leak"
    assert found.n_images == 50
    # Every picture of the test part has a copy in the other, and a quarter of that one has one
    # here; a pair of two without copies is guessed.
    assert found.auc == pytest.approx((1 + (1 - 0.75**2 / 2)) / 2, abs=0.01)


def test_one_source_and_one_generator(made):
    one = np.where(made.y == 0, "camera_0", made.source)
    found = audit(made.X, made.y, made.generator, one)
    assert codes(found) == {"single_source"}
    assert by_code(found, "single_source").severity == "leak"
    assert by_code(found, "single_source").auc == 1
    only = np.where(made.y == 1, "sdxl", "")
    found = audit(made.X, made.y, only, np.where(made.y == 1, "sdxl", made.source))
    assert codes(found) == {"single_generator"}
    assert "sdxl" in by_code(found, "single_generator").title
    assert {"single_source", "single_generator"} <= set(audit(made.X, made.y).not_run)


def test_films_of_one_size_each_leak_only_if_they_are_not_grouped(pixels):
    rng = np.random.default_rng(0)
    film = np.repeat(np.arange(20), 5)
    y = rng.permutation([0, 1] * 10)[film]
    side = rng.permutation(np.arange(44, 64))[film]
    frames = [image[:n, :n] for image, n in zip(pixels, side, strict=True)]
    assert "dimensions" in codes(audit(frames, y))
    assert codes(audit(frames, y, groups=film)) == set()


def test_groups_that_repeat_the_generator_say_nothing(made):
    filled = [
        f"generator:{g}" if g else f"source:{s}"
        for g, s in zip(made.generator, made.source, strict=True)
    ]
    with_groups, without = (
        audit(made.X, made.y, made.generator, made.source, groups) for groups in (filled, None)
    )
    assert with_groups.frame().equals(without.frame())


def test_a_bad_file_costs_one_row(made, clean):
    X, y = list(made.X), list(made.y)
    X[7:7], y[7:7] = [made.X[0][:500], None, "absent.jpg"], [0, 1, 1]
    groups = [*made.groups[:7], "", "", "", *made.groups[7:]]
    found = audit(X, y, groups=groups)
    assert found.failures["row"].tolist() == [7, 8, 9]
    assert found.failures["path"].tolist()[1:] == ["<missing>", "absent.jpg"]
    assert (found.n_real, found.n_generated) == (50, 50)
    for code in ("bytes_per_pixel", "corner_mark"):
        assert found.silent[code][1] == pytest.approx(clean.silent[code][1])
    assert "absent.jpg: no such file" in str(found)


def test_pictures_in_memory_are_judged_by_size_and_pixels(made, pixels):
    for X in (pixels, list(map(Image.fromarray, pixels)), np.stack(pixels)):
        found = audit(X, made.y)
        assert codes(found) == set()
        assert set(found.not_run) >= FILE_CHECKS | {"path", "modified"}
        assert {"square", "corner_mark", "near_duplicates", "alpha"} <= set(found.silent)
    small = [image[: 64 - 8 * label] for image, label in zip(pixels, made.y, strict=True)]
    assert "square" in codes(audit(small, made.y))


def test_input_of_every_kind_gives_the_same(made, clean):
    words = np.where(made.y == 1, "fake", "photo")
    table = pd.DataFrame({"image": made.X, "label": words})
    origin = made.generator, made.source, made.groups
    again = audit(table["image"], table["label"], *origin, pos_label="fake", num_workers=1)
    assert again.to_dict() == clean.to_dict()


def test_result_as_text_html_and_json(made, pixels):
    files = [
        encoded(Image.fromarray(image), ("JPEG", "PNG")[label])
        for image, label in zip(pixels, made.y, strict=True)
    ]
    source = np.where(made.y == 0, "<b>&", "web")
    found = audit(files, made.y, source=source)
    facts = json.loads(json.dumps(found.to_dict()))
    assert [finding["code"] for finding in facts["findings"]] == found.frame()["code"][:3].tolist()
    assert "JPEG: 50 real, 0 generated" in str(found)
    assert "&lt;b&gt;&amp;" in found._repr_html_()
    assert "<b>" not in found._repr_html_()
    assert repr(found) == "<LeakAudit: 3 leaks and 0 notes in 50 real and 50 generated pictures>"
    assert "2 leaks" not in repr(found)


def test_wrong_input_is_explained(made):
    X, y = made.X[:20], made.y[:20]
    with pytest.raises(ValueError, match="pos_label"):
        audit(X, np.where(y, "b", "a"))
    with pytest.raises(ValueError, match="is none of the labels"):
        audit(X, np.where(y, "b", "a"), pos_label="c")
    with pytest.raises(ValueError, match="two classes"):
        audit(X, np.arange(20), pos_label=3)
    with pytest.raises(ValueError, match="1 class"):
        audit(X, np.zeros(20))
    with pytest.raises(ValueError, match="none of the 2 pictures"):
        audit(["a.jpg", "b.jpg"], [0, 1])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        audit(X, y, groups=[1, 2])
    with pytest.raises(ValueError, match="at least 99 are needed"):
        audit(X, y, alpha=0.01, n_permutations=50)
    with pytest.raises(ValueError, match="min_auc"):
        audit(X, y, min_auc=0.2)


@pytest.mark.parametrize("groups", [["all"] * 100, None], ids=["one", "one a class"])
def test_groups_that_leave_nothing_to_hold_out_are_said(groups, made):
    found = audit(made.X, made.y, groups=groups or ["ba"[label] for label in made.y])
    assert codes(found) == set()
    assert "too few groups" in found.not_run["format"]


def test_few_pictures_are_too_few_to_say(made):
    found = audit(made.X[:10], made.y[:10])
    assert "10 of each are needed" in found.not_run["format"]
    assert found.findings == []


def test_the_sample_has_what_its_files_have(sample_data):
    data = load_manifest(sample_data / "manifest.csv")
    found = audit(data.X, data.y, data.generator, data.source, data.groups)
    leaks = {finding.code for finding in found.leaks}
    assert {"format", "square", "multiples_of_64", "dimensions", "jpeg_tables"} <= leaks
    webp = sum(path.endswith(".webp") for path in data.X[data.y == 1])
    kinds = {kind.name: kind for kind in by_code(found, "format").kinds}
    assert (kinds["WEBP"].n_real, kinds["WEBP"].n_generated) == (0, webp)
    square = []
    for path in data.X:
        with Image.open(path) as image:
            square.append(image.width == image.height)
    square = np.array(square)
    kinds = {kind.name: kind for kind in by_code(found, "square").kinds}
    assert kinds["square"].n_generated == square[data.y == 1].sum()
    assert kinds["square"].n_real == square[data.y == 0].sum()
