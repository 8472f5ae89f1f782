from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images.inputs import as_items, as_pictures
from sklearn_ssafe.images.picture import as_picture

PATHS = ["a.jpg", "b.png", "c.webp"]


@pytest.mark.parametrize(
    "X",
    [
        PATHS,
        tuple(PATHS),
        np.array(PATHS),
        np.array(PATHS, dtype=object),
        np.array(PATHS, dtype=object).reshape(-1, 1),
        pd.Series(PATHS),
        pd.Series(PATHS, dtype="string"),
        pd.Series(PATHS, dtype="category"),
        pd.DataFrame({"path": PATHS}),
        pl.Series(PATHS),
        pl.DataFrame({"path": PATHS}),
        [[path] for path in PATHS],
    ],
    ids=lambda X: f"{type(X).__module__}.{type(X).__name__}",
)
def test_every_container_gives_the_same_list(X):
    assert [str(item) for item in as_items(X)] == PATHS


def test_items_of_all_kinds_may_be_mixed():
    items = ["a.jpg", Path("b.jpg"), b"\xff\xd8", np.zeros((4, 4, 3), np.uint8), None]
    assert as_items(items) == items


def test_a_four_dimensional_array_is_a_stack_of_pictures():
    stack = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    items = as_items(stack)
    assert len(items) == 2
    np.testing.assert_array_equal(items[1], stack[1])


@pytest.mark.parametrize("X", ["a.jpg", Path("a.jpg"), b"abc", Image.new("RGB", (2, 2))])
def test_one_picture_alone_is_refused_with_the_remedy(X):
    with pytest.raises(TypeError, match=r"\[X\]"):
        as_items(X)


def test_one_array_alone_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"\[X\]"):
        as_items(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize("X", [[], np.array([], dtype=object), pd.Series([], dtype=object)])
def test_empty_input_is_an_error(X):
    with pytest.raises(ValueError, match="no picture"):
        as_items(X)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"path": PATHS, "label": [0, 1, 0]}),
        pl.DataFrame({"path": PATHS, "label": [0, 1, 0]}),
        np.array([PATHS, PATHS]),
    ],
)
def test_several_columns_are_refused(X):
    with pytest.raises(ValueError, match="one column of pictures"):
        as_items(X)


@pytest.mark.parametrize("X", [5, {"path": PATHS}, {"a.jpg"}, (path for path in PATHS)])
def test_what_is_no_sequence_is_refused(X):
    with pytest.raises(TypeError, match="1-D sequence"):
        as_items(X)


def test_numbers_are_refused():
    with pytest.raises(ValueError, match="holds no pictures"):
        as_items(np.ones((5, 3)))


class Hostile:
    """Raises whatever it is asked."""

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __getattr__(self, name):
        raise RuntimeError(f"no {name}")


def test_an_item_that_raises_when_it_is_looked_at_is_one_item():
    item = Hostile()
    for X in ([item], [["a.jpg"], item], ["a.jpg", item]):
        with pytest.raises(ImageReadError):
            as_pictures(X)[-1].read()


def describe(item):
    return as_picture(item).name


def test_describe_names_a_file_and_measures_the_rest():
    assert describe("x/a.jpg") == "x/a.jpg"
    assert describe(b"abcd") == "<4 bytes>"
    assert describe(np.zeros((2, 3), np.uint8)) == "<uint8 array (2, 3)>"
    assert describe(Image.new("L", (5, 4))) == "<PIL image, 5 x 4, L>"


def test_pictures_of_one_size_that_numpy_merged_are_taken_apart():
    images = [np.full((3, 4, 3), value, np.uint8) for value in (1, 2)]
    merged = np.array(images, dtype=object)
    assert merged.shape == (2, 3, 4, 3)
    items = as_items(merged)
    assert [item.dtype for item in items] == [np.uint8, np.uint8]
    np.testing.assert_array_equal(items[1], images[1])


def test_a_pyarrow_table_with_one_column():
    pyarrow = pytest.importorskip("pyarrow")
    assert as_items(pyarrow.table({"path": PATHS})) == PATHS
    with pytest.raises(ValueError, match="one column of pictures"):
        as_items(pyarrow.table({"path": PATHS, "label": [0, 1, 0]}))


def test_describe_can_always_be_printed():
    describe("a\udcff.png").encode("utf-8")
    assert as_picture("\ud800").given_bytes() != as_picture("\ud801").given_bytes()
    assert describe(None) == describe(float("nan")) == describe(pd.NA) == "<missing>"
