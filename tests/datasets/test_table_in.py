"""Tables in: what every kind of file has in common, and what is refused."""

import datetime
import io
import random
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sklearn_ssafe.datasets import load_manifest, table_in
from sklearn_ssafe.datasets.table_in import read_table

NAMES = ["0001", "01", "1", "NA", "None", "null", "nan", "n/a", "", "  sdxl ", "1e5", "-1", "TRUE"]
READ = ["0001", "01", "1", "NA", "None", "null", "nan", "n/a", "", "sdxl", "1e5", "-1", "TRUE"]

KINDS = {
    "comma.csv": lambda table, file: table.to_csv(file, index=False),
    "semicolon.csv": lambda table, file: table.to_csv(file, index=False, sep=";", decimal=","),
    "utf16.tsv": lambda table, file: table.to_csv(file, index=False, sep="\t", encoding="utf-16"),
    "excel.xlsx": lambda table, file: table.to_excel(file, index=False),
    "arrow.parquet": lambda table, file: table.to_parquet(file),
    "polars.parquet": lambda table, file: pl.from_pandas(table).write_parquet(file),
}


@pytest.fixture(params=KINDS)
def written(request, tmp_path):
    """A function that writes a table as one kind of file, and returns the file."""

    def write(table):
        file = tmp_path / request.param
        KINDS[request.param](table, file)
        return file

    return write


def workbook(file, rows, change=None):
    """Write an Excel file; `change` gets its sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change is not None:
        change(book.active)
    book.save(file)
    return file


def edited(file, old, new, member="xl/worksheets/sheet1.xml"):
    """Replace something inside of an Excel file."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert old in members[member]
    members[member] = members[member].replace(old, new)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def test_names_are_the_text_that_was_written(written):
    paths = [f"{number}.jpg" for number in range(len(NAMES))]
    columns = {"path": paths, "label": "fake", "generator": NAMES, "Source ": NAMES[::-1]}
    data = load_manifest(written(pd.DataFrame({**columns, "domain": NAMES, "note": NAMES})))
    assert data.generator.tolist() == READ
    assert data.source.tolist() == READ[::-1]
    assert data.frame["domain"].tolist() == READ
    groups = [f"generator:{name}" if name else f"row:{row}" for row, name in enumerate(READ)]
    assert data.groups.tolist() == groups


def test_columns_that_are_no_names_agree(written):
    table = pd.DataFrame(
        {
            "path": ["a.jpg", "b.jpg", "c.jpg"],
            "label": [0, 1, 0],
            "whole": [3, -4, 2**40],
            "share": [0.1, 1 / 3, 2.5e-7],
            "gaps": [1.5, np.nan, 2.5],
            "marked": ["1.5", "NA", "#N/A"],
            "code": ["007", "08", "9"],
            "word": ["yes", "NA", None],
            "flag": [True, False, True],
            "day": pd.to_datetime(["2024-05-01", "2024-05-02", "2023-12-31"]),
            "empty": [None, None, None],
        }
    )
    frame = load_manifest(written(table)).frame
    for name in ("whole", "share", "flag"):
        assert frame[name].tolist() == table[name].tolist()
        assert frame[name].dtype == table[name].dtype
    np.testing.assert_array_equal(frame["gaps"], table["gaps"])
    assert frame["code"].tolist() == ["007", "08", "9"]
    assert frame["word"].tolist()[:2] == ["yes", "NA"]
    assert frame["word"].isna().tolist() == [False, False, True]
    assert pd.api.types.is_datetime64_dtype(frame["day"])
    assert frame["day"].dt.date.tolist() == table["day"].dt.date.tolist()
    if "empty" in frame:
        assert frame["empty"].isna().all()


@pytest.mark.parametrize("kind", ["comma.csv", "excel.xlsx"])
def test_missing_numbers_by_their_usual_words(tmp_path, kind):
    table = pd.DataFrame({"path": ["a", "b", "c"], "label": 0, "x": [1.5, "NA", "#DIV/0!"]})
    KINDS[kind](table, tmp_path / kind)
    assert load_manifest(tmp_path / kind).frame["x"].tolist()[0] == 1.5
    assert load_manifest(tmp_path / kind).frame["x"].isna().tolist() == [False, True, True]


