import csv
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from sklearn_ssafe import SSAFEClassifier, load_detector
from sklearn_ssafe.command_line.main import ssafe
from sklearn_ssafe.datasets import load_manifest, make_generated_images

from ..conftest import encoded, picture


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Twenty-four small pictures with their manifest, and a detector trained on them."""
    folder = tmp_path_factory.mktemp("made")
    make_generated_images(24, image_size=64, output_dir=folder / "pictures", random_state=0)
    manifest, detector = folder / "pictures" / "manifest.csv", folder / "detector"
    result = ssafe_run("fit", manifest, "-o", detector, "--keep-training-rows")
    assert result.exit_code == 0, result.output
    return folder


def ssafe_run(*arguments, **options):
    return CliRunner().invoke(ssafe, [*map(str, arguments)], **options)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# fit -------------------------------------------------------------------------------------------


def test_fit_saves_what_python_would(made, tmp_path):
    pictures = load_manifest(made / "pictures" / "manifest.csv")
    by_hand = SSAFEClassifier().fit(
        pictures.X, pictures.y, generator=pictures.generator, source=pictures.source
    )
    saved = load_detector(made / "detector")
    np.testing.assert_array_equal(
        saved.predict_proba(pictures.X), by_hand.predict_proba(pictures.X)
    )
    assert saved.training_table_.equals(by_hand.training_table_)


def test_fit_prints_what_was_found_and_what_was_left_out(made, tmp_path):
    table = pd.read_csv(made / "pictures" / "manifest.csv", keep_default_na=False)
    table["path"] = [str(made / "pictures" / path) for path in table["path"]]
    table.loc[len(table)] = {**table.iloc[0], "path": str(tmp_path / "absent.jpg")}
    table.to_csv(tmp_path / "manifest.csv", index=False)
    result = ssafe_run(
        "fit", tmp_path / "manifest.csv", "-o", tmp_path / "d", "--target-fpr", "0.05"
    )
    assert result.exit_code == 0, result.output
    assert "absent.jpg: no such file" in result.output
    assert "whole generators; real: whole real sources" in result.output
    assert "at least 59 are needed" in result.output
    for name in table["generator"].replace("", np.nan).dropna().unique():
        assert name in result.output
    assert "left out because they could not be read: 1" in (tmp_path / "d/README.md").read_text()


def test_fit_finds_out_before_it_works_that_it_cannot_save(made, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years")
    manifest = made / "pictures" / "manifest.csv"
    result = ssafe_run("fit", manifest, "-o", tmp_path / "work", "--encoder", "no such encoder")
    assert isinstance(result.exception, FileExistsError)
    result = ssafe_run("fit", manifest, "-o", made / "detector", "--encoder", "no such encoder")
    assert result.exit_code == 2
    assert "--overwrite" in result.output


# predict ---------------------------------------------------------------------------------------


def test_predict_a_folder_gives_the_scores_of_python(made, tmp_path):
    result = ssafe_run("predict", made / "detector", made / "pictures", "-o", tmp_path / "v.csv")
    assert result.exit_code == 0, result.output
    rows = rows_of(tmp_path / "v.csv")
    detector = load_detector(made / "detector")
    paths = [row["path"] for row in rows]
    assert len(paths) == 24
    assert all(os.path.exists(path) for path in paths)
    score = detector.predict_proba(paths)[:, 1]
    np.testing.assert_allclose([float(row["score"]) for row in rows], score, atol=1e-6)
    verdict = np.where(detector.predict(paths) == 1, "generated", "real")
    assert [row["verdict"] for row in rows] == verdict.tolist()
    assert {row["error"] for row in rows} == {""}


def test_every_input_has_a_row_whatever_happens(made, tmp_path):
    good = sorted((made / "pictures" / "images").iterdir())[0]
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.jpg").write_bytes(encoded(picture(0))[:-80])
    (tmp_path / "text.jpg").write_text("no picture")
    shutil.copy(good, tmp_path / 'a, "quoted"\nname.jpg')
    table = pd.DataFrame({"path": ["text.jpg", str(good), ""], "other": [1, 2, 3]})
    table.to_excel(tmp_path / "list.xlsx", index=False)
    stdin = f"{good}\n\nabsent.jpg\n"
    inputs = [
        tmp_path / "empty",
        tmp_path / "broken.jpg",
        tmp_path / 'a, "quoted"\nname.jpg',
        tmp_path / "list.xlsx",
        good,
        "-",
        "https://example.com/a.jpg",
    ]
    result = ssafe_run("predict", made / "detector", *inputs, "-o", tmp_path / "v.csv", input=stdin)
    assert result.exit_code == 3
    assert "10 rows in" in result.output
    assert "6 with an error" in result.output
    rows = rows_of(tmp_path / "v.csv")
    reasons = [
        ("empty", "there is no picture in this folder"),
        ("broken.jpg", "truncated"),
        ("name.jpg", ""),
        ("text.jpg", "is no picture"),
        (good.name, ""),
        ("", "the path is empty"),
        (good.name, ""),
        (good.name, ""),
        ("absent.jpg", "no such file"),
        ("a.jpg", "is a URL"),
    ]
    assert len(rows) == len(reasons)
    for row, (name, reason) in zip(rows, reasons, strict=True):
        assert row["path"].endswith(name)
        assert reason in row["error"]
        assert bool(row["error"]) == bool(reason)
        assert bool(row["score"]) == bool(row["verdict"]) == (not reason)


def test_a_name_that_is_no_unicode(made, tmp_path):
    good = next((made / "pictures" / "images").iterdir())
    name = os.fsdecode(b"bild\xe9.jpg")
    shutil.copy(good, tmp_path / name)
    line = os.fsencode(str(tmp_path / name))
    for _ in range(2):  # the second finds it done
        result = ssafe_run(
            "predict", made / "detector", "-", "-o", tmp_path / "v.csv", input=line + b"\n"
        )
        assert result.exit_code == 0, result.output
    (row,) = rows_of(tmp_path / "v.csv")
    assert row["path"].endswith("bild\\udce9.jpg")


def test_one_picture_on_standard_output(made):
    good = next((made / "pictures" / "images").iterdir())
    result = ssafe_run("predict", made / "detector", good)
    assert result.exit_code == 0
    header, row = result.stdout.splitlines()
    assert header == "path,score,verdict,error"
    assert row.startswith(f"{good},0.")


def test_a_rerun_does_only_what_is_missing(made, tmp_path, monkeypatch):
    whole = tmp_path / "whole.csv"
    ssafe_run("predict", made / "detector", made / "pictures", "-o", whole)
    part = tmp_path / "part.csv"
    content = whole.read_bytes()
    half = content.index(b"\n", len(content) // 2) + 1
    part.write_bytes(content[: half + 25])  # a row was being written
    n_done = len(rows_of(whole)) - content[half:].count(b"\n")
    scored = []
    original = SSAFEClassifier.predict_proba

    def counting(self, X):
        scored.extend(X)
        return original(self, X)

    monkeypatch.setattr(SSAFEClassifier, "predict_proba", counting)
    result = ssafe_run("predict", made / "detector", made / "pictures", "-o", part)
    assert result.exit_code == 0, result.output
    assert part.read_bytes() == content
    assert f"{n_done} of them from before" in result.output
    assert len(scored) == 24 - n_done + 8  # eight of them to see that it is the same detector
    result = ssafe_run("predict", made / "detector", made / "pictures", "-o", part)
    assert part.read_bytes() == content


def test_a_file_of_another_detector_or_of_something_else_is_not_continued(made, tmp_path):
    images = made / "pictures" / "images"
    other = tmp_path / "other"
    shutil.copytree(made / "detector", other)
    detector = load_detector(other)
    detector.head_.intercept_ += 0.1
    detector.save(other)
    out = tmp_path / "v.csv"
    assert ssafe_run("predict", made / "detector", images, "-o", out).exit_code == 0
    before = out.read_bytes()
    result = ssafe_run("predict", other, images, "-o", out)
    assert result.exit_code == 2
    assert "of another detector" in result.output
    assert out.read_bytes() == before
    assert ssafe_run("predict", other, images, "-o", out, "--overwrite").exit_code == 0
    assert out.read_bytes() != before
    out.write_text("name,phone\nAda,1\n")
    result = ssafe_run("predict", other, images, "-o", out)
    assert result.exit_code == 2
    assert "holds no verdicts" in result.output
    assert out.read_text() == "name,phone\nAda,1\n"


def test_ctrl_c_keeps_what_is_done(made, tmp_path):
    good = next((made / "pictures" / "images").iterdir())
    for number in range(1500):
        os.link(good, tmp_path / f"{number:04d}.jpg")
    out = tmp_path / "v.csv"
    command = [sys.executable, "-m", "sklearn_ssafe.command_line.main", "predict"]
    process = subprocess.Popen(
        [*command, made / "detector", tmp_path, "-o", out, "--quiet"],
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and not (out.exists() and out.read_bytes().count(b"\n") > 20):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command to go on" in errors
    rows = rows_of(out)
    assert 20 <= len(rows) < 1500
    assert len({row["score"] for row in rows}) == 1
    assert [row["path"] for row in rows] == [
        str(tmp_path / f"{number:04d}.jpg") for number in range(len(rows))
    ]


def test_predict_without_anything_to_predict_with(made, tmp_path):
    assert ssafe_run("predict", tmp_path, "a.jpg").exception.args[0].startswith("There is no det")
    SSAFEClassifier(encoder=None, cv=None).fit(np.eye(4), [0, 1, 0, 1]).save(tmp_path / "d")
    result = ssafe_run("predict", tmp_path / "d", "a.jpg")
    assert result.exit_code == 2
    assert "takes embeddings" in result.output


# explain ---------------------------------------------------------------------------------------


def test_explain_draws_a_picture_and_names_the_nearest(made, tmp_path):
    good = next((made / "pictures" / "images").iterdir())
    out = tmp_path / "overlay.png"
    result = ssafe_run(
        "explain", made / "detector", good, "-o", out, "--grid", "2", "--nearest", "3"
    )
    assert result.exit_code == 0, result.output
    with Image.open(out) as overlay:
        assert overlay.width == 480
    assert "by occlusion" in result.output
    lines = result.output.splitlines()
    nearest = lines[lines.index("Nearest training pictures:") + 2 :]
    assert len(nearest) == 3
    assert nearest[0].split()[0] == "1.000"  # itself
    assert str(good) in nearest[0]
    detector = load_detector(made / "detector")
    detector.training_rows_ = None
    detector.save(tmp_path / "d")
    without = ssafe_run("explain", tmp_path / "d", good, "-o", out, "--grid", "1")
    assert "keeps no training pictures" in without.output
    wrong = ssafe_run("explain", made / "detector", good, "-o", tmp_path / "a.what", "--grid", "1")
    assert wrong.exit_code == 2
    assert "a.what" in wrong.output


def test_on_the_sample_of_real_pictures(sample_data, tmp_path):
    table = pd.read_csv(sample_data / "manifest.csv")
    table["path"] = [str(sample_data / path) for path in table["path"]]
    some = table.groupby("source").head(2)
    some.to_csv(tmp_path / "manifest.csv", index=False)
    result = ssafe_run("fit", tmp_path / "manifest.csv", "-o", tmp_path / "d")
    assert result.exit_code == 0, result.output
    some[["path"]].to_csv(tmp_path / "unlabelled.csv", index=False)
    result = ssafe_run("predict", tmp_path / "d", tmp_path / "unlabelled.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == len(some) + 1
