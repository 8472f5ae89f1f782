"""Tables out: what is written is read back, by this package and by pandas."""

import os
import random

import numpy as np
import pandas as pd
import pytest

from sklearn_ssafe.datasets import load_manifest
from sklearn_ssafe.datasets.table_out import (
    name_cell,
    name_of_cell,
    path_cell,
    path_of_cell,
    write_table,
)

PIECES = [
    *("a", ".jpg", "=", "+", "-", "@", "'", '"', ",", ";", "\t", "\r", "\n", " ", "~", "NA", "1.5"),
    *("\\", "x5c", "udce9", "\udce9", "\\udce9", "写", "\u202e"),
]


def random_name(rng):
    return "".join(rng.choices(PIECES, k=rng.randint(1, 6)))


def test_each_path_has_a_cell_of_its_own():
    rng = random.Random(0)
    paths = {random_name(rng) for _ in range(20_000)}
    cells = {path_cell(path, ".") for path in paths}
    assert len(cells) == len(paths)
    assert not [cell for cell in cells if cell[0] in "=+-@~'\t\r\n "]


def test_files_of_any_name_are_found_again(tmp_path):
    rng = random.Random(1)
    names = {random_name(rng) for _ in range(300)}
    (tmp_path / "deeper").mkdir()
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    for name in names:
        for folder in (tmp_path, tmp_path.parent, tmp_path / "deeper"):
            found = path_of_cell(path_cell(str(tmp_path / name), folder), folder)
            assert os.path.normpath(found) == str(tmp_path / name)


def test_names_are_read_as_they_were_written():
    rng = random.Random(2)
    for _ in range(2000):
        name = random_name(rng).replace("\udce9", "")
        assert name_of_cell(name_cell(name)) == name
        assert name_cell(name)[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")


def test_a_table_is_read_back_to_the_same_rows(tmp_path):
    names = ["=1+1", "+a", "-5", "@x", "'=a", "'a", "''-", "0001", "NA", 'a "b", c', "a\nb", "a\rb"]
    table = pd.DataFrame(
        {
            "path": [str(tmp_path / "pictures" / f"{name.strip()}.jpg") for name in names],
            "label": [0, 1] * 6,
            "generator": names,
            "source": names[::-1],
            "share": np.where(np.arange(12) % 3, np.arange(12) / 7, np.nan),
            "=code": ["007", None, *names[2:]],
        }
    )
    write_table(table, tmp_path / "m.csv")
    data = load_manifest(tmp_path / "m.csv")
    assert data.X.tolist() == table["path"].tolist()
    assert data.generator.tolist() == names
    assert data.source.tolist() == names[::-1]
    np.testing.assert_array_equal(data.frame["share"], table["share"])
    assert data.frame["=code"].tolist()[2:] == names[2:]
    assert data.frame["=code"].isna().tolist() == [False, True] + [False] * 10
    again = pd.read_csv(tmp_path / "m.csv", dtype=str, keep_default_na=False)
    assert again["generator"].map(name_of_cell).tolist() == names
    assert again["path"].tolist()[7] == "pictures/0001.jpg"
    pd.testing.assert_series_equal(pd.read_csv(tmp_path / "m.csv")["share"], table["share"])


def test_what_people_write_in_tables(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "a.jpg").write_bytes(b"x")
    (tmp_path / "~odd.jpg").write_bytes(b"x")
    (tmp_path / "b.jpg").write_bytes(b"x")
    (tmp_path / " c .jpg ").write_bytes(b"x")
    read = {cell: path_of_cell(cell, tmp_path) for cell in ("~/a.jpg", "~odd.jpg", " b.jpg ")}
    assert read["~/a.jpg"] == str(tmp_path / "home" / "a.jpg")
    assert read["~odd.jpg"] == str(tmp_path / "~odd.jpg")
    assert read[" b.jpg "] == str(tmp_path / "b.jpg")
    assert path_of_cell(" c .jpg ", tmp_path) == str(tmp_path / " c .jpg ")
    assert path_of_cell(r"sub\b.jpg", tmp_path) == str(tmp_path / "sub" / "b.jpg")
    for url in ("https://example.org/a b.jpg", "file:///a.jpg"):
        assert path_cell(url, tmp_path) == path_of_cell(url, tmp_path) == url
    assert path_cell("", tmp_path) == path_of_cell("  ", tmp_path) == ""


@pytest.mark.parametrize("linked", ["folder", "pictures"])
def test_folders_that_are_links(tmp_path, monkeypatch, linked):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "far" / "away" / "real").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    (tmp_path / linked).symlink_to(tmp_path / "far" / "away" / "real")
    (tmp_path / ("pictures" if linked == "folder" else "folder")).mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(b"x")
    cell = path_cell("pictures/a.jpg", "folder")
    assert os.path.samefile(path_of_cell(cell, tmp_path / "folder"), "pictures/a.jpg")
