"""``ssafe demo``."""

import shutil

import pandas as pd
import pytest

from sklearn_ssafe.datasets import make_generated_images

from ..conftest import encoded, picture
from .conftest import run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Forty-eight small pictures with their manifest."""
    folder = tmp_path_factory.mktemp("made") / "pictures"
    make_generated_images(48, image_size=64, output_dir=folder, random_state=0)
    return folder


def demo(*arguments):
    return run("demo", "--quiet", *arguments)


def test_demo_on_a_manifest_prints_a_row_for_every_generator_and_source(made):
    result = demo(made / "manifest.csv")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(made / "manifest.csv", keep_default_na=False)
    for row in table.itertuples():
        assert (row.generator or row.source) in result.output
    assert "24 real and 24 generated pictures" in result.output
    assert "whole generators; real: whole real sources" in result.output


@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_demo_reads_excel_and_parquet(made, tmp_path, suffix):
    table = pd.read_csv(made / "manifest.csv")
    table["path"] = [str(made / path) for path in table["path"]]
    path = tmp_path / f"table.{suffix}"
    table.to_excel(path, index=False) if suffix == "xlsx" else table.to_parquet(path)
    result = demo(path)
    assert result.exit_code == 0, result.output
    assert "24 real and 24 generated pictures" in result.output


def test_demo_on_a_folder_names_what_it_could_not_read(made, tmp_path):
    table = pd.read_csv(made / "manifest.csv", keep_default_na=False)
    for row in table.itertuples():
        side = (
            f"generated/{row.generator}" if row.label in (1, "generated") else f"real/{row.source}"
        )
        (tmp_path / side).mkdir(parents=True, exist_ok=True)
        shutil.copy(made / row.path, tmp_path / side)
    (tmp_path / "real" / "camera_0" / "broken.jpg").write_bytes(encoded(picture(0))[:-60])
    (tmp_path / "real" / "notes.txt").write_text("not a picture, and not looked at")
    result = demo(tmp_path)
    assert result.exit_code == 0, result.output
    assert "Left out: 1" in result.output
    assert "broken.jpg" in result.output
    assert "notes.txt" not in result.output
    assert "24 real and 24 generated pictures" in result.output


def test_few_pictures_are_called_few(made):
    result = demo(made / "manifest.csv")
    assert "Only 24 real pictures from 4 source(s)" in result.output


def test_an_encoder_can_be_named(made):
    arguments = ["--encoder", "ViT-B-32", "--pretrained", "openai"]
    result = demo(made / "manifest.csv", *arguments, "--weights", "random")
    assert result.exit_code == 0, result.output
    assert "512 features" in result.output


def test_demo_on_the_sample_of_real_pictures(sample_data):
    result = demo(sample_data / "manifest.csv")
    assert result.exit_code == 0, result.output
    assert "36 real and 102 generated pictures" in result.output
    assert "Left out" not in result.output
