import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from sklearn_ssafe.curation import embedding_files
from sklearn_ssafe.curation.embedding_files import EmbeddingFiles, holds_embeddings, is_parquet

X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float16)  # exact in all types
NAMES = [f"name {row % 7}" for row in range(50)]


class Tensor(pa.ExtensionType):
    """A type of lists that another library has given a name, as Ray does."""

    def __init__(self):
        super().__init__(pa.large_list(pa.float32()), "test.tensor")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, serialized):
        return cls()


def as_column(rows, kind):
    values = [None if row is None else [float(value) for value in row] for row in rows]
    if kind == "tensor":
        storage = pa.array(values, pa.large_list(pa.float32()))
        return pa.ExtensionArray.from_storage(Tensor(), storage)
    if kind == "float16":
        flat = pa.array(np.concatenate([row for row in rows if row is not None]).astype(np.float16))
        ends = np.cumsum([0, *(0 if row is None else len(row) for row in rows)])
        mask = pa.array([row is None for row in rows])
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flat, mask=mask)
    return pa.array(values, KINDS[kind])


KINDS = {
    "list": pa.list_(pa.float32()),
    "large_list": pa.large_list(pa.float64()),
    "fixed": pa.list_(pa.float32(), 3),
    "tensor": None,
    "float16": None,
}


def read(files, **how):
    """Return all row numbers, embeddings and names."""
    blocks = list(files.blocks("", **how))
    names = [name for *_, fields in blocks for name in fields["name"].to_pylist()]
    rows = np.concatenate([rows for rows, *_ in blocks])
    return rows, np.concatenate([block for _, block, _ in blocks]), names


@pytest.fixture
def block_rows(monkeypatch):
    monkeypatch.setattr(embedding_files, "BLOCK_ROWS", 8)


@pytest.mark.usefixtures("block_rows")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_list_in_files_of_all_sizes(tmp_path, kind):
    rows = [None if row % 10 == 4 else X[row] for row in range(50)]
    for number, (start, stop) in enumerate([(0, 1), (1, 30), (30, 30), (30, 50)]):
        table = pa.table({"e": as_column(rows, kind), "name": NAMES}).slice(start, stop - start)
        try:
            pq.write_table(table, tmp_path / f"part-{number}.parquet", row_group_size=11)
        except pa.ArrowNotImplementedError:
            pytest.skip("this pyarrow writes no missing lists of fixed size")
    files = EmbeddingFiles(tmp_path, fields={"name": "name", "twice": np.arange(50) * 2})
    assert (files.n_rows, files.width, files.columns) == (50, 3, ["e"])
    assert files.dtype == (np.float64 if kind == "large_list" else np.float32)
    numbers, read_rows, names = read(files)
    expected = np.array([np.full(3, np.nan) if row is None else row for row in rows])
    np.testing.assert_array_equal(read_rows, expected)
    assert numbers.tolist() == list(range(50))
    assert names == NAMES
    wanted = np.array([0, 3, 29, 31, 32, 49])
    numbers, read_rows, names = read(files, rows=wanted)
    assert numbers.tolist() == wanted.tolist()
    np.testing.assert_array_equal(read_rows, expected[wanted])
    taken, fields = files.take(wanted)
    np.testing.assert_array_equal(taken, expected[wanted])
    assert fields == {"name": [NAMES[row] for row in wanted], "twice": (wanted * 2).tolist()}


def test_row_groups_without_wanted_rows_are_not_decoded(tmp_path):
    table = pa.table({"embedding": as_column(X, "list"), "name": NAMES})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=10)
    files = EmbeddingFiles(tmp_path / "x.parquet", fields={"name": "name"})
    blocks = files._blocks_of(files._parts[0], np.array([12, 41]), True, {}, {})
    assert [rows[0] for rows, *_ in blocks] == [10, 40]


