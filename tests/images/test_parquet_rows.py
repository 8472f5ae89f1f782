from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.exceptions import EncodingError, ImageReadError
from sklearn_ssafe.images import parquet_rows, read_image
from sklearn_ssafe.images.parquet_rows import parquet_row_name, parse_parquet_row
from sklearn_ssafe.images.picture import as_picture

from ..conftest import encoded, picture

CONTENTS = [encoded(picture(number), "PNG") for number in range(50)]


@pytest.fixture
def shard(tmp_path):
    """50 pictures, as bytes and as Hugging Face's Image feature, in row groups of 20."""
    structs = [{"bytes": content, "path": None} for content in CONTENTS]
    path = tmp_path / "a b#c-00000-of-00001.parquet"
    pq.write_table(pa.table({"raw": CONTENTS, "image": structs}), path, row_group_size=20)
    return path


@pytest.mark.parametrize("column", ["raw", "image"])
@pytest.mark.parametrize("order", ["forwards", "backwards", "at random"])
def test_every_row_is_read_in_every_order(shard, column, order):
    rows = np.arange(50)
    if order == "backwards":
        rows = rows[::-1]
    elif order == "at random":
        rows = np.random.default_rng(0).permutation(50)
    for row in rows:
        name = parquet_row_name(shard, column, row)
        assert parse_parquet_row(name) == (str(shard), column, row)
        as_picture(name).check()
        assert as_picture(name).content() == CONTENTS[row]
    np.testing.assert_array_equal(
        read_image(parquet_row_name(shard, column, 49)), read_image(CONTENTS[49])
    )


def test_threads_share_a_shard(shard):
    names = [parquet_row_name(shard, "raw", row) for row in range(50)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda name: as_picture(name).content(), names * 3)) == CONTENTS * 3


def test_little_is_decoded_at_a_time_and_nothing_twice_in_order(shard, monkeypatch):
    pieces = []
    read_piece = parquet_rows._Shard._read_piece

    def counting(self, *args):
        read_piece(self, *args)
        pieces.append(sum(len(piece) for piece in self._pieces.values()))

    monkeypatch.setattr(parquet_rows._Shard, "_read_piece", counting)
    for row in range(50):
        as_picture(parquet_row_name(shard, "raw", row)).content()
    assert len(pieces) == 2 + 2 + 1  # of 16 and 4, 16 and 4, 10 rows
    assert max(pieces) <= 4 * 16


def test_they_are_encoded_like_files(shard):
    rows = [3, 20, 49]
    names = pd.Series([parquet_row_name(shard, "image", row) for row in rows])
    encoder = FrozenEncoderTransformer("forensic", n_views=1)
    np.testing.assert_array_equal(
        encoder.transform(names), encoder.transform([CONTENTS[row] for row in rows])
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("{shard}#image/50", "has 50 rows, and none with number 50"),
        ("{shard}#picture/0", r"has no column 'picture'; it has \['image', 'raw'\]"),
        ("{folder}/nowhere.parquet#image/0", "no such file"),
        ("{folder}/bad.parquet#image/0", "cannot be read from its Parquet file"),
        ("{folder}/empty.parquet#image/0", r"the file is empty \(0 bytes\)"),
    ],
)
def test_what_is_not_there_is_explained(shard, tmp_path, name, reason):
    (tmp_path / "bad.parquet").write_bytes(b"no shard")
    pq.write_table(pa.table({"image": pa.array([None], pa.binary())}), tmp_path / "empty.parquet")
    name = name.format(shard=shard, folder=tmp_path)
    with pytest.raises(ImageReadError, match=reason):
        read_image(name)
    with pytest.raises(EncodingError, match=reason):
        FrozenEncoderTransformer("forensic").transform([name])


def test_a_shard_written_anew_is_read_anew(shard):
    name = parquet_row_name(shard, "raw", 0)
    assert as_picture(name).content() == CONTENTS[0]
    pq.write_table(pa.table({"raw": [CONTENTS[7]]}), shard)
    assert as_picture(name).content() == CONTENTS[7]


@pytest.mark.parametrize("item", ["a.parquet", "a.png#image/0", "a.parquet#image/x", b"x", None])
def test_other_things_name_no_row(item):
    assert parse_parquet_row(item) is None
