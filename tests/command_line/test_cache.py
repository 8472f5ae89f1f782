"""``ssafe cache``."""

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.store.disk import FILE_NAME, open_disk_store

from ..towers import PREPROCESS, NamedTower
from .conftest import run


@pytest.fixture
def filled(picture_files, tmp_path):
    """A folder with the embeddings of ten pictures, of 8 and of two of them of 8 other numbers."""
    folder = tmp_path / "cache"
    settings = {"encoder": NamedTower, "cache": folder, "normalize": False}
    rows = FrozenEncoderTransformer(preprocess=PREPROCESS, **settings).transform(picture_files)
    larger = {**PREPROCESS, "size": 24}
    FrozenEncoderTransformer(preprocess=larger, **settings).transform(picture_files[:2])
    return folder, rows


def names_of_settings(output):
    return [line.split()[1].rstrip(":") for line in output.splitlines() if line[:8] == "settings"]


def test_info_tells_what_is_there(filled):
    folder, _ = filled
    result = run("cache", "info", folder)
    assert result.exit_code == 0, result.output
    assert "12 embeddings" in result.output
    assert len(names_of_settings(result.output)) == 2
    assert "encoder: NamedTower" in result.output
    assert "'size': [24, 24]" in result.output
    assert date.today().isoformat() in result.output


def test_a_folder_without_a_store_is_not_made_one(tmp_path):
    for command in ("info", "verify", "prune"):
        result = run("cache", command, tmp_path)
        assert result.exit_code == 1
        assert "no cache of embeddings" in result.output
    assert not list(tmp_path.iterdir())


def test_verify_finds_damage_and_prune_removes_it(filled):
    folder, rows = filled
    result = run("cache", "verify", folder)
    assert result.exit_code == 0, result.output
    assert "12 embeddings are sound, 0 are damaged" in result.output
    open_disk_store(folder).close()
    file = folder / FILE_NAME
    file.write_bytes(file.read_bytes().replace(rows[4].tobytes(), rows[5].tobytes()))
    result = run("cache", "verify", folder)
    assert result.exit_code == 1
    assert "11 embeddings are sound, 1 are damaged" in result.output
    assert "1 embeddings removed" in run("cache", "prune", folder).output
    assert "11 embeddings are sound, 0 are damaged" in run("cache", "verify", folder).output
    open_disk_store(folder).close()
    file.write_bytes(file.read_bytes()[:4096])
    result = run("cache", "verify", folder)
    assert result.exit_code == 1
    assert "damaged" in result.output


def test_prune_by_name_and_by_age_makes_the_file_smaller(filled, picture_files):
    folder, rows = filled
    names = names_of_settings(run("cache", "info", folder).output)
    assert run("cache", "prune", folder, "--settings", "abc").exit_code == 1
    store = open_disk_store(folder)
    many = {hashlib.sha256(b"%d" % n).digest(): np.zeros(8, np.float32) for n in range(20_000)}
    with store.reading() as transaction:
        table = transaction.cursor(db=store.tables[b"settings"])
        settings = {bytes(key): json.loads(bytes(value)) for key, value in table}
    counts = {key: run_count(store, key) for key in settings}
    large = max(counts, key=counts.get)
    small = min(counts, key=counts.get)

    class Settings:
        key, description, n_features = small, settings[small], 8

    store.put(Settings, many, {})
    result = run("cache", "prune", folder, "--settings", small.hex()[:12])
    assert "20,002 embeddings removed" in result.output
    assert not result.output.split("removed, ")[1].startswith("0.0 MB")
    store = open_disk_store(folder)
    assert store.path.stat().st_size < 100_000
    assert run_count(store, large) == 10
    assert len(names) == 2
    assert "0 embeddings removed" in run("cache", "prune", folder, "--older-than", 30).output
    store = open_disk_store(folder)
    old = {**settings[large], "last_written": (date.today() - timedelta(40)).isoformat()}
    with store.writing() as transaction:
        transaction.put(large, json.dumps(old).encode(), db=store.tables[b"settings"])
    assert "10 embeddings removed" in run("cache", "prune", folder, "--older-than", 30).output
    again = FrozenEncoderTransformer(
        NamedTower, preprocess=PREPROCESS, cache=folder, normalize=False
    ).transform(picture_files)
    np.testing.assert_allclose(again, rows, atol=1e-6)


def run_count(store, key):
    from sklearn_ssafe.store.upkeep import count_rows

    return count_rows(store)[key]


def test_export_writes_path_hash_and_embedding(filled, picture_files, tmp_path):
    folder, rows = filled
    output = tmp_path / "out.parquet"
    result = run("cache", "export", folder, "-o", output)
    assert result.exit_code == 1
    assert "--settings" in result.output
    first, second = names_of_settings(run("cache", "info", folder).output)
    for name in (first, second):
        result = run(
            "cache",
            "export",
            folder,
            picture_files[3].rpartition("/")[0],
            "-o",
            output,
            "--settings",
            name,
        )
        assert result.exit_code == 0, result.output
        table = pd.read_parquet(output)
        assert list(table.columns) == ["path", "hash", "embedding"]
        if len(table) == 10:
            break
        assert "8 pictures have no embedding" in result.output
    table = table.set_index("path").loc[picture_files]
    np.testing.assert_array_equal(np.stack(table["embedding"]), rows)
    expected = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in picture_files]
    assert table["hash"].tolist() == expected
    assert run("cache", "export", folder, "-o", output, "--settings", name).exit_code == 0
    nameless = pd.read_parquet(output)
    assert nameless["path"].isna().all()
    assert sorted(nameless["hash"]) == sorted(expected)
