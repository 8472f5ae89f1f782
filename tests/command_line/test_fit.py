"""``ssafe fit``."""

import json
import shutil
import warnings

import numpy as np
import open_clip
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import (
    FrozenEncoderTransformer,
    GeneratorCurator,
    SSAFEClassifier,
    load_detector,
)
from sklearn_ssafe.datasets import load_manifest
from sklearn_ssafe.encoders.loading import free_encoders

from .. import tiny_models
from .conftest import run


def test_fit_saves_what_python_would(trained, tmp_path):
    pictures = load_manifest(trained / "pictures" / "manifest.csv")
    by_hand = SSAFEClassifier().fit(
        pictures.X, pictures.y, generator=pictures.generator, source=pictures.source
    )
    saved = load_detector(trained / "detector")
    # Rows that another test encoded in another batch may differ in the last bit.
    np.testing.assert_allclose(
        saved.predict_proba(pictures.X), by_hand.predict_proba(pictures.X), atol=1e-3
    )
    assert saved.training_table_.equals(by_hand.training_table_)


def test_fit_prints_what_was_found_and_what_was_left_out(trained, tmp_path):
    table = pd.read_csv(trained / "pictures" / "manifest.csv", keep_default_na=False)
    table["path"] = [str(trained / "pictures" / path) for path in table["path"]]
    table.loc[len(table)] = {**table.iloc[0], "path": str(tmp_path / "absent.jpg")}
    table.to_csv(tmp_path / "manifest.csv", index=False)
    result = run("fit", tmp_path / "manifest.csv", "-o", tmp_path / "d", "--target-fpr", "0.05")
    assert result.exit_code == 0, result.output
    assert "absent.jpg: no such file" in result.output
    assert "whole generators; real: whole real sources" in result.output
    assert "at least 59 are needed" in result.output
    for name in table["generator"].replace("", np.nan).dropna().unique():
        assert name in result.output
    assert "left out because they could not be read: 1" in (tmp_path / "d/README.md").read_text()


