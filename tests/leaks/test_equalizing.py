"""A copy in one form: what the files tell is gone, what the pixels tell is not."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sklearn_ssafe import audit_leaks, equalize
from sklearn_ssafe.datasets import load_manifest, make_generated_images
from sklearn_ssafe.images import read_file_facts, read_image
from sklearn_ssafe.images.equalizing import equalize_image, iter_equalized

from ..conftest import encoded, picture


@pytest.fixture(scope="module")
def flawed():
    """Real pictures as JPEG with a camera's name, generated ones as larger, square PNG."""
    made = make_generated_images(80, image_size=96, random_state=0)
    exif = Image.Exif()
    exif[0x0110] = "X100"
    files = []
    for file, label in zip(made.X, made.y, strict=True):
        image = Image.open(io.BytesIO(file))
        if label == 1:
            files.append(encoded(image, "PNG"))
        else:
            files.append(encoded(image.crop((0, 0, 96, 80)), quality=70, exif=exif))
    return files, made


def codes(audit):
    return {finding.code for finding in audit.findings}


def test_centre_crop_keeps_pixels():
    pixels = picture(size=(101, 80))
    cut = read_image(equalize_image(pixels, size=(40, 60), codec="png"))
    assert (cut == pixels[30:70, 10:70]).all()


def test_resize_shrinks_to_cover_and_then_cuts():
    pixels = picture(size=(120, 200))
    shrunk = read_image(equalize_image(pixels, size=60, how="resize", codec="png"))
    expected = Image.fromarray(pixels).resize((100, 60), Image.Resampling.LANCZOS)
    assert (shrunk == np.asarray(expected)[:, 20:80]).all()


@pytest.mark.parametrize("codec", ["jpeg", "png", "webp"])
def test_every_file_has_the_same_form_and_no_metadata(codec, flawed):
    forms = set()
    for content, reason in iter_equalized(flawed[0][:8], size=64, codec=codec, quality=80):
        assert reason is None
        facts = read_file_facts(content)
        forms.add((facts.format, facts.width, facts.height, facts.jpeg_tables, facts.subsampling))
        assert (facts.metadata, facts.camera, facts.icc_profile) == ("none", "", "")
    assert len(forms) == 1
    assert forms.pop()[0] == codec.upper()


def test_a_small_picture_is_enlarged_only_on_demand():
    small = picture(size=(50, 80))
    with pytest.raises(ValueError, match="80 x 50 pixels, less than 64 x 64, and is not enlarged"):
        equalize_image(small, size=64)
    large = read_image(equalize_image(small, size=64, upscale=True, codec="png"))
    expected = Image.fromarray(small).resize((102, 64), Image.Resampling.LANCZOS)
    assert (large == np.asarray(expected)[:, 19:83]).all()


def test_the_audit_of_a_copy_shows_what_is_left(flawed):
    files, made = flawed
    origin = {"generator": made.generator, "source": made.source, "groups": made.groups}
    before = audit_leaks(files, made.y, **origin, n_permutations=199)
    assert {"format", "dimensions", "square", "aspect", "camera"} <= codes(before)
    copy = equalize(files, made.y, **origin, size=80, codec="jpeg")
    origin = {"generator": copy.generator, "source": copy.source, "groups": copy.groups}
    after = audit_leaks(copy.X, copy.y, **origin, n_permutations=199)
    # Quality 70 before took detail from one class alone, and no later compression gives it back.
    assert codes(after) == {"bytes_per_pixel"}


def test_written_copies_are_loaded_again(flawed, tmp_path):
    files, made = flawed
    files = [*files[:6], files[6][:300], *files[7:10]]
    y = made.y[:10]
    small = {row for row in range(10) if y[row] == 0 and row != 6}
    copy = equalize(files, y, groups=made.groups[:10], output_dir=tmp_path / "copy", size=96)
    assert set(copy.failures["row"]) == small | {6}
    assert copy.rows.tolist() == [row for row in range(10) if row not in small | {6}]
    assert {"is 96 x 80 pixels, less than 96 x 96"} == {
        reason.split(",")[0] + "," + reason.split(",")[1]
        for row, reason in zip(copy.failures["row"], copy.failures["reason"], strict=True)
        if row in small
    }
    loaded = load_manifest(tmp_path / "copy" / "manifest.csv")
    assert loaded.y.tolist() == copy.y.tolist() == y[copy.rows].tolist()
    assert loaded.X.tolist() == copy.X.tolist()
    assert loaded.groups.tolist() == made.groups[copy.rows].tolist()
    assert [Path(path).name for path in loaded.X] == [f"image_{row:05d}.jpg" for row in copy.rows]
    assert len({Path(path).stat().st_mtime for path in loaded.X}) == 1
    assert len(pd.read_csv(tmp_path / "copy" / "failures.csv")) == len(copy.failures)
    with pytest.raises(FileExistsError, match="not empty"):
        equalize(files, y, output_dir=tmp_path / "copy")


def test_labels_go_along(flawed):
    files, made = flawed
    words = np.where(made.y == 1, "fake", "photo")
    copy = equalize(files[:6], words[:6], generator=made.generator[:6], size=64, pos_label="fake")
    assert copy.y.tolist() == made.y[:6].tolist()
    assert copy.generator.tolist() == made.generator[:6].tolist()
    assert [read_image(file).shape for file in copy.X] == [(64, 64, 3)] * 6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": (3, 4, 5)}, "size must be"),
        ({"size": 0}, "size must be"),
        ({"how": "stretch"}, "how must be one of crop, resize"),
        ({"codec": "gif"}, "codec must be one of jpeg, png, webp"),
        ({"quality": 0}, "quality must be"),
        ({"subsampling": "4:1:1"}, "subsampling must be"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_read(wrong, message):
    with pytest.raises(ValueError, match=message):
        equalize(["absent.jpg", "absent.png"], [0, 1], **wrong)


def test_nothing_left_is_an_error(flawed):
    with pytest.raises(ValueError, match="None of the 4 pictures"):
        equalize(flawed[0][:4], [0, 1, 0, 1], size=500)
