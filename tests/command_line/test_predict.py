"""``ssafe predict``."""

import json
import os
import shutil
import signal
import sys
import threading

import numpy as np
import pandas as pd
import pytest

from sklearn_ssafe import SSAFEClassifier, load_detector
from sklearn_ssafe.command_line.main import main

from ..conftest import encoded, picture
from .conftest import rows_of, run


def test_predict_a_folder_gives_the_scores_of_python(trained, tmp_path):
    result = run("predict", trained / "detector", trained / "pictures", "-o", tmp_path / "v.csv")
    assert result.exit_code == 0, result.output
    rows = rows_of(tmp_path / "v.csv")
    detector = load_detector(trained / "detector")
    paths = [row["path"] for row in rows]
    assert len(paths) == 24
    assert all(os.path.exists(path) for path in paths)
    score = detector.predict_proba(paths)[:, 1]
    np.testing.assert_allclose([float(row["score"]) for row in rows], score, atol=1e-6)
    verdict = np.where(detector.predict(paths) == 1, "generated", "real")
    assert [row["verdict"] for row in rows] == verdict.tolist()
    assert {row["error"] for row in rows} == {""}


def test_a_file_without_any_verdict_is_gone_on_with(trained, tmp_path):
    (tmp_path / "broken.jpg").write_text("no picture")
    out = tmp_path / "v.csv"
    for _ in range(2):
        result = run("predict", trained / "detector", tmp_path / "broken.jpg", "-o", out)
        assert result.exit_code == 1
        assert "Not one picture could be judged" in result.output
    good = sorted((trained / "pictures" / "images").iterdir())[0]
    assert run("predict", trained / "detector", good, "-o", out).exit_code in (0, 3)
    assert [bool(row["verdict"]) for row in rows_of(out)] == [False, True]


def test_every_input_has_a_row_whatever_happens(trained, tmp_path):
    good = sorted((trained / "pictures" / "images").iterdir())[0]
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
    result = run("predict", trained / "detector", *inputs, "-o", tmp_path / "v.csv", input=stdin)
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


def test_a_name_that_is_no_unicode(trained, tmp_path):
    good = next((trained / "pictures" / "images").iterdir())
    name = os.fsdecode(b"bild\xe9.jpg")
    shutil.copy(good, tmp_path / name)
    line = os.fsencode(str(tmp_path / name))
    for _ in range(2):  # the second finds it done
        result = run(
            "predict", trained / "detector", "-", "-o", tmp_path / "v.csv", input=line + b"\n"
        )
        assert result.exit_code == 0, result.output
    (row,) = rows_of(tmp_path / "v.csv")
    assert row["path"].endswith("bild\\udce9.jpg")


def test_one_picture_on_standard_output(trained):
    good = next((trained / "pictures" / "images").iterdir())
    result = run("predict", trained / "detector", good)
    assert result.exit_code == 0
    header, row = result.stdout.splitlines()
    assert header == "path,score,threshold,verdict,error"
    assert row.startswith(f"{good},0.")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes as Unix has them")
def test_a_pipe_as_output_is_written_and_not_waited_for(trained, tmp_path):
    good, pipe = next((trained / "pictures" / "images").iterdir()), tmp_path / "pipe"
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text("utf-8-sig")), daemon=True)
    reader.start()
    result = run("predict", trained / "detector", good, "-o", pipe)
    assert result.exit_code == 0, result.output
    reader.join(20)
    header, row = found[0].splitlines()
    assert header == "path,score,threshold,verdict,error"
    assert row.startswith(f"{good},0.")
    result = run("predict", trained / "detector", good, "-o", pipe, "--html", tmp_path / "v.html")
    assert result.exit_code == 2
    assert "--html shows the rows of --output" in result.output


def test_a_rerun_does_only_what_is_missing(trained, tmp_path, monkeypatch):
    whole = tmp_path / "whole.csv"
    run("predict", trained / "detector", trained / "pictures", "-o", whole)
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
    result = run("predict", trained / "detector", trained / "pictures", "-o", part)
    assert result.exit_code == 0, result.output
    done, wanted = pd.read_csv(part), pd.read_csv(whole)
    # In another batch a picture's score may end in another digit.
    pd.testing.assert_frame_equal(done, wanted, rtol=0, atol=2e-6)
    assert f"{n_done} of them from before" in result.output
    assert len(scored) == 24 - n_done + 8  # eight of them to see that it is the same detector
    result = run("predict", trained / "detector", trained / "pictures", "-o", part)
    # In another batch a picture's score may end in another digit.
    pd.testing.assert_frame_equal(pd.read_csv(part), pd.read_csv(whole), rtol=0, atol=2e-6)


