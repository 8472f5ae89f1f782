import json

import numpy as np
import pandas as pd
import pytest

from sklearn_ssafe.datasets import make_generated_images

from .conftest import run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Thirty-two small pictures, as an Excel file with columns of its own."""
    folder = tmp_path_factory.mktemp("made") / "pictures"
    data = make_generated_images(32, image_size=48, output_dir=folder, random_state=0)
    table = pd.read_csv(folder / "manifest.csv")
    rng = np.random.default_rng(0)
    table["age"] = rng.normal(size=32) + data.y
    table["device"] = rng.choice(["phone", "desktop"], 32)
    table["price"] = rng.normal(size=32) + 3 * table["age"]
    table.to_excel(folder / "uploads.xlsx", index=False)
    table.drop(columns=["label", "generator"]).to_csv(folder / "prices.csv", index=False)
    return folder


def compare(*arguments):
    return run("compare", *arguments)


def test_an_excel_file_with_columns(made, tmp_path):
    output = tmp_path / "candidates.csv"
    options = ["--head", "linear", "--head", "knn", "--columns", "age, device", "-o", output]
    result = compare(made / "uploads.xlsx", *options)
    assert result.exit_code == 0, result.output
    assert "Best with pictures" in result.output
    written = pd.read_csv(output)
    assert set(written["head"]) == {"linear", "knn"}
    assert set(written["input"]) == {
        "file properties", "table", "table + file properties", "forensic", "table + forensic",
    }  # fmt: skip


def test_numbers_as_target(made):
    options = ["--head", "linear", "--columns", "age", "--target", "price", "--json"]
    result = compare(made / "prices.csv", *options)
    assert result.exit_code == 0, result.output
    best = json.loads(result.output)["candidates"][0]
    assert best["input"].startswith("table")
    assert best["r2"] > 0.5


def test_an_encoder_with_its_weights(made, tmp_path):
    output = tmp_path / "all.json"
    options = ["--encoder", "ViT-B-32:openai", "--weights", "ViT-B-32:openai=random"]
    result = compare(made / "uploads.xlsx", *options, "--head", "knn", "--folds", 2, "-o", output)
    assert result.exit_code == 0, result.output
    loaded = json.loads(output.read_text())
    assert list(loaded["settings"]["encode_seconds"]) == ["ViT-B-32:openai"]
    assert {fold["fold"] for fold in loaded["folds"]} == {0, 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "age,colour"], "there is no column 'colour'"),
        (["--weights", "PE=x"], "give the encoder's name as in --encoder, one of forensic"),
        (["-o", "table.txt"], "must end in .csv or .json"),
        (["--head", "svm"], "'svm' is not one of"),
    ],
)
def test_wrong_use_is_explained(made, options, message):
    result = compare(made / "uploads.xlsx", *options)
    assert result.exit_code == 2
    assert message in result.output
