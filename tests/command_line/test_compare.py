import json
import shutil

import numpy as np
import pandas as pd
import pytest

from sklearn_ssafe import load_detector
from sklearn_ssafe.datasets import load_manifest, make_generated_images

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
    assert "Do pictures add to your columns? AUC of columns alone" in result.output
    written = pd.read_csv(output)
    assert set(written["head"]) == {"linear", "knn"}
    assert set(written["input"]) == {
        "file properties", "table", "table + file properties",
        "efficientnet_lite0", "table + efficientnet_lite0",
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
        (["--columns", "age,label"], "--columns: 'label' is what a picture is known by"),
        (["--columns", "generator"], "--columns: 'generator' is what a picture is known by"),
        (
            ["--weights", "PE=x"],
            "give the encoder's name as in --encoder, one of efficientnet_lite0",
        ),
        (["-o", "table.txt"], "must end in .csv or .json"),
        (["--head", "svm"], "'svm' is not one of"),
    ],
)
def test_wrong_use_is_explained(made, options, message):
    result = compare(made / "uploads.xlsx", *options)
    assert result.exit_code == 2
    assert message in result.output


def test_a_row_without_a_target_and_one_without_a_picture_are_named_and_left_out(made):
    table = pd.read_csv(made / "prices.csv")
    table.loc[3, "price"] = np.nan
    table.loc[8, "path"] = "images/absent.jpg"
    table.to_csv(made / "gaps.csv", index=False)
    options = ["--head", "linear", "--columns", "age", "--target", "price", "--folds", 2]
    result = compare(made / "gaps.csv", *options)
    assert result.exit_code == 0, result.output
    # As a spreadsheet counts rows, whose first is the heading.
    assert f"row 5: {made / table['path'][3]}: no target" in result.stderr
    assert "row 10: " in result.stderr
    assert "absent.jpg: no such file" in result.stderr
    assert "2 rows were left out for all" in result.stdout
    assert "Do pictures add to your columns? R2 of columns alone" in result.stdout
    table["price"] = table["price"].astype(object)
    table.loc[4, "price"] = "dear"
    table.to_csv(made / "words.csv", index=False)
    result = compare(made / "words.csv", *options)
    assert "are no numbers, first 'dear' in row 6" in str(result.exception)
    assert "np.float64" not in str(result.exception)


@pytest.mark.parametrize("head", ["linear", "linear_svm"])
def test_the_best_candidate_is_saved_as_a_detector(made, tmp_path, head):
    options = ["--head", head, "--columns", "age,device", "--save-best", tmp_path / "d"]
    result = compare(made / "uploads.xlsx", *options, "--json")
    assert result.exit_code == 0, result.output
    best = next(c for c in json.loads(result.stdout)["candidates"] if not c["baseline"])
    assert f"{best['input']} / {head}, trained on all, is saved in" in result.stderr
    data = load_manifest(made / "uploads.xlsx")
    detector = load_detector(tmp_path / "d")
    assert detector.encoder_.encoder == "efficientnet_lite0"
    if best["input"] == "efficientnet_lite0":
        assert detector.columns is None
        score = detector.predict_proba(data.X)[:, 1]
    else:
        assert detector.columns == ["age", "device"]
        score = detector.predict_proba(data.frame)[:, 1]
    assert score[data.y == 1].mean() > score[data.y == 0].mean() + 0.2
    result = compare(made / "uploads.xlsx", *options)
    assert result.exit_code == 2
    assert "is a detector already" in result.output
    shutil.rmtree(tmp_path / "d")
    result = compare(made / "uploads.xlsx", *options, "--target", "price")
    assert "not --target" in result.output