def test_a_file_of_another_detector_or_of_something_else_is_not_continued(trained, tmp_path):
    images = trained / "pictures" / "images"
    other = tmp_path / "other"
    shutil.copytree(trained / "detector", other)
    detector = load_detector(other)
    detector.head_.intercept_ += 0.1
    detector.save(other)
    out = tmp_path / "v.csv"
    assert run("predict", trained / "detector", images, "-o", out).exit_code == 0
    before = out.read_bytes()
    result = run("predict", other, images, "-o", out)
    assert result.exit_code == 2
    assert "of another detector" in result.output
    assert out.read_bytes() == before
    assert run("predict", other, images, "-o", out, "--overwrite").exit_code == 0
    assert out.read_bytes() != before
    out.write_text("name,phone\nAda,1\n")
    result = run("predict", other, images, "-o", out)
    assert result.exit_code == 2
    assert "holds no verdicts" in result.output
    assert out.read_text() == "name,phone\nAda,1\n"


def test_ctrl_c_keeps_what_is_done(trained, tmp_path, monkeypatch, capsys):
    good = next((trained / "pictures" / "images").iterdir())
    for number in range(200):
        os.link(good, tmp_path / f"{number:04d}.jpg")
    out = tmp_path / "v.csv"
    n_calls = 0
    original = SSAFEClassifier.predict_proba

    def interrupted(self, X):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            signal.raise_signal(signal.SIGINT)
        return original(self, X)

    monkeypatch.setattr(SSAFEClassifier, "predict_proba", interrupted)
    command = ["ssafe", "predict", trained / "detector", tmp_path, "-o", out, "--quiet"]
    monkeypatch.setattr(sys, "argv", [*map(str, command)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 130
    assert "Run the same command to go on" in capsys.readouterr().err
    rows = rows_of(out)
    assert 0 < len(rows) < 200
    assert len({row["score"] for row in rows}) == 1
    assert [row["path"] for row in rows] == [
        str(tmp_path / f"{number:04d}.jpg") for number in range(len(rows))
    ]
    again = run("predict", trained / "detector", tmp_path, "-o", out, "--quiet")
    assert f"200 rows in {out}, {len(rows)} of them from before" in again.output


def test_predict_without_anything_to_predict_with(trained, tmp_path):
    assert run("predict", tmp_path, "a.jpg").exception.args[0].startswith("There is no det")
    SSAFEClassifier(encoder=None, cv=None).fit(np.eye(4), [0, 1, 0, 1]).save(tmp_path / "d")
    result = run("predict", tmp_path / "d", "a.jpg")
    assert result.exit_code == 2
    assert "takes embeddings" in result.output


def test_a_page_to_look_through_the_verdicts(trained, tmp_path):
    pictures = tmp_path / "some"
    pictures.mkdir()
    for file in sorted((trained / "pictures").rglob("*.jpg"))[:3]:
        (pictures / file.name).write_bytes(file.read_bytes())
    (pictures / "broken.jpg").write_bytes(b"no picture")
    page, table = tmp_path / "v.html", tmp_path / "v.csv"
    how = ["predict", trained / "detector", pictures, "--html", page, "--thumbnail-folder"]
    assert run(*how).exit_code == 2  # no table
    for _ in range(2):  # the second run finds all rows there
        assert run(*how, "-o", table).exit_code == 3
        text = page.read_text()
        facts = json.loads(text.partition('id="pictures">')[2].partition("</script>")[0])
        rows = rows_of(table)
        assert facts["score"] == [float(row["score"]) if row["score"] else None for row in rows]
        verdicts = [facts["verdicts"][place] for place in facts["verdict"]]
        assert verdicts == [row["verdict"] for row in rows]
        assert list(facts["reason"].values()) == [row["error"] for row in rows if row["error"]]
        assert facts["folder"] == "v_thumbnails"
        assert len(list((tmp_path / "v_thumbnails").iterdir())) == 3
        page.unlink()
    assert run("predict", trained / "detector", pictures, "--thumbnail-folder").exit_code == 2


def test_predict_judges_a_table_of_pictures_and_columns(sixty, tmp_path):
    table = pd.read_csv(sixty / "manifest.csv", keep_default_na=False)
    table["path"] = [str(sixty / path) for path in table["path"]]
    table["age"] = np.arange(60) % 7 + 3.0 * (table["label"] == "generated")
    table["device"] = np.where(np.arange(60) % 2, "phone", "desktop")
    y = (table["label"] == "generated").astype(int)
    detector = SSAFEClassifier(columns=["age", "device"], cv=None).fit(table, y)
    detector.save(tmp_path / "d")
    asked = table[["path", "device", "age"]].copy()
    asked.loc[60] = [str(tmp_path / "absent.jpg"), "phone", 3.0]
    asked.loc[61] = [asked["path"][0], "phone", 20.0]  # the first picture, with other columns
    asked.to_excel(tmp_path / "asked.xlsx", index=False)
    predict = ("predict", tmp_path / "d", tmp_path / "asked.xlsx", "-o", tmp_path / "v.csv")
    for number in range(2):  # nothing is left to do the second time
        result = run(*predict)
        assert result.exit_code == 3, result.output
        assert ("62 of them from before" in result.output) == bool(number)
    rows = rows_of(tmp_path / "v.csv")
    good = [row for row in range(62) if row != 60]
    expected = detector.predict_proba(asked.iloc[good])[:, 1]
    np.testing.assert_allclose([float(rows[row]["score"]) for row in good], expected, atol=1e-5)
    assert rows[0]["score"] != rows[61]["score"]
    assert "no such file" in rows[60]["error"]

    result = run("predict", tmp_path / "d", sixty / "images")
    assert result.exit_code == 1
    assert "this detector judges a table with path, age, device" in result.output
    result = run("predict", tmp_path / "d", sixty / "manifest.csv")
    assert "no column 'age', which the detector judges together" in str(result.exception)


def test_unsure_is_a_verdict(trained, tmp_path):
    manifest, detector = trained / "pictures" / "manifest.csv", tmp_path / "d"
    rates = ("--abstain", "fpr=0.4", "--abstain", "fnr=0.4", "--abstain", "stability")
    result = run("fit", manifest, "-o", detector, *rates)
    assert result.exit_code == 0, result.output
    assert "between them unsure" in result.output
    assert "(the small ones together)" in result.output
    loaded = load_detector(detector)
    assert loaded.abstain == {"fpr": 0.4, "fnr": 0.4, "stability": True}
    out = tmp_path / "v.csv"
    for _ in range(2):  # the second finds all of it done
        assert run("predict", detector, trained / "pictures", "-o", out).exit_code == 0
    rows = rows_of(out)
    paths = [row["path"] for row in rows]
    # The limits are scores of some of these pictures, and rounding differs from batch to batch.
    limits = [loaded.verdict_rule_.generated_from, loaded.verdict_rule_.real_below]
    score = loaded.predict_proba(paths)[:, 1]
    clear = np.abs(score[:, None] - limits).min(axis=1) > 1e-5
    same = loaded.predict_verdict(paths) == [row["verdict"] for row in rows]
    assert same[clear].all()
    assert clear.sum() > 12
    assert {row["verdict"] for row in rows} >= {"unsure"}
    one = rows[np.flatnonzero(clear)[0]]
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    result = run("predict", detector, bad, one["path"], "-o", tmp_path / "two.csv")
    assert result.exit_code == 3
    first, second = rows_of(tmp_path / "two.csv")
    assert first["verdict"] == ""
    assert first["error"]
    assert second["verdict"] == one["verdict"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fpr=0.1"], "give both"),
        (["often"], "give a share"),
        (["2"], "give a share"),
        (["tpr=0.1"], "give a share"),
    ],
)
def test_what_abstain_cannot_be(trained, tmp_path, words, message):
    options = [text for word in words for text in ("--abstain", word)]
    result = run("fit", trained / "pictures" / "manifest.csv", "-o", tmp_path / "d", *options)
    assert result.exit_code == 2
    assert message in result.output


def test_what_a_file_claims_stands_beside_its_verdict(trained, tmp_path):
    pytest.importorskip("c2pa")
    from ..images.signing import certificate, pem, sign

    authority = certificate("Authority of tests")
    signer = certificate("=Daily Test", authority)
    good = sorted((trained / "pictures" / "images").iterdir())[0]
    (tmp_path / "a.jpg").write_bytes(good.read_bytes())
    (tmp_path / "b.jpg").write_bytes(sign(good.read_bytes(), "image/jpeg", authority, signer))
    (tmp_path / "c.jpg").write_text("no picture")
    (tmp_path / "anchors.pem").write_text(pem(authority))
    out = tmp_path / "v.csv"
    pictures = [tmp_path / f"{name}.jpg" for name in "abc"]
    command = ["predict", trained / "detector", *pictures, "-o", out]
    marks = ["--provenance", "--trust-anchors", tmp_path / "anchors.pem"]
    assert run(*command, *marks).exit_code == 3
    rows = rows_of(out)
    assert [row["provenance"] for row in rows] == [
        "nothing found, which says nothing",
        "signed by =Daily Test: generated",
        "",
    ]
    # The same pixels, the same score: a mark is no feature.
    assert rows[0]["score"] == rows[1]["score"]
    before = out.read_bytes()
    assert run(*command, *marks).exit_code == 3
    assert out.read_bytes() == before
    without = run(*command)
    assert without.exit_code == 2
    assert "begun with --provenance" in without.output
    page = tmp_path / "v.html"
    assert run(*command, *marks, "--html", page).exit_code == 3
    assert page.is_file()
    run("predict", trained / "detector", pictures[0], "-o", tmp_path / "w.csv")
    again = run("predict", trained / "detector", pictures[0], "-o", tmp_path / "w.csv", marks[0])
    assert "begun without --provenance" in again.output
    assert run(*command, *marks[1:]).exit_code == 2
