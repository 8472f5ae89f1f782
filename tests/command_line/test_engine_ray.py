"""``--engine ray``: the same tables as without."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest

from sklearn_ssafe.store import clear_memory_cache
from sklearn_ssafe.store.memory import shared_memory_store

from .conftest import rows_of, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.usefixtures("two_nodes"),
]


@pytest.fixture(autouse=True)
def memory_of_its_own():
    """Leave to other tests what the memory held: rows of other batches differ in the last bit."""
    kept = dict(vars(shared_memory_store))
    shared_memory_store.clear()
    yield
    vars(shared_memory_store).update(kept)


@pytest.fixture
def pictures(trained, tmp_path):
    """A folder of pictures, of which one is broken and one has a name that is no UTF-8."""
    folder = shutil.copytree(trained / "pictures", tmp_path / "pictures")
    files = sorted(folder.rglob("*.jpg"))
    files[3].write_bytes(files[3].read_bytes()[:200])
    try:
        shutil.copy(files[0], folder / "p\udce9.jpg")
    except (OSError, UnicodeError):  # this file system takes no such names
        shutil.copy(files[0], folder / "p.jpg")
    return folder


def test_predict(trained, pictures, tmp_path):
    (tmp_path / "nothing").mkdir()
    inputs = [tmp_path / "absent.jpg", pictures, tmp_path / "nothing", tmp_path / "gone.jpg"]
    arguments = ["predict", trained / "detector", *inputs, "--quiet", "-o"]
    assert run(*arguments, tmp_path / "a.csv").exit_code == 3
    result = run(*arguments, tmp_path / "b.csv", "--engine", "ray")
    assert result.exit_code == 3, result.output
    expected, found = rows_of(tmp_path / "a.csv"), rows_of(tmp_path / "b.csv")
    assert len(found) == 28
    for name in ("path", "threshold", "verdict", "error"):
        assert [row[name] for row in found] == [row[name] for row in expected]
    scores = [[float(row["score"] or "nan") for row in rows] for rows in (found, expected)]
    np.testing.assert_allclose(*scores, atol=2e-6)
    # What is there is not done again.
    before = (tmp_path / "b.csv").read_bytes()
    lines = before.splitlines(keepends=True)
    (tmp_path / "b.csv").write_bytes(b"".join(lines[:-9]))
    assert run(*arguments, tmp_path / "b.csv", "--engine", "ray").exit_code == 3
    assert (tmp_path / "b.csv").read_bytes() == before


def test_embed_and_evaluate(trained, pictures, tmp_path):
    arguments = ["embed", pictures, "--quiet", "-o"]
    assert run(*arguments, tmp_path / "a.parquet").exit_code == 0
    clear_memory_cache()
    result = run(*arguments, tmp_path / "b.parquet", "--engine", "ray")
    assert result.exit_code == 0, result.output
    assert "24 vectors" in result.output and "1 pictures could not be read" in result.output
    expected, found = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in "ab")
    assert found[["path", "hash"]].equals(expected[["path", "hash"]])
    good = expected["embedding"].notna()
    assert found["embedding"].notna().equals(good)
    np.testing.assert_allclose(
        np.stack(found["embedding"][good]), np.stack(expected["embedding"][good]), atol=2e-6
    )
    assert not list(tmp_path.glob(".*"))
    # Whoever reads the table finds in the cache what Ray has encoded.
    evaluate = ["evaluate", trained / "detector", pictures / "manifest.csv", "--no-audit", "--json"]
    clear_memory_cache()
    plain = run(*evaluate, "--quiet")
    assert plain.exit_code == 0, plain.output
    clear_memory_cache()
    result = run(*evaluate, "--quiet", "--engine", "ray")
    assert result.exit_code == 0, result.output
    without_time = re.compile(r'"(created|date|seconds)": [^,\n]*')
    assert without_time.sub("", result.stdout) == without_time.sub("", plain.stdout)


def test_an_address_goes_with_the_engine(pictures, tmp_path):
    result = run("embed", pictures, "-o", tmp_path / "a.npz", "--ray-address", "auto")
    assert result.exit_code == 2
    assert "--ray-address goes with --engine ray" in result.output
