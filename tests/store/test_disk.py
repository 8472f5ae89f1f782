"""The store on disk, with numbers that tell which row they belong to: no encoder, no torch."""

import hashlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
from pathlib import Path

import lmdb
import numpy as np
import pytest

from sklearn_ssafe.images.file_state import FileState
from sklearn_ssafe.store import disk
from sklearn_ssafe.store.disk import FILE_NAME, FORMAT, DiskStore, open_disk_store
from sklearn_ssafe.store.memory import MemoryStore
from sklearn_ssafe.store.trouble import StoreError
from sklearn_ssafe.store.upkeep import count_rows, each_row, prune, read_settings


class Settings:
    """As the real ones, without an encoder."""

    def __init__(self, name="a", n_features=192):
        self.description = {"encoder": name}
        self.key = hashlib.sha256(name.encode()).digest()[:16]
        self.n_features = n_features


SETTINGS = Settings()


def digest(number):
    return hashlib.sha256(b"%d" % number).digest()


def row(number, n_features=192):
    return np.random.default_rng(number).standard_normal(n_features, dtype=np.float32)


def some_rows(numbers):
    return {digest(number): row(number) for number in numbers}


def assert_holds(store, numbers):
    found = store.get(SETTINGS, [digest(number) for number in numbers])
    for number, values in zip(numbers, found, strict=True):
        assert values is not None, number
        np.testing.assert_array_equal(values, row(number))


def in_another_process(script, *arguments, **options):
    """Start a script that has this module's names."""
    script = f"from tests.store.test_disk import *\n{textwrap.dedent(script)}"
    path = os.pathsep.join([str(Path(__file__).parents[2]), *(p for p in sys.path if p)])
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finished(process):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output


# In and out ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_rows_come_back_to_the_bit(tmp_path, kind):
    store = open_disk_store(tmp_path / "new" / "folder") if kind == "disk" else MemoryStore()
    special = {digest(0): np.array([0.0, -0.0, np.finfo(np.float32).max, 1e-45], np.float32)}
    few = Settings("few", 4)
    store.put(few, special, {})
    store.put(SETTINGS, some_rows(range(100)), {})
    assert_holds(store, range(100))
    assert store.get(few, [digest(0)])[0].tobytes() == special[digest(0)].tobytes()
    assert store.get(SETTINGS, [digest(100)]) == [None]
    assert store.get(few, [digest(1)]) == [None]


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_files_are_recognised_by_path_size_and_time(tmp_path, kind, monkeypatch):
    store = open_disk_store(tmp_path / "cache") if kind == "disk" else MemoryStore()
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    assert not FileState(path).is_settled()
    os.utime(path, ns=(10**18, 10**18))
    state = FileState(path)
    assert state.is_settled()
    assert store.find_files([state]) == [None]
    store.put(SETTINGS, some_rows([1]), {state.path_key: (state.stamp, digest(1))})
    assert store.find_files([state, FileState(path)]) == [digest(1)] * 2
    monkeypatch.chdir(tmp_path)
    assert store.find_files([FileState("a.jpg")]) == [digest(1)]
    os.utime(path, ns=(10**18, 10**18 + 1))  # one nanosecond
    assert store.find_files([FileState(path)]) == [None]
    path.write_bytes(b"four")
    os.utime(path, ns=(10**18, 10**18))
    assert store.find_files([FileState(path)]) == [None]


def test_no_file_name_is_stored_in_the_clear(tmp_path):
    path = tmp_path / "patient_of_ward_7.jpg"
    path.write_bytes(b"one")
    state = FileState(path)
    store = open_disk_store(tmp_path / "cache")
    store.put(SETTINGS, some_rows([1]), {state.path_key: (state.stamp, digest(1))})
    for file in (tmp_path / "cache").iterdir():
        content = file.read_bytes() if file.name != FILE_NAME else store.path.read_bytes()
        assert b"patient" not in content


def test_the_file_grows_as_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_FIRST_MAP_BYTES", 2**16)
    store = open_disk_store(tmp_path)
    for start in range(0, 4000, 1000):
        store.put(SETTINGS, some_rows(range(start, start + 1000)), {})
    assert store.path.stat().st_size > 2**20
    assert_holds(store, range(4000))
    assert read_settings(store)[SETTINGS.key]["n_features"] == SETTINGS.n_features


