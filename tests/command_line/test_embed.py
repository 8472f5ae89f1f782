"""``ssafe embed``."""

from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.store import clear_memory_cache

from .conftest import run


def test_embed_writes_parquet_and_npz(picture_files, tmp_path):
    bad = tmp_path / "broken.jpg"
    bad.write_bytes(Path(picture_files[0]).read_bytes()[:-60])
    clear_memory_cache()
    expected = FrozenEncoderTransformer(cache=None).transform(picture_files)
    arguments = ["embed", tmp_path, "--cache", tmp_path / "cache", "--quiet", "-o"]
    result = run(*arguments, tmp_path / "a.parquet")
    assert result.exit_code == 0, result.output
    assert "10 vectors" in result.output
    assert "broken.jpg: is truncated" in result.output
    table = pd.read_parquet(tmp_path / "a.parquet").set_index("path")
    assert table.loc[str(bad)].isna().all()
    np.testing.assert_allclose(np.stack(table.loc[picture_files, "embedding"]), expected, rtol=1e-4)
    assert run(*arguments, tmp_path / "a.npz").exit_code == 0
    with np.load(tmp_path / "a.npz") as arrays:
        found = dict(zip(arrays["path"], arrays["embedding"], strict=True))
        assert len(arrays["feature_name"]) == expected.shape[1]
    np.testing.assert_array_equal(
        np.stack([found[path] for path in picture_files]),
        np.stack(table.loc[picture_files, "embedding"]),
    )
    assert np.isnan(found[str(bad)]).all()


def test_embed_says_beforehand_what_cannot_work(picture_files, tmp_path):
    assert "must end in" in run("embed", picture_files[0], "-o", tmp_path / "a.txt").output
    result = run("embed", picture_files[0], "-o", tmp_path / "absent" / "a.npz")
    assert "there is no folder" in result.output
    (tmp_path / "empty").mkdir()
    result = run("embed", tmp_path / "empty", "-o", tmp_path / "a.npz")
    assert "No picture in" in str(result.exception)
