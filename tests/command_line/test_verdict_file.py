"""The CSV file of verdicts: cut anywhere, read by anybody."""

import io
import os
import shutil
import sys
import warnings

import openpyxl
import pandas as pd
import pytest

from sklearn_ssafe.command_line.inputs import list_inputs
from sklearn_ssafe.command_line.verdict_file import COLUMNS, VerdictFile
from sklearn_ssafe.datasets.manifest import manifest_paths

from ..conftest import encoded, picture
from .conftest import rows_of, run

NAMES = [
    "plain.jpg",
    "=1+1.jpg",
    "+a.jpg",
    "-a.jpg",
    "@a.jpg",
    "'=a.jpg",
    "~a.jpg",
    "a\rb.jpg",
    "a\nb.jpg",
    'say "x", y.jpg',
    '"',
    " a.jpg ",
    "\t.jpg",
    "NA",
    "null",
    "007",
    "1.5",
    "bild\udce9.jpg",
    "bild\\udce9.jpg",
    "back\\slash.jpg",
    "\\x5cudce9",
    "写真.jpg",
    "\u202egpj.exe",
    "a;b\tc.jpg",
]


def rows(paths, error=""):
    return [
        {"path": path, "score": "0.25", "threshold": "0.5", "verdict": "real", "error": error}
        for path in paths
    ]


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """A folder of strange names, which is the working folder, beside an empty one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "pictures").mkdir()
    for name in NAMES:
        (tmp_path / "pictures" / name).write_bytes(b"x")
    return tmp_path


def same_files(found):
    return [os.path.basename(path) for path in found if os.path.samefile(path, path)]


@pytest.mark.parametrize("output", ["v.csv", "sub/v.csv", "pictures/v.csv"])
@pytest.mark.parametrize("absolute", [False, True])
def test_every_reader_has_the_same_rows(strange, output, absolute):
    folder = strange / "pictures" if absolute else "pictures"
    given = [os.path.join(folder, name) for name in NAMES]
    with VerdictFile(strange / output, overwrite=False) as file:
        file.write(rows(given, error="=cmd()"))
    assert same_files(manifest_paths(output)) == NAMES
    assert [given.path for given in list_inputs([output])] == manifest_paths(output)
    table = pd.read_csv(output)
    assert table.columns.tolist() == COLUMNS
    assert len(table) == len(NAMES)
    assert set(table["threshold"]) == {0.5}
    assert not table["path"].isna().any()
    plain = [name for name in NAMES if "\udce9" not in name and not name.startswith("\\x5c")]
    plain = [name for name in plain if name != "bild\\udce9.jpg"]
    base = os.path.dirname(strange / output)
    there = [
        os.path.basename(path) for path in table["path"] if os.path.exists(os.path.join(base, path))
    ]
    assert [name for name in there if name in plain] == plain  # pandas' rows lead to the files
    for row in rows_of(output):
        assert row["error"] == "'=cmd()"
        assert row["path"][:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert (strange / output).read_bytes().startswith(b"\xef\xbb\xbfpath,")  # for Excel


def test_a_file_cut_at_any_place_goes_on(strange):
    given = [os.path.join("pictures", name) for name in NAMES]
    whole = strange / "whole.csv"
    with VerdictFile(whole, overwrite=False) as file:
        file.write(rows(given, error='no "picture",\r\nsays Pillow'))
    content = whole.read_bytes()
    part = strange / "part.csv"
    n_before = []
    for length in range(len(content) + 1):
        part.write_bytes(content[:length])
        with VerdictFile(part, overwrite=False) as file:
            n_before.append(len(file.done))
            assert file.cells == [file.cell(path) for path in given[: len(file.done)]]
            assert [
                os.path.samefile(row["path"], path)
                for row, path in zip(file.done, given, strict=False)
            ] == [True] * len(file.done)
            file.write(rows(given[len(file.done) :], error='no "picture",\r\nsays Pillow'))
        assert part.read_bytes() == content
    assert n_before == sorted(n_before)
    assert set(n_before) == set(range(len(NAMES) + 1))


def test_excel_sees_text_and_no_formula(strange):
    with VerdictFile(strange / "v.csv", overwrite=False) as file:
        file.write(rows([os.path.join("pictures", NAMES[1])], error="@SUM(A1)"))
    # As a spreadsheet program reads it: what begins with a sign is a formula.
    book = openpyxl.Workbook()
    for row in pd.read_csv("v.csv", header=None, dtype=str).itertuples(index=False):
        book.active.append(list(row))
    assert {cell.data_type for row in book.active.iter_rows() for cell in row} == {"s"}


def test_a_terminal_is_not_steered(monkeypatch):
    for watched, shown in ((True, r"a\x1b[2J\u202e.jpg"), (False, "a\x1b[2J\u202e.jpg")):
        monkeypatch.setattr("sys.stdout", io.StringIO())
        monkeypatch.setattr("sys.stdout.isatty", lambda watched=watched: watched)
        with VerdictFile(None, overwrite=False) as file:
            file.write(rows(["a\x1b[2J\u202e.jpg"]))
        assert sys.stdout.getvalue().splitlines()[1] == f"{shown},0.25,0.5,real,"


def test_verdicts_are_a_table_for_the_next_command(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained / "pictures" / "images", tmp_path / "pictures")
    for folder in ("sub", "other"):
        (tmp_path / folder).mkdir()
    detector = trained / "detector"
    assert run("predict", detector, "pictures", "-o", "sub/v.csv").exit_code == 0
    result = run("predict", detector, "sub/v.csv", "-o", "other/v.csv")
    assert result.exit_code == 0, result.output
    first, second = rows_of("sub/v.csv"), rows_of("other/v.csv")
    assert first == second
    assert len(first) == 24
    assert first[0]["path"].startswith("../pictures/")
    assert {float(row["threshold"]) for row in first} == {0.5}
    monkeypatch.chdir(tmp_path / "other")  # the same command from elsewhere finds all done
    result = run("predict", detector, "../pictures", "-o", "../sub/v.csv")
    assert "24 of them from before" in result.output


def test_exit_codes_and_sentences(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    detector = trained / "detector"
    result = run("predict", detector, "-", input="\n \n")
    assert result.exit_code == 1
    assert "There is nothing to do: standard input names no picture." in result.output
    result = run("predict", detector, "a.jpg", "-o", "nowhere/v.csv")
    assert result.exit_code == 2
    assert "there is no folder nowhere" in result.output
    (tmp_path / "t.csv").write_text("path\n")
    assert run("predict", detector, "t.csv").exit_code == 1
    (tmp_path / "empty").mkdir()
    result = run("predict", detector, "empty", "absent.jpg", "-o", "v.csv")
    assert result.exit_code == 1
    assert "Not one picture could be judged" in result.output
    assert [row["error"] for row in rows_of("v.csv")] == [
        "there is no picture in this folder",
        "no such file",
    ]
    (tmp_path / "a.jpg").write_bytes(encoded(picture(0)))
    assert run("predict", detector, "a.jpg", "absent.jpg", "-o", "w.csv").exit_code == 3
    assert run("predict", detector, "a.jpg", "-o", "x.csv").exit_code == 0
    # Rows of other pictures that are there from before do not count.
    assert run("predict", detector, "a.jpg", "-o", "w.csv").exit_code == 0
    (tmp_path / "twice.csv").write_text("path,n\na.jpg,1\na.jpg,2\n,3\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run("predict", detector, "twice.csv", "-o", "y.csv")
    assert result.exit_code == 3
    assert [row["error"] for row in rows_of("y.csv")] == ["", "", "the path is empty"]


def test_names_between_zero_bytes_may_hold_line_ends(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a\nb.jpg").write_bytes(encoded(picture(0)))
    result = run("predict", trained / "detector", "-", "-o", "v.csv", input="a\nb.jpg\0")
    assert result.exit_code == 0, result.output
    (tmp_path / "c\rd.jpg").write_bytes(encoded(picture(0)))
    result = run("predict", trained / "detector", "-", "-o", "w.csv", input="c\rd.jpg\r\n")
    assert result.exit_code == 0, result.output
    assert [row["path"] for row in rows_of("w.csv")] == ["c\rd.jpg"]