def test_one_store_for_a_folder_and_a_new_one_when_it_was_removed(tmp_path):
    store = open_disk_store(tmp_path / "cache")
    assert open_disk_store(str(tmp_path / "x" / ".." / "cache")) is store
    store.put(SETTINGS, some_rows(range(3)), {})
    for file in (tmp_path / "cache").iterdir():
        file.unlink()
    (tmp_path / "cache").rmdir()
    again = open_disk_store(tmp_path / "cache")
    assert again.get(SETTINGS, [digest(0)]) == [None]
    again.put(SETTINGS, some_rows(range(5)), {})
    assert_holds(again, range(5))


def test_memory_is_bounded_and_forgets_what_was_used_longest_ago():
    store = MemoryStore(max_bytes=100 * 1024)
    for number in range(500):
        store.put(SETTINGS, some_rows([number]), {digest(number): (b"stamp", digest(number))})
        store.get(SETTINGS, [digest(0)])
        assert store._n_bytes <= store.max_bytes
    kept = [n for n in range(500) if store.get(SETTINGS, [digest(n)])[0] is not None]
    assert kept[0] == 0
    assert kept[1:] == list(range(501 - len(kept), 500))
    assert 50 < len(kept) < 100


# Several processes -----------------------------------------------------------------------------

WRITE = """
    store = open_disk_store(sys.argv[1])
    for start in range(int(sys.argv[2]), int(sys.argv[3]), 20):
        store.put(SETTINGS, some_rows(range(start, start + 20)), {})
        seen = store.get(SETTINGS, [digest(n) for n in range(4000)])
        for number, values in enumerate(seen):
            assert values is None or np.array_equal(values, row(number))
"""


def test_two_processes_write_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_FIRST_MAP_BYTES", 2**16)
    small = f"disk._FIRST_MAP_BYTES = {2**16}\n" + textwrap.dedent(WRITE)
    writers = [
        in_another_process(small, tmp_path, start, end) for start, end in ((0, 300), (200, 500))
    ]
    mine = open_disk_store(tmp_path)
    for number in range(500, 700):  # while the others let the file grow
        mine.put(SETTINGS, some_rows([number]), {})
    for writer in writers:
        finished(writer)
    assert_holds(mine, range(700))


def test_a_claim_keeps_others_off_and_ends_with_its_holder(tmp_path):
    store = open_disk_store(tmp_path)
    holder = in_another_process(
        """
        store = open_disk_store(sys.argv[1])
        assert all(store.claim(SETTINGS, digest(n)) for n in range(10))
        store.release(SETTINGS, [digest(9)])
        print("holding", flush=True)
        sys.stdin.read()
        """,
        tmp_path,
        stdin=subprocess.PIPE,
    )
    assert holder.stdout.readline() == "holding\n"
    assert not any(store.claim(SETTINGS, digest(number)) for number in range(9))
    assert store.claim(SETTINGS, digest(9))
    assert store.claim(SETTINGS, digest(10))
    assert store.claim(Settings("other"), digest(0))
    holder.kill()
    holder.communicate()
    assert store.claim(SETTINGS, digest(0))
    assert not store.claim(SETTINGS, digest(0))  # another thread may ask in this process
    store.release(SETTINGS, [digest(0), digest(77)])
    assert store.claim(SETTINGS, digest(0))


def _in_a_fork(folder, queue):
    store = open_disk_store(folder)
    store.put(SETTINGS, some_rows(range(10, 20)), {})
    assert_holds(store, range(20))
    queue.put("fine")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_opens_its_own(tmp_path):
    store = open_disk_store(tmp_path)
    store.put(SETTINGS, some_rows(range(10)), {})
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_a_fork, args=(tmp_path, queue))
    child.start()
    assert queue.get(timeout=60) == "fine"
    child.join()
    store.put(SETTINGS, some_rows(range(20, 30)), {})
    assert_holds(store, range(30))