def test_numbers_too_long_for_a_float_stay_text(tmp_path):
    (tmp_path / "m.csv").write_text(
        "path,label,id,both\na,0,12345678901234567890,9007199254740993\nb,0,1,\n"
    )
    frame = load_manifest(tmp_path / "m.csv").frame
    assert frame["id"].tolist() == ["12345678901234567890", "1"]
    assert frame["both"].tolist()[0] == "9007199254740993"


def test_typed_names_in_parquet(tmp_path):
    table = pd.DataFrame(
        {
            "path": ["a", "b", "c"],
            "label": [1.0, 0.0, 1.0],
            "generator": pd.array([1, None, 2**62], dtype="Int64"),
            "source": [1.0, np.nan, 2.5],
            "group": [datetime.date(2024, 5, 1), None, datetime.date(2024, 5, 2)],
            "domain": pd.Categorical(["x", "01", "x"]),
        }
    )
    table.to_parquet(tmp_path / "m.parquet")
    data = load_manifest(tmp_path / "m.parquet")
    assert data.y.tolist() == [1, 0, 1]
    assert data.generator.tolist() == ["1", "", str(2**62)]
    assert data.source.tolist() == ["1", "", "2.5"]
    assert data.groups.tolist() == ["2024-05-01", "row:1", "2024-05-02"]
    assert data.frame["domain"].tolist() == ["x", "01", "x"]
    pq.write_table(pa.table({"path": [{"bytes": b"", "path": "a"}]}), tmp_path / "s.parquet")
    with pytest.raises(ValueError, match=r"'path' holds struct<.*> values, and names"):
        read_table(tmp_path / "s.parquet")


def test_numbers_and_dates_that_excel_shows_as_names(tmp_path):
    def shape(sheet):
        sheet["C2"].number_format = "0000"
        sheet["C3"].number_format = "0.0"

    day = datetime.datetime(2024, 5, 1)
    rows = [
        ["path", "label", "generator", "source"],
        ["a", 1, 1, day],
        ["b", True, 3, day + datetime.timedelta(hours=1)],
        ["c", 1.0, 1.5, None],
        ["d", False, 1, None],
    ]
    data = load_manifest(workbook(tmp_path / "m.xlsx", rows, shape))
    assert data.generator.tolist() == ["0001", "3.0", "1.5", "1"]
    assert data.source.tolist() == ["2024-05-01", "2024-05-01 01:00:00", "", ""]
    assert data.y.tolist() == [1, 1, 1, 0]


HEADING = ["path", "label", "generator"]
ROWS = [HEADING, ["a.jpg", 0, "x"], ["b.jpg", 1, "y"]]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize(
    ("headings", "message"),
    [
        (["path", "label", "label"], "has 2 columns called 'label'"),
        (["path", "label", " label "], "has 2 columns called 'label'"),
        (["path", "Label", "LABEL"], "'Label' and 'LABEL', which differ in capitals alone"),
        (["path", "Generator", "generator"], "differ in capitals alone"),
        (["", "label", "x"], "first column has no heading, as an index has none"),
    ],
)
def test_columns_that_cannot_be_told_apart(tmp_path, kind, headings, message):
    file = tmp_path / f"m.{kind}"
    if kind == "csv":
        file.write_text(",".join(headings) + "\na.jpg,1,1\n")
    elif kind == "xlsx":
        workbook(file, [headings, ["a.jpg", 1, 1]])
    else:
        columns = [pa.array(["a.jpg"]), pa.array([1]), pa.array([1])]
        names = [name or "__index_level_0__" for name in headings]
        pq.write_table(pa.table(columns, names=names), file)
    with pytest.raises(ValueError, match=message):
        load_manifest(file, label_column="path" if "Generator" in headings else "label")


