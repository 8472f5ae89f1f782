"""Tables and folders of labelled pictures."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sklearn_ssafe.datasets import load_image_folder, load_images, load_manifest
from sklearn_ssafe.datasets.folders import find_pictures
from sklearn_ssafe.labels import GENERATED_WORDS, REAL_WORDS

TABLE = pd.DataFrame(
    {
        "path": ["a.jpg", "sub/b.png", "c.webp", "d.jpg"],
        "label": ["real", "generated", "Fake", "REAL"],
        "generator": ["", "sdxl", "", ""],
        "source": ["kodak", "sdxl", "", ""],
        "price": [1.5, 2.5, 3.5, 4.5],
    }
)


def write_csv(table, file):
    table.to_csv(file, index=False)


def write_semicolons(table, file):
    # What Excel writes where the comma is the decimal sign.
    table.to_csv(file, index=False, sep=";", decimal=",", encoding="utf-8-sig")


def write_tsv(table, file):
    table.to_csv(file, index=False, sep="\t", encoding="utf-16")


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("comma.csv", write_csv),
        ("semicolon.csv", write_semicolons),
        ("tab.tsv", write_tsv),
        ("table.xlsx", lambda table, file: table.to_excel(file, index=False)),
        ("table.parquet", lambda table, file: table.to_parquet(file)),
    ],
)
def test_every_kind_of_table_reads_the_same(tmp_path, name, write):
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    file = tmp_path / name
    write(TABLE, file)
    data = load_manifest(file)
    assert data.X.tolist() == [str(tmp_path / path) for path in TABLE["path"]]
    assert data.y.tolist() == [0, 1, 1, 0]
    assert data.generator.tolist() == ["", "sdxl", "", ""]
    assert data.source.tolist() == ["kodak", "sdxl", "", ""]
    assert data.groups.tolist() == ["source:kodak", "generator:sdxl", "row:2", "row:3"]
    assert data.frame["price"].tolist() == TABLE["price"].tolist()
    expected = ["path", "label", "generator", "source", "group", "price"]
    assert data.frame.columns.tolist() == expected
    X, y = load_manifest(file, return_X_y=True)
    assert X.tolist() == data.X.tolist()
    assert y.tolist() == data.y.tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_accents_in_paths_survive_every_encoding(tmp_path, encoding):
    file = tmp_path / "m.csv"
    file.write_text("path,label\nété/größe.jpg,0\n", encoding=encoding)
    if encoding == "cp1252":
        with pytest.warns(UserWarning, match="is not UTF-8, and is read as Windows-1252"):
            data = load_manifest(file)
        assert data.X.tolist() == load_manifest(file, encoding=encoding).X.tolist()
    else:
        data = load_manifest(file)
    assert data.X.tolist() == [str(tmp_path / "été/größe.jpg")]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("labels", [[0, 1], [0.0, 1.0], [False, True]])
def test_numbers_and_truth_values_are_labels(tmp_path, kind, labels):
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "label": labels})
    file = tmp_path / f"m.{kind}"
    if kind == "csv":
        write_csv(table, file)
    elif kind == "xlsx":
        pytest.importorskip("openpyxl")
        table.to_excel(file, index=False)
    else:
        pytest.importorskip("pyarrow")
        table.to_parquet(file)
    assert load_manifest(file).y.tolist() == [0, 1]


def test_every_word_listed_is_understood_in_capitals_too(tmp_path):
    file = tmp_path / "m.csv"
    words = [*REAL_WORDS, *GENERATED_WORDS]
    labels = [word.upper() for word in words]
    write_csv(pd.DataFrame({"path": [f"{w}.jpg" for w in words], "label": labels}), file)
    assert load_manifest(file).y.tolist() == [0] * len(REAL_WORDS) + [1] * len(GENERATED_WORDS)


def test_unknown_label_is_named_with_its_row_and_what_is_accepted(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text("path,label\na.jpg,real\nb.jpg,cat\nc.jpg,\n")
    with pytest.raises(ValueError, match=r"2 of 3 labels.*'cat', empty.*in row 3\).*synthetic"):
        load_manifest(file)


def test_missing_column_names_those_found_and_the_closest(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text("path,labels\na.jpg,real\n")
    with pytest.raises(ValueError, match=r"no column 'label'.*'path', 'labels'.*mean 'labels'"):
        load_manifest(file)
    assert load_manifest(file, label_column="labels").y.tolist() == [0]
    with pytest.raises(ValueError, match="path_column"):
        load_manifest(file, path_column="filename", label_column="labels")


def test_column_names_ignore_capitals_and_spaces_and_own_columns_are_kept(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text(" File , Is_Fake ,label,Group\n007,1,cat,A\n008,0,dog,A\n")
    data = load_manifest(file, path_column="file", label_column="is_fake")
    assert data.y.tolist() == [1, 0]
    assert data.groups.tolist() == ["A", "A"]
    assert data.X.tolist() == [str(tmp_path / "007"), str(tmp_path / "008")]
    assert data.frame["label_in_file"].tolist() == ["cat", "dog"]


def test_paths_absolute_from_windows_empty_and_url(tmp_path):
    file = tmp_path / "m.csv"
    url = "https://example.org/a.jpg"
    absolute = str(tmp_path.parent / "x.jpg")
    rows = [absolute, r"real\a.jpg", "", url]
    write_csv(pd.DataFrame({"path": rows, "label": 0}), file)
    expected = [absolute, str(tmp_path / "real" / "a.jpg"), "", url]
    with pytest.warns(UserWarning, match=r"1 of 4 rows have no path, the first is row 4\."):
        data = load_manifest(file)
    assert data.X.tolist() == expected


def test_repeated_path_warns_and_keeps_the_rows(tmp_path):
    file = tmp_path / "m.csv"
    file.write_text("path,label\nb.jpg,0\na.jpg,0\na.jpg,1\nb.jpg,0\n")
    with pytest.warns(UserWarning, match=r"2 path\(s\).*1 of them .*b\.jpg' in rows 2 and 5"):
        data = load_manifest(file)
    assert data.y.tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("text", ["", "path,label\n"])
def test_empty_table_is_an_error(tmp_path, text):
    file = tmp_path / "m.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"m\.csv (is empty|has no rows)"):
        load_manifest(file)


def test_other_kind_of_file_and_no_file_are_errors(tmp_path):
    (tmp_path / "m.json").write_text("{}")
    with pytest.raises(ValueError, match=r"m\.json is not a kind.*\.parquet"):
        load_manifest(tmp_path / "m.json")
    for load in (load_manifest, load_images):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            load(tmp_path / "nowhere.csv")
    with pytest.raises(NotADirectoryError, match="nowhere"):
        load_image_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(("kind", "package"), [("xlsx", "openpyxl"), ("parquet", "pyarrow")])
def test_missing_package_is_named(tmp_path, monkeypatch, kind, package):
    file = tmp_path / f"m.{kind}"
    file.write_bytes(b"")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"pip install {package}.*CSV"):
        load_manifest(file)


def make_tree(root, *names):
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix in (".png", ".jpg"):
            Image.new("RGB", (4, 4)).save(file)
        else:
            file.write_text("x")


def test_folder_gives_labels_generators_and_sources(tmp_path):
    make_tree(
        tmp_path,
        "real/z.jpg",
        "real/kodak/a.jpg",
        "real/kodak/deep/er/b.PNG",
        "generated/sdxl/c.png",
        "generated/d.png",
        "generated/e.heic",
        "generated/notes.txt",
        "generated/.hidden.png",
        "generated/.cache/f.png",
        "__MACOSX/real/g.jpg",
    )
    data = load_image_folder(tmp_path)
    rows = list(zip(data.X, data.y, data.generator, data.source, data.groups, strict=True))
    assert rows == [
        (str(tmp_path / "generated/d.png"), 1, "", "", "row:0"),
        (str(tmp_path / "generated/e.heic"), 1, "", "", "row:1"),
        (str(tmp_path / "generated/sdxl/c.png"), 1, "sdxl", "sdxl", "generator:sdxl"),
        (str(tmp_path / "real/kodak/a.jpg"), 0, "", "kodak", "source:kodak"),
        (str(tmp_path / "real/kodak/deep/er/b.PNG"), 0, "", "kodak", "source:kodak"),
        (str(tmp_path / "real/z.jpg"), 0, "", "", "row:5"),
    ]
    found = [path for path in find_pictures([tmp_path]) if "__MACOSX" not in path]
    assert found == data.X.tolist()  # the order is one
    assert load_images(tmp_path).frame.equals(data.frame)


@pytest.mark.parametrize(
    ("real", "generated"), [("0_real", "1_fake"), ("nature", "ai"), ("Photos", "Fakes")]
)
def test_folder_names_in_use_elsewhere(tmp_path, real, generated):
    make_tree(tmp_path, f"{real}/a.jpg", f"{generated}/b.jpg")
    data = load_image_folder(tmp_path)
    assert dict(zip(data.X, data.y.tolist(), strict=True)) == {
        str(tmp_path / real / "a.jpg"): 0,
        str(tmp_path / generated / "b.jpg"): 1,
    }


def test_folder_without_classes_shows_the_layout_and_where_they_are(tmp_path):
    make_tree(tmp_path, "train/real/a.jpg", "train/fake/b.jpg", "cats/c.jpg")
    with pytest.raises(ValueError, match=r"(?s)cats/, train/.*FOLDER/real.*mean '.*train'"):
        load_image_folder(tmp_path)
    make_tree(tmp_path, "real/readme.txt", "generated/b.jpg")
    with pytest.raises(ValueError, match="No picture in 'real'"):
        load_image_folder(tmp_path)


def test_folder_linked_into_itself_ends(tmp_path):
    make_tree(tmp_path, "real/a.jpg", "generated/b.jpg")
    (tmp_path / "real" / "again").symlink_to(tmp_path / "real", target_is_directory=True)
    assert load_image_folder(tmp_path).y.tolist() == [1, 0]


def test_sample_of_real_pictures_from_table_and_from_folders(sample_data):
    table = pd.read_csv(sample_data / "manifest.csv")
    data = load_images(sample_data / "manifest.csv")
    assert len(data.X) == len(table)
    assert all(Path(path).is_file() for path in data.X)
    assert np.array_equal(data.y, (table["label"] == "generated").astype(int))
    assert data.generator.tolist() == table["generator"].fillna("").tolist()
    folder = load_images(sample_data)
    assert dict(zip(folder.X, folder.y, strict=True)) == dict(zip(data.X, data.y, strict=True))
    assert dict(zip(folder.X, folder.groups, strict=True)) == dict(
        zip(data.X, data.groups, strict=True)
    )


@pytest.mark.parametrize("suffix", ["xlsx", "parquet"])
def test_a_damaged_table_is_named(tmp_path, suffix):
    file = tmp_path / f"table.{suffix}"
    file.write_bytes(b"not what the name says")
    with pytest.raises(ValueError, match=rf"table.{suffix} is damaged"):
        load_manifest(file)


def test_names_that_are_not_unicode_are_kept(tmp_path):
    for name in (b"real/\xff.png", b"fake/\xfe.png"):
        path = os.fsencode(tmp_path) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as empty:
            empty.write(b"")
    paths = load_image_folder(tmp_path).X
    assert sorted(os.fsencode(path)[-5:] for path in paths) == [b"\xfe.png", b"\xff.png"]


def test_numbers_to_predict_take_the_place_of_labels(tmp_path):
    write_csv(TABLE.drop(columns="label"), tmp_path / "prices.csv")
    data = load_manifest(tmp_path / "prices.csv", target_column="Price")
    assert data.y.tolist() == [1.5, 2.5, 3.5, 4.5]
    assert data.target_names == ["price"]
    assert data.groups.tolist() == ["source:kodak", "generator:sdxl", "row:2", "row:3"]
    write_csv(TABLE, tmp_path / "both.csv")
    both = load_manifest(tmp_path / "both.csv", target_column="price")
    assert both.frame["label_in_file"].tolist() == TABLE["label"].tolist()
    with pytest.raises(ValueError, match=r"4 of 4 values in column 'label'.* first 'real'"):
        load_manifest(tmp_path / "both.csv", target_column="label")