def test_a_column_of_each_number(tmp_path):
    columns = {f"f{column}": X[:, column].astype(np.float32) for column in range(3)}
    pq.write_table(pa.table({**columns, "name": NAMES, "id": range(50)}), tmp_path / "x.parquet")
    files = EmbeddingFiles(tmp_path / "x.parquet", fields={"name": "name"})
    assert (files.columns, files.of_lists, files.width) == (["f0", "f1", "f2"], False, 3)
    np.testing.assert_array_equal(read(files)[1], X)
    files = EmbeddingFiles(tmp_path / "x.parquet", embedding=["id", "f1"], fields={"name": "name"})
    np.testing.assert_array_equal(read(files)[1], np.column_stack([np.arange(50), X[:, 1]]))


def test_a_column_of_lists_here_and_of_numbers_there(tmp_path):
    pq.write_table(pa.table({"embedding": [[1.0], [2.0]]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"embedding": [1.0, 2.0]}), tmp_path / "2.parquet")
    with pytest.raises(ValueError, match="holds lists and numbers"):
        EmbeddingFiles(tmp_path)


def test_a_column_of_numbers_that_one_file_lacks_values_of(tmp_path):
    pq.write_table(pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [5.0], "b": pa.nulls(1)}), tmp_path / "2.parquet")
    X, _ = EmbeddingFiles(tmp_path).take(np.arange(3))
    np.testing.assert_array_equal(X, [[1, 3], [2, 4], [5, np.nan]])


def test_a_file_of_nothing_but_failures(tmp_path):
    failed = pa.table({"embedding": pa.nulls(2), "name": ["a", "b"]})
    pq.write_table(failed, tmp_path / "1.parquet")
    made = pa.table(
        {"embedding": as_column([[], X[0], [1, np.nan, 2]], "list"), "name": list("cde")}
    )
    pq.write_table(made, tmp_path / "2.parquet")
    rows, read_rows, names = read(EmbeddingFiles(tmp_path, fields={"name": "name"}))
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert np.isfinite(read_rows).all(axis=1).tolist() == [False, False, False, True, False]
    assert names == list("abcde")
    (tmp_path / "2.parquet").unlink()
    with pytest.raises(ValueError, match="No row of the Parquet data set has an embedding"):
        EmbeddingFiles(tmp_path)


def test_names_of_folders_are_columns_and_the_order_is_that_of_paths(tmp_path):
    for number, name in enumerate(["b/name=x/10", "b/name=x/9", "a/name=y/z"]):
        path = tmp_path / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"embedding": as_column([[number, 0]], "list")}), path)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".hidden.parquet").write_bytes(b"half written")
    (tmp_path / "README.txt").write_text("not a table")
    files = EmbeddingFiles(tmp_path, fields={"name": "name"})
    _, read_rows, names = read(files)
    assert read_rows[:, 0].tolist() == [2, 0, 1]
    assert names == ["y", "x", "x"]
    assert files.columns_of(np.array([0, 2]), ["reason", "name"]) == {"name": ["y", "x"]}
    assert files.other_columns() == ["name"]


def test_a_dataset_keeps_its_order(tmp_path):
    for name in "ab":
        pq.write_table(pa.table({"embedding": as_column([[ord(name)]], "list")}), tmp_path / name)
    dataset = pads.dataset([tmp_path / "b", tmp_path / "a"], format="parquet")
    assert is_parquet(dataset)
    files = EmbeddingFiles(dataset)
    assert files.take(np.array([0, 1]))[0].ravel().tolist() == [ord("b"), ord("a")]
    assert dataset.take([0])["embedding"].to_pylist() == [[ord("b")]]  # the same row
    with pytest.raises(ValueError, match="not of Parquet files"):
        EmbeddingFiles(pads.dataset(pa.table({"embedding": [[1.0]]})))
    assert not is_parquet(np.ones((2, 2)))
    assert not is_parquet(["a.jpg"])