def test_an_index_that_holds_the_path(tmp_path):
    table = pd.DataFrame({"label": [0, 1]}, index=pd.Index(["a.jpg", "b.jpg"], name="path"))
    table.to_csv(tmp_path / "m.csv")
    table.to_excel(tmp_path / "m.xlsx")
    table.to_parquet(tmp_path / "m.parquet")
    for kind in ("csv", "xlsx", "parquet"):
        X = load_manifest(tmp_path / f"m.{kind}").X
        assert X.tolist() == [str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")]
    # A nameless one beside the paths is an ordinary column.
    table = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "label": [0, 1]}, index=[7, 9])
    table.to_csv(tmp_path / "m.csv")
    table.to_excel(tmp_path / "m.xlsx")
    table.to_parquet(tmp_path / "m.parquet")
    for kind in ("csv", "xlsx"):
        assert load_manifest(tmp_path / f"m.{kind}").frame["Unnamed: 0"].tolist() == [7, 9]
    assert load_manifest(tmp_path / "m.parquet").frame["Unnamed: 2"].tolist() == [7, 9]
    pd.read_csv(tmp_path / "m.csv").to_csv(tmp_path / "again.csv")
    frame = load_manifest(tmp_path / "again.csv").frame
    assert frame["Unnamed: 0"].tolist() == [7, 9]
    assert frame["Unnamed: 0.1"].tolist() == [0, 1]


# Text tables


def test_what_excel_writes_above_the_heading_is_honoured(tmp_path):
    (tmp_path / "m.csv").write_bytes(b"sep=;\r\n\r\npath;label\r\na,b.jpg;fake\r\n;\r\nc;cat\r\n")
    with pytest.raises(ValueError, match=r"'cat' \(first in row 6\)"):
        load_manifest(tmp_path / "m.csv")
    (tmp_path / "m.csv").write_bytes(b"sep=;\r\n\r\npath;label\r\na,b.jpg;fake\r\n")
    assert load_manifest(tmp_path / "m.csv").X.tolist() == [str(tmp_path / "a,b.jpg")]


def test_the_separator_is_the_one_that_finds_the_columns(tmp_path):
    (tmp_path / "m.csv").write_text("path;label;a, b, c or d (1, 2)\nx.jpg;1;2,5\ny.jpg;0;3\n")
    frame = load_manifest(tmp_path / "m.csv").frame
    assert frame["a, b, c or d (1, 2)"].tolist() == [2.5, 3.0]


@pytest.mark.parametrize("separator", ",;\t|")
def test_a_heading_in_quotes_may_hold_line_ends(tmp_path, separator):
    heading = separator.join(['"a,\nb; c"', "path", '"label"'])
    text = f"{heading}\n{separator.join(['3', 'x.jpg', '1'])}\n"
    (tmp_path / "m.csv").write_bytes(text.encode())
    assert load_manifest(tmp_path / "m.csv").frame["a, b; c"].tolist() == [3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("above", ["", "{end}{end}", "sep=;{end}", "sep=;{end} {end}"])
def test_every_line_end_counts_alike(tmp_path, end, above):
    above = above.format(end=end)
    text = above + end.join(["path;label;generator", "a.jpg;1;0001", "b,c.jpg;0;", ""])
    (tmp_path / "m.csv").write_bytes(text.encode())
    data = load_manifest(tmp_path / "m.csv")
    assert data.X.tolist() == [str(tmp_path / "a.jpg"), str(tmp_path / "b,c.jpg")]
    assert data.generator.tolist() == ["0001", ""]
    first = 2 + above.count(end)
    assert data.row_numbers.tolist() == [first, first + 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\na.jpg,0\nb,c.jpg,1\n", r"row 3 has 3 values for 2 columns"),
        ('path,label\na.jpg,0\n"b.jpg,1\nc.jpg,0\n', r"quotation mark in its row 3 is never"),
        ("path,label\na.jpg,0\0\n", "holds zero bytes"),
    ],
)
def test_text_that_cannot_be_told_apart(tmp_path, text, message):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"m\.csv is not read: .*{message}"):
        load_manifest(tmp_path / "m.csv")


def test_encodings_are_marked_named_or_told_of(tmp_path):
    text = "path,label,generator\n写真.jpg,1,生成\n"
    expected = [str(tmp_path / "写真.jpg")]
    file = tmp_path / "m.csv"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        file.write_text(text, encoding=encoding)
        assert load_manifest(file).X.tolist() == expected
    for encoding in ("cp932", "utf-16-le"):
        file.write_bytes(text.encode(encoding))
        with pytest.raises(ValueError, match="encoding="):
            load_manifest(file)
        data = load_manifest(file, encoding=encoding)
        assert data.X.tolist() == expected
        assert data.generator.tolist() == ["生成"]
    # Japanese that might be Western European.
    file.write_bytes("path,label\nテ.jpg,1\n".encode("cp932"))
    with pytest.warns(UserWarning, match="not UTF-8, and is read as Windows-1252"):
        load_manifest(file)
    for encoding, message in (("utf-8", "it is not text in utf-8"), ("klingon", "is none that")):
        with pytest.raises(ValueError, match=message):
            load_manifest(file, encoding=encoding)


