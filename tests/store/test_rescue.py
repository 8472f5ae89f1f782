"""What is sound in a damaged store is kept, and nothing else."""

import random

import numpy as np
import pytest

from sklearn_ssafe.store.disk import FILE_NAME, open_disk_store
from sklearn_ssafe.store.rescue import rescue
from sklearn_ssafe.store.trouble import StoreError
from sklearn_ssafe.store.upkeep import count_files, count_rows, prune, read_settings

from ..command_line.conftest import run
from .test_disk import (
    SETTINGS,
    Settings,
    assert_holds,
    digest,
    finished,
    in_another_process,
    row,
    some_rows,
)

LONG = Settings("long", 768)


class Named(Settings):
    """Settings whose key is the hash of their description, as that of the real ones is."""

    def __init__(self, name, n_features):
        import hashlib
        import json

        super().__init__(name, n_features)
        text = json.dumps(self.description, sort_keys=True)
        self.key = hashlib.sha256(text.encode()).digest()[:16]


def filled(folder, n_rows=300):
    store = open_disk_store(folder)
    for start in range(0, n_rows, 20):
        numbers = range(start, start + 20)
        store.put(
            SETTINGS, some_rows(numbers), {digest(n)[:16]: (bytes(16), digest(n)) for n in numbers}
        )
        store.put(LONG, {digest(n): row(n, 768) for n in numbers}, {})
    store.close()
    return folder / FILE_NAME


def test_a_sound_store_keeps_all_of_it(tmp_path):
    filled(tmp_path)
    assert rescue(tmp_path) == 600
    store = open_disk_store(tmp_path)
    assert_holds(store, range(300))
    for number, values in enumerate(store.get(LONG, [digest(n) for n in range(300)])):
        np.testing.assert_array_equal(values, row(number, 768))
    assert count_files(store) == 0  # they are read and hashed once more
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("damage", ["beginning", "root", "some pages", "end"])
def test_what_is_lost_is_what_was_damaged(tmp_path, damage):
    path = filled(tmp_path)
    content = bytearray(path.read_bytes())
    n_pages, noise = len(content) // 4096, random.Random(0)
    if damage == "beginning":
        content[: 2 * 4096] = bytes(2 * 4096)
    elif damage == "root":
        for page in range(2, n_pages):  # every branch
            if content[4096 * page + 10] == 1:
                content[4096 * page : 4096 * (page + 1)] = bytes(4096)
    elif damage == "some pages":
        for page in noise.sample(range(2, n_pages), 12):
            content[4096 * page : 4096 * (page + 1)] = noise.randbytes(4096)
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)
    with pytest.raises(StoreError, match="ssafe cache repair FOLDER"):
        open_disk_store(tmp_path).get(SETTINGS, [digest(n) for n in range(300)])
    result = run("cache", "repair", tmp_path)
    assert result.exit_code == 0
    n_kept = int(result.output.split()[0])
    assert n_kept >= {"beginning": 600, "root": 600, "some pages": 250, "end": 150}[damage]
    store = open_disk_store(tmp_path)
    assert sum(count_rows(store).values()) == n_kept
    for settings in (SETTINGS, LONG):
        found = store.get(settings, [digest(n) for n in range(300)])
        for number, values in enumerate(found):
            assert values is None or np.array_equal(values, row(number, settings.n_features))
    store.put(SETTINGS, some_rows(range(300)), {})
    assert_holds(store, range(300))


def test_settings_are_known_by_their_hash(tmp_path):
    named = Named("real", 192)
    store = open_disk_store(tmp_path)
    store.put(named, some_rows(range(5)), {})
    with store.writing() as transaction:
        transaction.put(bytes(16), b"{}", db=store.tables[b"settings"])
    assert rescue(tmp_path) == 5
    settings = read_settings(open_disk_store(tmp_path))
    assert list(settings) == [named.key]
    assert settings[named.key]["n_features"] == 192
    assert prune(open_disk_store(tmp_path)) == (0, True)


def test_a_store_in_use_is_left_alone(tmp_path):
    filled(tmp_path)
    output = finished(
        in_another_process(
            """
            store = open_disk_store(sys.argv[1])
            child = in_another_process(
                "from sklearn_ssafe.store.rescue import rescue\\n"
                "try:\\n    rescue(sys.argv[1])\\n"
                "except StoreError as error:\\n    print(error)",
                sys.argv[1],
            )
            print(finished(child))
            """,
            tmp_path,
        )
    )
    assert "is being used by another process" in output
    assert_holds(open_disk_store(tmp_path), range(300))


def test_no_store_is_told(tmp_path):
    with pytest.raises(StoreError, match="holds no"):
        rescue(tmp_path)