@pytest.mark.parametrize(
    ("columns", "how", "message"),
    [
        ({"a": [[1.0]], "b": [[1.0]]}, {}, "several columns of lists of numbers.*embedding='a'"),
        ({"a": ["x"], "n": [1]}, {}, r"no column of lists of numbers.* It has \['a', 'n'\]"),
        ({"a": [[1.0]]}, {"embedding": "b"}, r"x\.parquet has no column 'b'; it has \['a'\]"),
        ({"a": [[1.0]]}, {"fields": {"y": "label"}}, r"no column 'label'; it has \['a'\]"),
        ({"a": [["x"]]}, {"embedding": "a"}, "'a' of .* holds list<.*numbers or lists"),
        ({"a": [[1.0]], "b": [1.0]}, {"embedding": ["a", "b"]}, "name one column of lists"),
        ({"a": [[1.0]]}, {"fields": {"y": [0, 1]}}, "y has 2 values, and .* 1 rows"),
        ({"a": [[1.0]], "y": [[0]]}, {"fields": {"y": "y"}, "embedding": "a"}, "'y' of .* list<"),
        ({"a": [[1.0]]}, {"fields": {"y": pa.array([[0]])}}, "y holds list<.* one value"),
        ({"a": [[1.0]]}, {"fields": {"y": [0, "x"]}}, "y has to be a column of values of one type"),
        ({"a": [[1.0]]}, {"fields": {"y": np.zeros((1, 1))}}, "y has to be a column of values"),
    ],
)
def test_columns_that_are_not_there_or_not_fit(tmp_path, columns, how, message):
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=message):
        EmbeddingFiles(tmp_path, **how)


def test_embeddings_of_two_widths_are_named(tmp_path):
    for number, width in enumerate((3, 3, 2)):
        table = pa.table({"embedding": as_column([X[0], X[1, :width]], "list")})
        pq.write_table(table, tmp_path / f"{number}.parquet")
    files = EmbeddingFiles(tmp_path)
    with pytest.raises(ValueError, match=r"row 1 of .*2\.parquet .* of 2 numbers.* have 3"):
        list(files.blocks(""))


def test_a_suffix_in_capitals_is_one(tmp_path):
    for number, suffix in enumerate(("parquet", "PARQUET")):
        table = pa.table({"embedding": as_column(X, "list")})
        pq.write_table(table, tmp_path / f"{number}.{suffix}")
    assert EmbeddingFiles(tmp_path).n_rows == 2 * len(X)
    assert holds_embeddings(tmp_path / "1.PARQUET")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no Parquet file or folder at .*nothing"):
        EmbeddingFiles(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"'s3://bucket/x' *.*pyarrow\.dataset\.dataset"):
        EmbeddingFiles("s3://bucket/x")
    with pytest.raises(ValueError, match=r"holds no \.parquet files"):
        EmbeddingFiles(tmp_path)
    table = pa.table({"embedding": as_column(X, "list")})
    pq.write_table(table, tmp_path / "1.parquet", compression="none")
    (tmp_path / "2.parquet").write_bytes(b"no table")
    with pytest.raises(ValueError, match=r"2\.parquet cannot be read, is damaged"):
        EmbeddingFiles(tmp_path)
    pq.write_table(table, tmp_path / "2.parquet", compression="none")
    files = EmbeddingFiles(tmp_path)
    content = (tmp_path / "2.parquet").read_bytes()
    (tmp_path / "2.parquet").write_bytes(b"\xff" * 400 + content[400:])  # its pages
    with pytest.raises(ValueError, match=r"2\.parquet cannot be read, is damaged"):
        list(files.blocks(""))


def test_a_bar_counts_the_rows_that_are_read(tmp_path, capsys):
    table = pa.table({"embedding": as_column(X, "list")})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=10)
    files = EmbeddingFiles(tmp_path, verbose=True)
    list(files.blocks("reading", rows=np.array([1, 45])))
    assert "20/20" in capsys.readouterr().err.replace(" ", "")
    files.verbose = "auto"
    list(files.blocks("reading"))
    assert capsys.readouterr().err == ""