def test_a_sparse_file_is_not_read_whole(tmp_path):
    with open(tmp_path / "m.csv", "wb") as file:
        file.truncate(2**29)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="holds zero bytes"):
            load_manifest(tmp_path / "m.csv")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_huge_text_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(table_in, "_MOST_BYTES", 10)
    (tmp_path / "m.csv").write_text("path,label\na,0\n")
    with pytest.raises(ValueError, match="its 15 bytes are more than is read as text"):
        load_manifest(tmp_path / "m.csv")


# Parquet


def test_parquet_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    file = tmp_path / "m.parquet"
    pq.write_table(pa.table({"path": ["a.jpg"] * 50, "image": [b"0123456789"] * 50}), file)
    monkeypatch.setattr(table_in, "_MOST_BYTES", 60)
    with pytest.raises(ValueError, match=r"is not read: it holds .* bytes, more than is read"):
        read_table(file)
    monkeypatch.setattr(table_in, "_MOST_VALUES", 99)
    with pytest.raises(ValueError, match="its 50 rows of 2 columns are more than is read"):
        read_table(file)


def test_parquet_that_grows_when_it_is_read(tmp_path, monkeypatch):
    """What the file says of its size is before runs of equal values are written out."""
    table = pa.table({"path": ["a.jpg"] * 100_000, "label": [0] * 100_000})
    pq.write_table(table, tmp_path / "m.parquet", row_group_size=10_000)
    assert pq.read_metadata(tmp_path / "m.parquet").row_group(0).total_byte_size < 1000
    monkeypatch.setattr(table_in, "_MOST_BYTES", 500_000)
    with pytest.raises(ValueError, match=r"it holds .* bytes, more than is read"):
        read_table(tmp_path / "m.parquet")
    monkeypatch.setattr(table_in, "_MOST_BYTES", 2_000_000)
    assert len(read_table(tmp_path / "m.parquet")) == 100_000


def test_damaged_statistics_of_a_column_end_no_process():
    """pyarrow 26 aborts where it is asked for the sizes of such a column."""
    file = Path(__file__).parents[1] / "fixtures" / "tables" / "damaged_size_statistics.parquet"
    with pytest.raises(ValueError, match=r"damaged_size_statistics\.parquet"):
        load_manifest(file)


def test_one_long_word_in_many_rows_is_kept_once(tmp_path):
    word, n_rows = "x" * 100_000, 20_000
    words = pa.DictionaryArray.from_arrays(pa.array([0] * n_rows, pa.int32()), [word])
    table = pa.table({"path": pa.array([f"{row}" for row in range(n_rows)]), "generator": words})
    pq.write_table(table, tmp_path / "m.parquet")
    tracemalloc.start()
    try:
        read = read_table(tmp_path / "m.parquet")
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert len(read) == n_rows
    assert set(read["generator"]) == {word}


# Damage


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "csv"])
def test_damaged_files_are_errors_or_tables(tmp_path, kind):
    file = tmp_path / f"m.{kind}"
    KINDS[{"xlsx": "excel.xlsx", "parquet": "arrow.parquet", "csv": "comma.csv"}[kind]](
        pd.DataFrame(ROWS[1:], columns=HEADING), file
    )
    content = file.read_bytes()
    rng = random.Random(0)
    n_read = 0
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        file.write_bytes(changed[: rng.choice([len(changed), rng.randrange(len(changed))])])
        try:
            load_manifest(file)
            n_read += 1
        except (ValueError, UserWarning) as error:
            assert "m." in str(error)
    assert n_read < 300


def test_a_bytes_file_object_is_not_a_table(tmp_path):
    with pytest.raises(TypeError):
        load_manifest(io.BytesIO())