# Killed at any moment --------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_kill_9_at_fifty_random_moments_loses_and_damages_nothing(tmp_path):
    """One process is killed in its loop of writes; a fork server saves 50 starts of Python."""
    waits = random.Random(0)
    n_promised = 0
    for _ in range(50):
        parent, child = multiprocessing.Pipe(duplex=False)
        writer = _fork_server().Process(
            target=_write_until_killed, args=(tmp_path, n_promised, child)
        )
        writer.start()
        child.close()
        n_promised = parent.recv()  # it writes now
        time.sleep(waits.uniform(0, 0.03))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        try:
            while True:
                n_promised = parent.recv()
        except EOFError:
            parent.close()
        store = open_disk_store(tmp_path)
        assert_holds(store, range(n_promised))
        ahead = store.get(
            SETTINGS, [digest(number) for number in range(n_promised, n_promised + 16)]
        )
        batches = [[values is not None for values in ahead[start : start + 8]] for start in (0, 8)]
        assert batches[0] in ([True] * 8, [False] * 8)  # as a whole or not at all
        assert batches[1] == [False] * 8
        if batches[0][0]:
            assert_holds(store, range(n_promised, n_promised + 8))
    assert n_promised > 50 * 8
    assert store.n_damaged == 0


def _fork_server():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _write_until_killed(folder, number, tell):
    store = open_disk_store(folder)
    while True:
        states = {digest(n)[:16]: (digest(n)[16:], digest(n)) for n in range(number, number + 8)}
        store.put(SETTINGS, some_rows(range(number, number + 8)), states)
        number += 8
        tell.send(number)


# When something is wrong -----------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_a_full_disk_is_told_and_what_is_there_stays(tmp_path):
    open_disk_store(tmp_path).put(SETTINGS, some_rows(range(50)), {})
    output = finished(
        in_another_process(
            """
            import resource
            import shutil
            store = open_disk_store(sys.argv[1])
            size = store.path.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2**16,) * 2)
            try:
                for start in range(1000, 3000, 20):
                    store.put(SETTINGS, some_rows(range(start, start + 20)), {})
            except StoreError as error:
                print(error)
            store = open_disk_store(sys.argv[1])
            assert_holds(store, range(50))
            shutil.disk_usage = lambda path: type("Usage", (), {"free": 0})
            try:
                store.put(SETTINGS, some_rows(range(3000, 4000)), {})
            except StoreError as error:
                print(error)
            assert_holds(open_disk_store(sys.argv[1]), range(50))
            """,
            tmp_path,
        )
    )
    assert "Input/output error" in output  # as LMDB calls a write that was cut short
    assert "the disk is full" in output
    store = open_disk_store(tmp_path)
    assert_holds(store, range(50))
    store.put(SETTINGS, some_rows(range(1000, 3000)), {})  # there is space again
    assert_holds(store, range(1000, 3000))


