"""Pictures made on the spot: repeatable, alike in everything but the traces, and traces there."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import laplace
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe.datasets import load_manifest, make_generated_images
from sklearn_ssafe.datasets.cameras import Camera
from sklearn_ssafe.datasets.generators import GENERATORS
from sklearn_ssafe.datasets.photographs import load_photographs
from sklearn_ssafe.datasets.scenes import power_law_noise


def decode(file):
    return np.asarray(Image.open(io.BytesIO(file)))


@pytest.fixture(scope="module")
def data():
    return make_generated_images(n_samples=240, image_size=96, random_state=0)


@pytest.fixture(scope="module")
def pictures(data):
    return np.stack([decode(file) for file in data.X]).astype(float)


def cross_validated_auc(features, y):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return cross_val_score(model, features, y, cv=folds, scoring="roc_auc").mean()


def test_table_agrees_with_the_arrays(data):
    assert (data.y == 1).sum() == 120
    assert set(data.generator[data.y == 1]) == set(GENERATORS)
    assert set(data.source[data.y == 0]) == {f"camera_{n}" for n in range(4)}
    assert set(data.generator[data.y == 0]) == {""}
    assert np.array_equal(data.source[data.y == 1], data.generator[data.y == 1])
    assert len(set(data.groups)) == 240
    counts = np.unique(data.source, return_counts=True)[1]
    assert counts.max() - counts.min() == 120 // 4 - 120 // 6
    for column, values in [
        ("image", data.X),
        ("label", data.y),
        ("generator", data.generator),
        ("source", data.source),
        ("group", data.groups),
    ]:
        assert data.frame[column].tolist() == values.tolist()
    assert [data.target_names[label] for label in (0, 1)] == ["real", "generated"]


def test_same_seed_same_bytes_and_a_smaller_set_is_the_beginning(data):
    again = make_generated_images(n_samples=30, image_size=96, random_state=0)
    assert again.X.tolist() == data.X[:30].tolist()
    assert again.frame.equals(data.frame[:30])
    X, y = make_generated_images(n_samples=30, image_size=96, random_state=1, return_X_y=True)
    assert not set(X) & set(again.X)
    assert y.sum() == 15


def test_files_differ_in_nothing_but_pixels(data):
    kinds = set()
    for file in data.X:
        with Image.open(io.BytesIO(file)) as image:
            assert not image.getexif()
            assert set(image.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
            tables = tuple(tuple(table) for table in image.quantization.values())
            layers = tuple(layer[1:3] for layer in image.layer)
            kinds.add((image.format, image.mode, image.size, tables, layers))
    assert len(kinds) == 1


def test_file_size_colour_and_contrast_do_not_give_the_class_away(data, pictures):
    n_bytes = np.array([len(file) for file in data.X])
    assert 0.4 < roc_auc_score(data.y, n_bytes) < 0.6
    colour = np.hstack([pictures.mean(axis=(1, 2)), pictures.std(axis=(1, 2))])
    # 240 pictures of which the class is drawn at random: two standard deviations are 0.075.
    assert cross_validated_auc(n_bytes[:, None], data.y) < 0.6
    assert cross_validated_auc(colour, data.y) < 0.6


def residual_features(pictures):
    """How the residual of neighbours is distributed and correlated, and its size by phase."""
    residuals = np.stack([laplace(picture) for picture in pictures[..., 1]])[:, 2:-2, 2:-2]
    scale = residuals.std(axis=(1, 2))
    normed = residuals / scale[:, None, None]
    shifts = [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (2, 2), (0, 4), (4, 0)]
    correlations = [(normed * np.roll(normed, s, axis=(1, 2))).mean(axis=(1, 2)) for s in shifts]
    phases = [np.abs(normed[:, a::2, b::2]).mean(axis=(1, 2)) for a in (0, 1) for b in (0, 1)]
    return np.column_stack([scale, (normed**4).mean(axis=(1, 2)), *correlations, *phases])


def test_traces_are_found_and_vanish_with_their_strength(data, pictures):
    assert cross_validated_auc(residual_features(pictures), data.y) > 0.75
    same = make_generated_images(240, image_size=96, trace_strength=0, random_state=0)
    nothing = np.stack([decode(file) for file in same.X]).astype(float)
    assert cross_validated_auc(residual_features(nothing), same.y) < 0.6
    # Reals do not know how strong the traces are; and at 0 a generated picture is its photograph.
    assert same.X[data.y == 0].tolist() == data.X[data.y == 0].tolist()


@pytest.mark.parametrize("family", GENERATORS)
def test_each_family_leaves_a_trace_of_its_own(family):
    options = {"n_samples": 80, "image_size": 64, "generators": family, "random_state": 3}
    made = make_generated_images(**options, trace_strength=1)
    assert set(made.generator) == {"", family}
    features = residual_features(np.stack([decode(f) for f in made.X]).astype(float))
    assert cross_validated_auc(features, made.y) > 0.8


def test_a_family_does_not_depend_on_its_company():
    alone = make_generated_images(12, image_size=64, generators="diffusion", random_state=5)
    pair = ["diffusion", "autoencoder"]
    together = make_generated_images(12, image_size=64, generators=pair, random_state=5)
    shared = np.flatnonzero(together.generator == "diffusion")
    assert len(shared) == 3
    assert together.X[shared].tolist() == alone.X[shared].tolist()


def test_transposed_convolution_peaks_at_nyquist_and_repeated_pixels_agree_in_cells():
    rng = np.random.default_rng(0)
    flat = np.full((32, 32, 3), 0.5, dtype=np.float32)
    picture, _ = GENERATORS["transposed_convolution"](rng, []).generate(flat, rng)
    spectrum = np.abs(np.fft.fft(picture[2:-2, 2:-2, 1].mean(axis=0)))
    assert spectrum[1:].argmax() + 1 == 14  # half of 28 pixels: period 2
    noise = rng.standard_normal((32, 32, 3)).astype(np.float32)
    picture, _ = GENERATORS["nearest_upsampling"](rng, []).generate(noise, rng)
    steps = np.abs(np.diff(picture[..., 1], axis=1))
    assert steps[:, ::2].mean() < 0.7 * steps[:, 1::2].mean()


def test_camera_noise_has_the_variance_of_its_model():
    camera = Camera.draw("c", np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for level in (0.1, 0.5):
        light = np.full((400, 400, 3), level, dtype=np.float32)
        values = camera._sense(light, rng)
        expected = camera.shot_noise * level + camera.read_noise**2
        assert values.var() == pytest.approx(expected, rel=0.02)
        assert values.mean() == pytest.approx(level, rel=0.01)


def test_demosaicing_keeps_a_plain_surface_and_the_measured_sites():
    rng = np.random.default_rng(0)
    for number in range(4):
        camera = Camera.draw("c", np.random.default_rng(number))
        colour = np.array([0.2, 0.5, 0.7], dtype=np.float32)
        sites = camera._colour_sites((16, 18))
        assert np.array_equal(sites.sum(axis=-1), np.ones((16, 18)))
        assert sites.mean(axis=(0, 1)).tolist() == [0.25, 0.5, 0.25]
        plain = camera._demosaic((sites * colour).sum(axis=-1))
        assert np.allclose(plain, colour, atol=1e-6)
        sensor = rng.random((16, 18), dtype=np.float32)
        full = camera._demosaic(sensor)
        assert np.allclose((full * sites).sum(axis=-1), sensor, atol=1e-6)


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_texture_has_the_slope_asked_for(exponent):
    noise = power_law_noise(np.random.default_rng(0), (256, 256), exponent)
    power = np.abs(np.fft.fft2(noise)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    middle = (frequency > 0.02) & (frequency < 0.5)
    slope = np.polyfit(np.log(frequency[middle]), np.log(power[middle]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.05)


def test_written_set_reads_back(tmp_path):
    options = {"n_samples": 6, "image_size": (48, 67), "random_state": 0}
    written = make_generated_images(**options, output_dir=tmp_path / "set")
    returned = make_generated_images(**options)
    assert [Path(path).read_bytes() for path in written.X] == returned.X.tolist()
    assert decode(returned.X[0]).shape == (48, 67, 3)
    assert len({os.stat(path).st_mtime for path in written.X}) == 1
    assert load_manifest(tmp_path / "set" / "manifest.csv").frame.equals(written.frame)
    with pytest.raises(FileExistsError, match="not empty"):
        make_generated_images(**options, output_dir=tmp_path / "set")


def test_photographs_come_from_what_is_installed(monkeypatch):
    # Name, not class or number, is the group: crops of one photograph belong together.
    made = make_generated_images(24, image_size=64, content="photographs", random_state=0)
    names = {f"photograph_{name}" for name in load_photographs()}
    assert set(made.groups) <= names
    assert {"photograph_china", "photograph_flower"} <= names
    monkeypatch.setattr("sklearn_ssafe.datasets.photographs.find_spec", without_scikit_image())
    load_photographs.cache_clear()
    few = make_generated_images(24, image_size=64, content="photographs", random_state=0)
    load_photographs.cache_clear()
    assert set(few.groups) == {"photograph_china", "photograph_flower"}


def without_scikit_image():
    from importlib.util import find_spec

    return lambda name: None if name == "skimage" else find_spec(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 1}, "n_samples must be an int of 2 or more; got 1"),
        ({"n_samples": 2.5}, "n_samples must be an int"),
        ({"n_real_sources": 0}, "n_real_sources must be"),
        ({"jpeg_quality": 96}, "jpeg_quality must be an int from 1 to 95"),
        ({"image_size": 8}, "image_size must be an int of 32 or more"),
        ({"image_size": (64, 64, 3)}, "one int or"),
        ({"trace_strength": 1.5}, "trace_strength must be from 0 to 1"),
        ({"content": "cats"}, "content must be 'scenes' or 'photographs'"),
        ({"generators": []}, "generators is empty"),
        ({"generators": ["diffusion_"]}, "'diffusion_'. Did you mean 'diffusion'"),
    ],
)
def test_errors_name_the_parameter(options, message):
    with pytest.raises(ValueError, match=message):
        make_generated_images(**options)


def test_package_imports_neither_pandas_nor_torch():
    code = (
        "import sys, sklearn_ssafe.datasets as d; assert 'load_manifest' in dir(d);"
        "print(sorted({'pandas', 'torch', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