def test_fit_finds_out_before_it_works_that_it_cannot_save(trained, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years")
    manifest = trained / "pictures" / "manifest.csv"
    result = run("fit", manifest, "-o", tmp_path / "work", "--encoder", "no such encoder")
    assert isinstance(result.exception, FileExistsError)
    result = run("fit", manifest, "-o", trained / "detector", "--encoder", "no such encoder")
    assert result.exit_code == 2
    assert "--overwrite" in result.output


def test_fit_and_predict_on_the_sample_of_real_pictures(sample_data, tmp_path):
    table = pd.read_csv(sample_data / "manifest.csv")
    table["path"] = [str(sample_data / path) for path in table["path"]]
    some = table.groupby("source").head(2)
    some.to_csv(tmp_path / "manifest.csv", index=False)
    result = run("fit", tmp_path / "manifest.csv", "-o", tmp_path / "d")
    assert result.exit_code == 0, result.output
    some[["path"]].to_csv(tmp_path / "unlabelled.csv", index=False)
    result = run("predict", tmp_path / "d", tmp_path / "unlabelled.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == len(some) + 1


def test_fit_with_the_papers_preset(trained, tmp_path, monkeypatch):
    name, tiny = "PE-Core-bigG-14-448", tiny_models.TINY["tiny-pe"]
    tiny_models.register(monkeypatch, "tiny-pe")
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, tiny[0])
    tags = {"meta": {"url": "", "hf_hub": "someone/pe/", **tiny[1]}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, name, tags)
    state = tiny_models.create_full_model("tiny-pe").state_dict()
    tiny_models.save_safetensors(state, tmp_path / "pe.safetensors")
    weights = ("--preset", "paper", "--weights", tmp_path / "pe.safetensors")
    manifest = trained / "pictures" / "manifest.csv"
    result = run("fit", manifest, "-o", tmp_path / "d", *weights, "--device", "cpu")
    free_encoders()
    assert result.exit_code == 0, result.output
    settings = json.loads((tmp_path / "d" / "detector.json").read_text())
    assert settings["encoder"]["settings"]["encoder"] == name
    assert settings["encoder"]["settings"]["pretrained"] == "meta"
    assert settings["encoder"]["n_features"] == 24

    for more in (("--head", "logistic"), ("--encoder", "forensic")):
        result = run("fit", manifest, "-o", tmp_path / "e", *weights, *more)
        assert result.exit_code == 2
        assert f"--preset paper decides {more[0]}" in result.output
    for side in ("real", "generated"):
        shutil.copytree(trained / "pictures" / "images", tmp_path / "plain" / side)
    result = run("fit", tmp_path / "plain", "-o", tmp_path / "e", *weights)
    assert result.exit_code == 2
    assert "needs the column generator" in " ".join(result.output.split())


@pytest.mark.parametrize("kind", ["npz", "parquet", "folder"])
def test_fit_with_the_embeddings_that_ssafe_embed_wrote(trained, tmp_path, kind, encodings):
    manifest, rows = trained / "pictures" / "manifest.csv", tmp_path / f"rows.{kind}"
    images = trained / "pictures" / "images"
    if kind == "folder":  # of several files; paths begin at the folder
        rows.mkdir()
        for part in ("part", "again"):
            file = rows / f"{part}.parquet"
            assert run("embed", images, "-o", file).exit_code == 0
    else:
        assert run("embed", images, "-o", rows).exit_code == 0
    encodings.clear()
    result = run("fit", manifest, "-o", tmp_path / "d", "--embeddings", rows)
    assert result.exit_code == 0, result.output
    assert sum(encodings) <= 3  # those that are compared
    pictures = load_manifest(manifest)
    given, by_itself = load_detector(tmp_path / "d"), load_detector(trained / "detector")
    np.testing.assert_allclose(
        given.predict_proba(pictures.X), by_itself.predict_proba(pictures.X), atol=1e-4
    )
    pd.testing.assert_frame_equal(given.training_table_, by_itself.training_table_, atol=0.05)


def test_embeddings_of_pictures_that_have_moved_are_found_by_their_content(trained, tmp_path):
    shutil.copytree(trained / "pictures", tmp_path / "elsewhere")
    rows = tmp_path / "rows.parquet"
    assert run("embed", tmp_path / "elsewhere" / "images", "-o", rows).exit_code == 0
    shutil.rmtree(tmp_path / "elsewhere")
    manifest = trained / "pictures" / "manifest.csv"
    result = run("fit", manifest, "-o", tmp_path / "d", "--embeddings", rows)
    assert result.exit_code == 0, result.output


def test_embeddings_of_other_pictures_or_of_another_encoder_are_refused(trained, tmp_path):
    manifest = trained / "pictures" / "manifest.csv"
    rows = tmp_path / "rows.npz"
    assert run("embed", trained / "pictures" / "images", "-o", rows).exit_code == 0
    fit = ("fit", manifest, "-o", tmp_path / "d")
    result = run(*fit, "--embeddings", rows, "--encoder", "forensic")
    assert "columns, and the encoder makes" in str(result.exception)
    with np.load(rows) as archive:
        features, paths = archive["embedding"], archive["path"]
    np.savez(rows, embedding=features[::-1], path=paths)
    result = run(*fit, "--embeddings", rows)
    assert "row 0 of embeddings is not what the encoder makes of" in str(result.exception)
    (tmp_path / "rows.parquet").write_text("no table")
    result = run(*fit, "--embeddings", tmp_path / "rows.parquet")
    assert result.exit_code == 1
    assert "rows.parquet is neither, or damaged" in " ".join(result.output.split())
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("encoder", ["efficientnet_lite0", "forensic"])
def test_fit_curates_as_the_curator_in_python_does(sixty, tmp_path, encoder):
    table = pd.read_csv(sixty / "manifest.csv", keep_default_na=False)
    table["path"] = [str(sixty / path) for path in table["path"]]
    table["domain"] = np.where(np.arange(len(table)) < 30, "faces", "places")
    table.to_csv(tmp_path / "pool.csv", index=False)
    options = ("--curate", 8, "--n-generators", 2, "--encoder", encoder)
    result = run("fit", tmp_path / "pool.csv", "-o", tmp_path / "d", *options)
    assert result.exit_code == 0, result.output
    pool = load_manifest(tmp_path / "pool.csv")
    scale = StandardScaler() if encoder == "forensic" else None
    curator = GeneratorCurator(2, n_samples=8, random_state=0, encoder=scale)
    features = FrozenEncoderTransformer(encoder).fit_transform(pool.X)
    origin = {"generator": pool.generator, "source": pool.source, "domain": table["domain"]}
    curator.fit(features, pool.y, **origin)
    detector = load_detector(tmp_path / "d")
    np.testing.assert_array_equal(detector.training_indices_, curator.sample_indices_)
    for name in curator.selected_generators_:
        domain, _, generator = name.partition(" / ")
        assert f"{domain} / {generator}" in result.output
    assert f"Trained on {len(curator.sample_indices_)} pictures" in result.output


def test_what_few_pictures_say_is_marked_small(trained, tmp_path):
    table = pd.read_csv(trained / "pictures" / "manifest.csv", keep_default_na=False)
    table["path"] = [str(trained / "pictures" / path) for path in table["path"]]
    many = pd.concat([table[table["label"] == "real"]] * 4).assign(source="camera")
    table = pd.concat([table, many])
    table.loc[(table["label"] == "generated").idxmax(), "generator"] = "lonely"
    table.to_csv(tmp_path / "t.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows that stand there twice
        result = run("fit", tmp_path / "t.csv", "-o", tmp_path / "d")
    assert result.exit_code == 0, result.output
    said = (result.output, (tmp_path / "d" / "README.md").read_text().replace("\\", ""))
    for text in said:
        (lonely,) = [line for line in text.splitlines() if "lonely" in line]
        (camera,) = [line for line in text.splitlines() if " camera " in line]
        assert " 1 *" in lonely
        assert "*" not in camera
        assert "* small: fewer than 30 pictures" in text


def test_curation_on_the_command_line_needs_generators(trained, tmp_path):
    for side in ("real", "generated"):
        shutil.copytree(trained / "pictures" / "images", tmp_path / "plain" / side)
    result = run("fit", tmp_path / "plain", "-o", tmp_path / "d", "--curate", 8)
    assert result.exit_code == 2
    assert "--curate chooses among generators" in result.output


def test_fit_and_evaluate_pictures_with_columns(sixty, tmp_path):
    table = pd.read_csv(sixty / "manifest.csv", keep_default_na=False)
    table["path"] = [str(sixty / path) for path in table["path"]]
    table["age"] = np.arange(60) % 7 + 3.0 * (table["label"] == "generated")
    table["device"] = np.where(np.arange(60) % 2, "phone", "desktop")
    table.to_excel(tmp_path / "uploads.xlsx", index=False)
    options = ("-o", tmp_path / "d", "--folds", 2)
    result = run("fit", tmp_path / "uploads.xlsx", *options, "--columns", "age, device")
    assert result.exit_code == 0, result.output
    detector = load_detector(tmp_path / "d")
    assert detector.column_kinds_ == {"age": "number", "device": "words"}
    table["label"] = (table["label"] == "generated").astype(int)
    by_hand = SSAFEClassifier(columns=["age", "device"], cv=None).fit(table, table["label"])
    np.testing.assert_allclose(
        detector.predict_proba(table), by_hand.predict_proba(table), atol=1e-6
    )
    page = tmp_path / "page.html"
    evaluate = ("evaluate", tmp_path / "d", tmp_path / "uploads.xlsx", "--no-audit")
    result = run(*evaluate, "-o", page)
    assert result.exit_code == 0, result.output
    assert page.stat().st_size > 10_000
    result = run(*evaluate, "--robustness", "jpeg", "--json")  # of pictures; columns stay
    assert result.exit_code == 0, result.output
    changed = json.loads(result.stdout)["robustness"]["rows"]
    assert {row["perturbation"] for row in changed} == {"none", "jpeg"}
    result = run("evaluate", tmp_path / "d", sixty / "manifest.csv", "--no-audit")
    assert "the table has no column 'age'" in str(result.exception)
    result = run("fit", tmp_path / "uploads.xlsx", "-o", tmp_path / "e", "--columns", "wealth")
    assert "--columns: there is no column 'wealth'" in result.output
    result = run("fit", tmp_path / "uploads.xlsx", "-o", tmp_path / "e", "--columns", "source")
    assert result.exit_code == 2
    assert "--columns: 'source' is what a picture is known by" in result.output


def test_fit_on_changed_copies(trained, tmp_path):
    manifest = trained / "pictures" / "manifest.csv"
    pictures = load_manifest(manifest)
    changes = ("--augment", "jpeg=80,45", "--augment", "resize_bicubic=0.6")
    result = run("fit", manifest, "-o", tmp_path / "d", *changes)
    assert result.exit_code == 0, result.output
    by_hand = SSAFEClassifier(augment={"jpeg": [80, 45], "resize_bicubic": 0.6}).fit(
        pictures.X, pictures.y, generator=pictures.generator, source=pictures.source
    )
    saved = load_detector(tmp_path / "d")
    assert saved.augment == [("jpeg", 80), ("jpeg", 45), ("resize_bicubic", 0.6)]
    # Rows that another test encoded in another batch may differ in the last bit.
    np.testing.assert_allclose(
        saved.predict_proba(pictures.X), by_hand.predict_proba(pictures.X), atol=1e-3
    )
    assert saved.training_table_.equals(by_hand.training_table_)

    result = run("fit", manifest, "-o", tmp_path / "e", "--augment", "jpeg")
    assert result.exit_code == 2
    assert "'jpeg' is not NAME=STRENGTHS, such as jpeg=80,45" in result.output
    result = run("fit", manifest, "-o", tmp_path / "e", "--augment", "jpg=80")
    assert "Did you mean 'jpeg'" in str(result.exception or result.output)
