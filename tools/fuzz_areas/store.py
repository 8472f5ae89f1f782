"""Stores of embeddings: what is changed is told or right, and whoever is killed loses nothing."""

import hashlib
import os
import shutil
import signal
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from fuzz_areas.changes import changed
from fuzz_areas.faults import Fault
from sklearn_ssafe.store import upkeep
from sklearn_ssafe.store.disk import FILE_NAME, open_disk_store
from sklearn_ssafe.store.trouble import StoreError

# One trial in so many is a kill instead.
_KILL_EACH = 20


class Settings:
    """As the real ones, without an encoder."""

    def __init__(self, name, n_features):
        self.description = {"encoder": name}
        self.key = hashlib.sha256(name.encode()).digest()[:16]
        self.n_features = n_features


SHORT, LONG = Settings("short", 192), Settings("long", 768)


def digest(number):
    """Stand for a picture."""
    return hashlib.sha256(b"%d" % number).digest()


def row(settings, number):
    """Return its embedding."""
    return np.random.default_rng(number).standard_normal(settings.n_features, dtype=np.float32)


def rows_of(settings, numbers):
    """Return embeddings by what they are of."""
    return {digest(number): row(settings, number) for number in numbers}


@cache
def sound_files():
    """Return stores of one and of several levels of pages, with some that are free again."""
    found = []
    for n_rows in (3, 60, 400):
        with tempfile.TemporaryDirectory() as folder:
            store = open_disk_store(folder)
            for start in range(0, n_rows, 20):
                numbers = range(start, min(n_rows, start + 20))
                files = {digest(n)[:16]: (bytes(16), digest(n)) for n in numbers}
                store.put(SHORT, rows_of(SHORT, numbers), files)
                store.put(LONG, rows_of(LONG, numbers), {})
            with store.writing() as transaction:
                for number in range(0, n_rows, 3):
                    transaction.delete(LONG.key + digest(number), db=store.tables[b"rows"])
            store.put(SHORT, rows_of(SHORT, [10_000]), {})
            found.append((store.path.read_bytes(), n_rows))
            store.close()
    return found


def make(noise, folder):
    """Write a changed store, or say when a process is to be killed."""
    if noise.randrange(_KILL_EACH) == 0:
        (folder / "kill").write_text(str(noise.uniform(0, 0.2)))
        return 1
    content, _ = noise.choice(sound_files())
    pages = [content[start : start + 4096] for start in range(0, len(content), 4096)]
    if noise.random() < 0.3:
        new = changed(noise, content)
    else:  # one page, so that no damage hides another
        place = noise.randrange(len(pages))
        new_page = noise.choice(pages) if noise.random() < 0.2 else changed(noise, pages[place])
        pages[place] = new_page[:4096].ljust(4096, b"\0")
        new = b"".join(pages)
    (folder / FILE_NAME).write_bytes(new)
    if noise.random() < 0.1:
        (folder / f"{FILE_NAME}-lock").write_bytes(noise.randbytes(noise.choice((1, 100, 40_000))))
    return 1


def check(folder):
    """Read, write and prune."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if (folder / "kill").exists():
            _kill(folder, float((folder / "kill").read_text()))
            return
        for step in (_read, _write, _look_after):
            try:
                step(folder)
            except StoreError:
                continue


def _read(folder):
    store = open_disk_store(folder)
    try:
        for settings in (SHORT, LONG):
            _compare(settings, range(400), store.get(settings, [digest(n) for n in range(400)]))
    finally:
        store.close()


def _write(folder):
    store = open_disk_store(folder)
    try:
        for settings in (SHORT, LONG):
            numbers = range(40, 70)
            store.put(settings, rows_of(settings, numbers), {})
            found = store.get(settings, [digest(number) for number in numbers])
            if any(values is None for values in found):
                raise Fault("rows lost", "what was put is not there")
            _compare(settings, numbers, found)
    finally:
        store.close()


def _look_after(folder):
    store = open_disk_store(folder)
    try:
        upkeep.count_rows(store)
        upkeep.count_files(store)
        upkeep.prune(store, [LONG.key])
    finally:
        store.close()
    _read(folder)


def _compare(settings, numbers, found):
    for number, values in zip(numbers, found, strict=True):
        if values is not None and not np.array_equal(values, row(settings, number)):
            raise Fault("wrong", f"the row of {number} is another's")


def _kill(folder, seconds):
    """Kill a process that writes, and look for what it said it had written."""
    cache_folder = folder / "cache"
    shutil.rmtree(cache_folder, ignore_errors=True)
    reading, telling = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            store = open_disk_store(cache_folder)
            for start in range(0, 10**6, 8):
                store.put(LONG, rows_of(LONG, range(start, start + 8)), {})
                os.write(telling, start.to_bytes(8, "little"))
        finally:
            os._exit(1)
    os.close(telling)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    promised = b""
    while part := os.read(reading, 2**16):
        promised += part
    os.close(reading)
    n_promised = len(promised) // 8 * 8
    store = open_disk_store(cache_folder)
    try:
        found = store.get(LONG, [digest(number) for number in range(n_promised)])
        if any(values is None for values in found):
            raise Fault("rows lost", f"{n_promised} rows were written, and not all are there")
        _compare(LONG, range(n_promised), found)
        store.put(LONG, rows_of(LONG, [10**7]), {})
    finally:
        store.close()
    Path(folder / "n_promised").write_text(str(n_promised))
