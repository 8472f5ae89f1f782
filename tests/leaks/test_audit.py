"""The audit: silent where nothing leaks, and every planted leak found under its own name."""

import io
import itertools
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
    return audit(made.X, made.y, **origin(made))


def audit(X, y, **options):
    """An audit with as few shuffles as make a finding possible."""
    return audit_leaks(X, y, **{"n_permutations": 99, **options})


def origin(data):
    return {"generator": data.generator, "source": data.source, "groups": data.groups}


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
    found = audit(made.X, made.y, **origin(made))
    assert codes(found) == set()
    assert "No leak was found" in str(found)


def test_every_check_is_accounted_for(clean):
    table = clean.frame()
    assert table["code"].is_unique
    assert len(table) == 31
    not_run = {"modified", "path", "path_number", "jpeg_history"}
    assert set(table.loc[table["status"] == "not run", "code"]) == not_run
    assert (clean.n_real, clean.n_generated) == (50, 50)


def exif_with(tag, text):
    exif = Image.Exif()
    exif[tag] = text
    return exif


def with_c2pa(image):
    """A JPEG file with an APP11 segment that holds the start of a C2PA manifest."""
    box = b"\x00\x00\x00\x20jumb\x00\x00\x00\x18jumdc2pa" + b"\x00" * 12
    body = b"JP\x00\x01\x00\x00\x00\x01" + box
    file = jpeg(image)
    return file[:2] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + file[2:]


def text_with(text):
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", text)
    return info


def opaque(image):
    return Image.merge("RGBA", [*image.split(), Image.new("L", image.size, 255)])


def jpeg(image, **options):
    return encoded(image, quality=90, **options)


def marked(image):
    pixels = np.array(image)
    pixels[58:61, 52:62] = (250, 240, 60)
    pixels[61:63, 52:62] = (20, 30, 80)
    return encoded(Image.fromarray(pixels), "PNG")


def sixteen_bits(image):
    return encoded(np.asarray(image.convert("L")).astype(np.uint16) * 257, "PNG")


def png(image):
    return encoded(image, "PNG")


def apart_from_blocks(image):
    """The picture with what JPEG made of it out of step with the blocks of a further one."""
    return image.crop((3, 3, 62, 62))


def was_jpeg(image):
    return png(Image.open(io.BytesIO(jpeg(apart_from_blocks(image)))))


