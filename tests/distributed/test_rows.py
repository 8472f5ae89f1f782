"""Which picture stands in a row, whatever Ray read it from."""

import numpy as np
import pyarrow as pa
import pytest

from sklearn_ssafe.distributed.rows import pictures_in
from sklearn_ssafe.distributed.workers import digest_of
from sklearn_ssafe.exceptions import ImageReadError

from ..conftest import encoded, picture

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")


@pytest.fixture
def folder(tmp_path):
    """A folder with ``a.png`` and ``b.png``."""
    for seed, name in enumerate("ab"):
        (tmp_path / f"{name}.png").write_bytes(encoded(picture(seed), "PNG"))
    return tmp_path


def contents(folder):
    return [(folder / f"{name}.png").read_bytes() for name in "ab"]


@pytest.mark.parametrize("kind", ["relative", "absolute", "bytes", "large", "Hugging Face"])
def test_kinds_of_columns(folder, kind):
    column = {
        "relative": ["a.png", "b.png"],
        "absolute": [str(folder / "a.png"), str(folder / "b.png")],
        "bytes": contents(folder),
        "large": pa.array(contents(folder), pa.large_binary()),
        "Hugging Face": [
            {"bytes": contents(folder)[0], "path": "of no use.png"},
            {"bytes": None, "path": str(folder / "b.png")},
        ],
    }[kind]
    pictures = pictures_in(pa.table({"x": column}), "x", str(folder))
    for seed, found in enumerate(pictures):
        np.testing.assert_array_equal(found.read(), picture(seed))


def test_arrays_of_rays(two_nodes):
    import ray

    one_size = np.stack([picture(0), picture(1)])
    other_sizes = [{"x": picture(0)}, {"x": picture(1, (30, 20))}]
    for ds in (ray.data.from_numpy(one_size), ray.data.from_items(other_sizes)):
        (table,) = ds.iter_batches(batch_format="pyarrow", batch_size=2)
        name = table.column_names[0]
        pictures = pictures_in(table, name, "/")
        np.testing.assert_array_equal(pictures[0].read(), picture(0))
        assert pictures[1].read().shape in ((48, 64, 3), (30, 20, 3))
        assert digest_of(pictures) != digest_of(pictures[:1])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "the value is missing"),
        ("", "the path is empty"),
        (b"", "the file is empty"),
        ("c.png", "no such file"),
        ("s3://bucket/a.png", "is a URL, and pictures are never fetched"),
        ({"bytes": None, "path": None}, "the value is missing"),
    ],
)
def test_what_is_no_picture(folder, value, reason):
    (found,) = pictures_in(pa.table({"x": [value]}), "x", str(folder))
    with pytest.raises(ImageReadError, match=reason):
        found.read()
    assert len(digest_of([found])) == 16


def test_pictures_are_known_again(folder):
    def digest(*items):
        return digest_of(pictures_in(pa.table({"x": [*items]}), "x", str(folder)))

    first, second = contents(folder)
    assert digest(first, second) == digest(first, second)
    assert len({digest(first, second), digest(second, first), digest(first), digest()}) == 4