@pytest.fixture
def open_to_all():
    """A folder that other users may look into, which pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions as Unix has them")
def test_a_read_only_folder_is_read(open_to_all):
    folder = open_to_all / "cache"
    open_disk_store(folder).put(SETTINGS, some_rows(range(50)), {})
    for path in (*folder.iterdir(), folder):
        path.chmod(0o444 if path.is_file() else 0o555)
    output = finished(
        in_another_process(
            """
            # All of it once as root: it loads the modules, which may be out of reach later.
            store = open_disk_store(sys.argv[1])
            assert_holds(store, range(50))
            store.close()
            other = open_disk_store(Path(sys.argv[1]).with_name("other"))
            other.put(SETTINGS, some_rows([0]), {})
            if os.geteuid() == 0:
                os.setuid(65534)  # root may write everywhere
            store = open_disk_store(sys.argv[1])
            assert store.read_only
            assert_holds(store, range(50))
            try:
                store.put(SETTINGS, some_rows([50]), {})
            except StoreError as error:
                print(error)
            try:
                open_disk_store(Path(sys.argv[1]) / "new")
            except StoreError as error:
                print(error)
            """,
            folder,
        )
    )
    assert "read-only" in output
    assert "ermission denied" in output
    folder.chmod(0o755)


def with_table(folder, name, key, value):
    with lmdb.open(str(folder / FILE_NAME), subdir=False, max_dbs=8) as environment:
        table = environment.open_db(name)
        with environment.begin(write=True) as transaction:
            transaction.put(key, value, db=table)


def test_a_store_of_a_newer_format_is_left_alone(tmp_path):
    store = open_disk_store(tmp_path)
    store.put(SETTINGS, some_rows(range(5)), {})
    store.close()
    with_table(tmp_path, b"about", b"format", b"%d" % (FORMAT + 1))
    with pytest.raises(StoreError, match=f"format {FORMAT + 1}.*upgrade"):
        open_disk_store(tmp_path)
    with_table(tmp_path, b"about", b"format", b"%d" % FORMAT)
    assert_holds(open_disk_store(tmp_path), range(5))


def test_a_damaged_row_counts_as_absent_and_is_written_again(tmp_path):
    store = open_disk_store(tmp_path)
    store.put(SETTINGS, some_rows(range(5)), {})
    store.close()
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes().replace(row(3).tobytes(), row(4).tobytes()))
    store = open_disk_store(tmp_path)
    assert_holds(store, (0, 1, 2, 4))
    assert store.get(SETTINGS, [digest(3)]) == [None]
    assert store.n_damaged == 1
    store.put(SETTINGS, some_rows([3]), {})
    assert_holds(store, range(5))


@pytest.mark.parametrize("damage", ["no LMDB", "empty", "short", "zeros", "other tables"])
def test_a_damaged_file_is_told(tmp_path, damage):
    path = tmp_path / FILE_NAME
    if damage == "other tables":
        with_table(tmp_path, b"recipes", b"cake", b"flour")
    elif damage == "no LMDB":
        path.write_bytes(b"something else altogether" * 1000)
    else:
        store = open_disk_store(tmp_path)
        for start in range(0, 1000, 100):
            store.put(SETTINGS, some_rows(range(start, start + 100)), {})
        store.close()
        content = path.read_bytes()
        kept = {"empty": 0, "short": len(content) // 2, "zeros": 3 * 4096}[damage]
        path.write_bytes(content[:kept] + bytes(len(content) - kept if damage == "zeros" else 0))
    if damage == "empty":  # as a file that nobody has written to yet
        open_disk_store(tmp_path).put(SETTINGS, some_rows([1]), {})
        return
    with pytest.raises(StoreError, match="damaged"):
        store = open_disk_store(tmp_path)
        assert_holds(store, range(1000))


def lived_in(folder):
    """A store with short and long values, with pages that are free again, and two settings."""
    store = DiskStore(folder)
    long = Settings("long", 768)
    for start in range(0, 240, 8):
        numbers = range(start, start + 8)
        files = {digest(n)[:16]: (bytes(16), digest(n)) for n in numbers}
        store.put(SETTINGS, some_rows(numbers), files)
        store.put(long, {digest(n): row(n, 768) for n in numbers}, {})
    with store.writing() as transaction:
        for n in range(60):
            transaction.delete(long.key + digest(n), db=store.tables[b"rows"])
    store.put(SETTINGS, some_rows([999]), {})
    store.close()
    return store.path


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each damaged file is opened in a fork")
def test_no_random_damage_ends_the_process_or_gives_wrong_rows(tmp_path):
    """What does not come back is told or absent; what comes back is right, and so is what is put.

    Any page, the first two too, in any way: bytes, numbers, another page's content, an end.
    """
    lived_in(tmp_path)
    output = finished(
        in_another_process(
            """
            folder, path = Path(sys.argv[1]), Path(sys.argv[1]) / FILE_NAME
            content, noise = path.read_bytes(), random.Random(0)
            n_pages, outcomes = len(content) // 4096, []
            for trial in range(120):
                path.write_bytes(damaged(content, noise, n_pages, trial))
                child = os.fork()
                if child == 0:
                    os._exit(use_all_of(folder))
                outcomes.append(os.waitpid(child, 0)[1])
            print(*outcomes)
            """,
            tmp_path,
        )
    )
    outcomes = [os.waitstatus_to_exitcode(int(status)) for status in output.split()]
    assert set(outcomes) == {10, 11}  # no signal, and no other error than StoreError
    assert outcomes.count(11) > 20


def damaged(content, noise, n_pages, trial):
    changed, page = bytearray(content), 4096 * noise.randrange(n_pages)
    if trial % 6 == 0:
        for _ in range(noise.choice([1, 2, 30])):
            changed[page + noise.randrange(4096)] = noise.randrange(256)
    elif trial % 6 == 1:
        changed[page + noise.randrange(200)] ^= 1 << noise.randrange(8)
    elif trial % 6 == 2:
        changed[noise.choice([0, 4096]) + noise.randrange(160)] ^= 1 << noise.randrange(8)
    elif trial % 6 == 3:
        other = 4096 * noise.randrange(n_pages)
        changed[page : page + 4096] = content[other : other + 4096]
    elif trial % 6 == 4:
        place = page + 2 * noise.randrange(100)
        changed[place : place + 2] = noise.randrange(2**16).to_bytes(2, "little")
    elif trial % 12 == 5:
        return changed[: noise.randrange(len(changed))]
    else:
        return changed + bytes(noise.randrange(10_000))
    return changed


def use_all_of(folder):
    """Read, write and prune; return 11 where a `StoreError` was raised, 10 where none was."""
    signal.alarm(60)
    try:
        store = open_disk_store(folder)
        for number, values in enumerate(store.get(SETTINGS, [digest(n) for n in range(240)])):
            assert values is None or np.array_equal(values, row(number))
        store.put(SETTINGS, some_rows(range(200, 260)), {})
        assert_holds(store, range(200, 260))
        read_settings(store)
        count_rows(store)
        assert all(values is None or len(values) for _, values in each_row(store))
        prune(store, [SETTINGS.key])
    except StoreError:
        return 11
    except BaseException:
        traceback.print_exc()
        return 12
    return 10


def test_the_file_that_once_ended_the_process(tmp_path):
    """One number on one page leads beyond it."""
    path = lived_in(tmp_path)
    content = bytearray(path.read_bytes())
    for page in range(8192, len(content), 4096):
        number = page // 4096
        if content[page : page + 12] == number.to_bytes(8, "little") + b"\0\0\2\0":  # a leaf
            content[page + 16 : page + 18] = (4094).to_bytes(2, "little")
    path.write_bytes(content)
    with pytest.raises(StoreError, match="leads out of itself"):
        open_disk_store(tmp_path)


def test_sound_files_are_never_called_damaged(tmp_path):
    """Whatever is put and removed in whatever order, all pages are as they are checked to be."""
    noise, there = random.Random(0), {}
    store = DiskStore(tmp_path)
    for step in range(150):
        with store.writing() as transaction:
            for _ in range(noise.choice([1, 8, 60])):
                key = noise.choice(list(there)) if there and noise.random() < 0.5 else None
                if key is not None and noise.random() < 0.5:
                    transaction.delete(key, db=store.tables[b"rows"])
                    del there[key]
                    continue
                key = key or noise.randbytes(48)
                there[key] = noise.randbytes(noise.choice([132, 772, 2000, 3076, 20_000]))
                transaction.put(key, there[key], db=store.tables[b"rows"])
        store._check_pages(with_rows=step % 2)
    with store.reading() as transaction:
        for key, value in there.items():
            assert bytes(transaction.get(key, db=store.tables[b"rows"])) == value
    store.close()


# What stands in its place, and what else may be odd -----------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices as Unix has them")
@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
@pytest.mark.parametrize("name", [FILE_NAME, f"{FILE_NAME}-lock", "embeddings.claims"])
def test_what_is_no_file_is_refused_at_once(tmp_path, name, kind):
    path = tmp_path / name
    if kind == "device":
        path.symlink_to("/dev/zero")
    else:
        {"pipe": os.mkfifo, "folder": os.mkdir}[kind](path)
    with pytest.raises(StoreError, match="is no file"):
        open_disk_store(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="links as Unix has them")
@pytest.mark.parametrize("name", [f"{FILE_NAME}-lock", "embeddings.claims"])
def test_what_a_link_in_a_locks_place_leads_to_is_left_alone(tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_bytes(b"of somebody else")
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / name).symlink_to(victim)
    with pytest.raises(StoreError, match="is no file"):
        open_disk_store(folder)
    assert victim.read_bytes() == b"of somebody else"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are Unicode")
def test_the_name_of_the_folder_need_not_be_unicode(tmp_path):
    folder = tmp_path / "store\udce9"
    store = open_disk_store(folder)
    store.put_entries({b"rows": {b"k" * 48: b"value"}})
    assert store.compact()
    with open_disk_store(folder).reading() as transaction:
        assert bytes(transaction.get(b"k" * 48, db=open_disk_store(folder).tables[b"rows"]))
    assert (folder / FILE_NAME).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
@pytest.mark.parametrize("limit", [0, 4096, 12_000, 20_000, 40_000])
def test_a_full_disk_at_creation_leaves_nothing_damaged(tmp_path, limit):
    output = finished(
        in_another_process(
            """
            import resource
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
            try:
                open_disk_store(sys.argv[1])
            except StoreError as error:
                print(error)
            """,
            tmp_path,
            limit,
        )
    )
    assert bool(output) == (limit < 40_000)
    store = open_disk_store(tmp_path)  # there is space again
    store.put(SETTINGS, some_rows(range(20)), {})
    assert_holds(store, range(20))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_a_full_disk_left_of_an_earlier_version_is_no_damage(tmp_path):
    with lmdb.open(str(tmp_path / "new"), subdir=False, lock=False):  # with nothing put into it
        pass
    head = (tmp_path / "new").read_bytes()
    for n_bytes in (0, 4096, 6000):
        path = tmp_path / str(n_bytes) / FILE_NAME
        path.parent.mkdir()
        path.write_bytes(head[:n_bytes])
        store = open_disk_store(path.parent)
        store.put(SETTINGS, some_rows([1]), {})
        assert_holds(store, [1])


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no such call on this system")
def test_the_lock_file_has_its_blocks(tmp_path):
    """LMDB writes to a map of it; on a full disk that ends the process where there is no block."""
    store = open_disk_store(tmp_path)
    status = os.stat(tmp_path / f"{FILE_NAME}-lock")
    assert 512 * status.st_blocks >= status.st_size >= 64 * 512
    assert store._env.info()["max_readers"] >= 512


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as Unix has them")
def test_only_the_owner_may_read_it(tmp_path):
    umask = os.umask(0)
    try:
        store = open_disk_store(tmp_path / "cache")
        store.put(SETTINGS, some_rows(range(50)), {})
        assert prune(store) == (0, True)
        assert_holds(open_disk_store(tmp_path / "cache"), range(50))
    finally:
        os.umask(umask)
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "cache").iterdir()}
    assert modes == dict.fromkeys([FILE_NAME, f"{FILE_NAME}-lock", "embeddings.claims"], 0o600)


def test_a_mode_that_its_owner_has_chosen_stays(tmp_path):
    store = open_disk_store(tmp_path)
    store.put(SETTINGS, some_rows(range(50)), {})
    store.path.chmod(0o640)
    assert prune(store) == (0, True)
    assert store.path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("about", [b"{", b"[]", b"{}", b'{"n_features": "x"}', b"\xff"])
def test_a_description_that_is_none(tmp_path, about):
    store = open_disk_store(tmp_path)
    store.put(SETTINGS, some_rows(range(5)), {})
    with store.writing() as transaction:
        transaction.put(SETTINGS.key, about, db=store.tables[b"settings"])
    for look in (read_settings, prune, lambda store: list(each_row(store))):
        with pytest.raises(StoreError, match="damaged"):
            look(open_disk_store(tmp_path))


def test_a_place_that_is_none(tmp_path):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for place, reason in (
        (tmp_path / "file", "is no folder"),
        (tmp_path / "file" / "below", "directory"),
        (tmp_path / "circle", "symbolic links|Symlink loop|is no folder"),
        (tmp_path / ("x" * 300), "too long"),
        ("~nobody_of_this_name/cache", "home"),
        ("/dev/null", "is no folder"),
        ("/proc/none", "o such file|denied"),
    ):
        with pytest.raises(StoreError, match=reason):
            open_disk_store(place)