def lit(image):
    pixels = np.array(image).astype(int)
    pixels[:20, -20:] += 12
    return png(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


# By code, two ways to make a file of a picture, which differ in what the check looks at.
FILES = {
    "format": (jpeg, lambda image: encoded(image, "WEBP", quality=80)),
    "bytes_per_pixel": (jpeg, lambda image: encoded(image, quality=30)),
    "dimensions": (jpeg, lambda image: jpeg(image.crop((0, 0, 60, 60)))),
    "pixels": (jpeg, lambda image: jpeg(image.crop((0, 0, 60, 60)))),
    "aspect": (jpeg, lambda image: jpeg(image.crop((0, 0, 64, 56)))),
    "square": (jpeg, lambda image: jpeg(image.crop((0, 0, 64, 56)))),
    "multiples_of_64": (jpeg, lambda image: jpeg(image.crop((1, 1, 64, 64)))),
    "jpeg_quality": (jpeg, lambda image: encoded(image, quality=80)),
    "jpeg_tables": (jpeg, lambda image: encoded(image, quality=80)),
    "subsampling": (jpeg, lambda image: jpeg(image, subsampling="4:4:4")),
    "colour_mode": (jpeg, lambda image: jpeg(image.convert("L"))),
    "alpha": (lambda image: encoded(image, "PNG"), lambda image: encoded(opaque(image), "PNG")),
    "bit_depth": (lambda image: encoded(image.convert("L"), "PNG"), sixteen_bits),
    "icc_profile": (jpeg, lambda image: jpeg(image, icc_profile=b"damaged")),
    "metadata": (jpeg, lambda image: jpeg(image, comment=b"hello")),
    "camera": (jpeg, lambda image: jpeg(image, exif=exif_with(0x0110, "X100"))),
    "c2pa": (jpeg, with_c2pa),
    "generator_text": (jpeg, lambda image: jpeg(image, comment=b"Midjourney")),
    "corner_mark": (png, marked),
    "jpeg_scan": (jpeg, lambda image: jpeg(image, progressive=True)),
    "resolution": (jpeg, lambda image: jpeg(image, dpi=(72, 72))),
    "colourless": (jpeg, lambda image: jpeg(image.convert("L").convert("RGB"))),
    "jpeg_history": (lambda image: png(apart_from_blocks(image)), was_jpeg),
    "corner_brightness": (png, lit),
}
PATHS = ("modified", "path", "path_number")
NOTES = {"metadata", "camera", "c2pa", "generator_text", "single_generator", *PATHS}
NOTES |= {"jpeg_scan", "resolution"}
CONTINUOUS = ("bytes_per_pixel", "corner_mark", "corner_brightness", "jpeg_history")
CODES = [*FILES, *PATHS, "exact_duplicates", "near_duplicates"]
CODES += ["single_source", "single_generator"]


def case(code, flawed, made, pixels, folder):
    """Pictures and labels in which the rows `flawed` have what the check looks at."""
    images = list(map(Image.fromarray, pixels))
    if code in FILES:
        sound, flaw = FILES[code]
        return [(flaw if f else sound)(i) for i, f in zip(images, flawed, strict=True)], {}
    if code in PATHS:
        paths = []
        number = np.random.default_rng(0).permutation(len(images))
        for row, (file, flaw) in enumerate(zip(made.X, flawed, strict=True)):
            name = "other" if flaw and code == "path" else "some"
            (folder / name).mkdir(exist_ok=True)
            large = 500 if flaw and code == "path_number" else 0
            paths.append(folder / name / f"{number[row] + large:04d}.jpg")
            paths[-1].write_bytes(file)
            os.utime(paths[-1], (1e9 + 1e7 * (flaw and code == "modified") + row,) * 2)
        return paths, {}
    if code in ("exact_duplicates", "near_duplicates"):
        real = itertools.cycle(np.flatnonzero(made.y == 0))
        original = {row: next(real) for row in np.flatnonzero(flawed)}
        copy = made.X.__getitem__
        if code == "near_duplicates":

            def copy(row):
                return encoded(images[row].resize((48, 48)), quality=60)

        return [copy(original[r]) if r in original else made.X[r] for r in range(len(images))], {}
    labels = {"generator": made.generator, "source": made.source}
    if flawed.any():
        one = np.where(made.y == (code == "single_generator"), "the only one", "")
        labels[code.removeprefix("single_")] = one
    return made.X, labels


def test_no_check_is_without_a_case(clean):
    assert set(CODES) == set(clean.frame()["code"])


@pytest.mark.parametrize("code", CODES)
def test_every_check_finds_its_flaw(code, made, pixels, tmp_path):
    # 70 % of the generated pictures have it, and no real one.
    generated = np.flatnonzero(made.y == 1)
    flawed = np.isin(np.arange(100), generated[np.arange(50) % 10 < 7])
    X, options = case(code, flawed, made, pixels, tmp_path)
    finding = by_code(audit(X, made.y, **options), code)
    assert finding.severity == ("note" if code in NOTES else "leak")
    assert finding.advice
    if code in FILES or code in PATHS:
        assert finding.p_value == 1 / 100
        assert finding.n_images == 100
        # Those that have it are given away; the others are as good as guessed.
        least = 0.7 if code in CONTINUOUS else 0.8
        assert least < finding.auc < 0.95
    if code != "path":
        assert {example.label for example in finding.examples} == {0, 1}


@pytest.mark.parametrize("code", CODES)
def test_every_check_is_silent_where_both_classes_have_it_alike(code, made, pixels, tmp_path):
    flawed = np.zeros(100, dtype=bool)
    if code in FILES or code in PATHS:
        for label in (0, 1):
            flawed[np.flatnonzero(made.y == label)[::2]] = True
    X, options = case(code, flawed, made, pixels, tmp_path)
    found = audit(X, made.y, **options)
    assert code in found.silent
    assert code not in codes(found)


def test_the_prompt_in_a_png_file_is_found(made, pixels):
    images = list(map(Image.fromarray, pixels))
    files = [
        encoded(image, "PNG", **({"pnginfo": text_with("Steps: 9, x")} if label else {}))
        for image, label in zip(images, made.y, strict=True)
    ]
    found = audit(files, made.y)
    assert by_code(found, "generator_text").auc == 1
    assert "format" not in codes(found)


def test_few_pictures_that_alone_have_a_value_are_found(made, pixels):
    files = [encoded(image, quality=90) for image in pixels]
    for row in np.flatnonzero(made.y == 1)[:12]:
        files[row] = encoded(Image.fromarray(pixels[row]).convert("L"), quality=90)
    found = audit(files, made.y, min_auc=0.7)
    assert codes(found) == {"colour_mode", "colourless"}
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
    assert {"corner_mark"} <= codes(found) <= {"corner_mark", "corner_brightness"}


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
    found = audit(made.X, made.y, generator=made.generator, source=one)
    assert codes(found) == {"single_source"}
    assert by_code(found, "single_source").severity == "leak"
    assert by_code(found, "single_source").auc == 1
    only = np.where(made.y == 1, "sdxl", "")
    found = audit(made.X, made.y, generator=only, source=np.where(made.y == 1, "sdxl", made.source))
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
        audit(made.X, made.y, **{**origin(made), "groups": groups}) for groups in (filled, None)
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
    how = {"pos_label": "fake", "num_workers": 1, **origin(made)}
    again = audit(table["image"], table["label"], **how)
    assert again.to_dict() == clean.to_dict()


def test_result_as_text_html_and_json(made, pixels):
    files = [
        encoded(Image.fromarray(image), ("JPEG", "PNG")[label])
        for image, label in zip(pixels, made.y, strict=True)
    ]
    source = np.where(made.y == 0, "<b>&", "web")
    found = audit(files, made.y, source=source)
    facts = json.loads(found.to_json())
    assert facts == found.to_dict()
    assert [finding["code"] for finding in facts["findings"]] == found.frame()["code"][:3].tolist()
    for text in (str(found), found.to_markdown(), found.to_html()):
        assert "JPEG: 50 real, 0 generated" in text
        assert "What to do about format" in text
    assert "&lt;b&gt;&amp;" in found.to_html()
    assert "<b>" not in found.to_html()
    assert found._repr_html_() == found.to_html()
    assert found.to_markdown().count("\n| leak | ") == 3
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
    found = audit(data.X, data.y, **origin(data))
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
