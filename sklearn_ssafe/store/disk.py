"""Embeddings in a folder: an LMDB file that several processes read and write at once.

Four tables. ``rows``: 16 bytes of the settings and 32 of the picture, to a checksum and the
embedding. ``files``: 16 bytes that stand for a path, to size, time of modification and the
picture's 32 bytes. ``settings``: their 16 bytes to a JSON description. ``about``: the version of
this format.
"""

import datetime
import json
import os
import stat
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import lmdb

from .claims import Claims
from .packing import packed, unpacked
from .structure import DamagedError, check_pages, is_unfinished, read_metas
from .trouble import IF_DAMAGED, StoreError, explain

FORMAT = 1
"""Version of the tables' format. A store of a newer one is left alone."""

FILE_NAME = "embeddings.lmdb"
CLAIMS_NAME = "embeddings.claims"
_TABLES = (b"about", b"rows", b"files", b"settings")
# The file may grow so far without further ado; it takes only the space that it needs.
_FIRST_MAP_BYTES = 2**26
_MAX_READERS = 512
# What LMDB maps of its lock file: 64 bytes a reader, and a head.
_LOCK_BYTES = 64 * (_MAX_READERS + 64)
# Embeddings say something of pictures.
_OWNER_ONLY = 0o600


class DiskStore:
    """A folder of embeddings; of each folder a process opens one at most, by `open_disk_store`.

    Every `put` is one transaction: whatever happens to the process, it is there as a whole or not
    at all, and nothing that was there before is touched. The files are readable by their owner
    alone; whoever is to share them has to be let in by `chmod`.
    """

    def __init__(self, folder, create=True):
        self.folder = folder
        self.path = folder / FILE_NAME
        self.n_damaged = 0
        self._lock = threading.RLock()  # LMDB's map may only grow while nobody looks at it
        self._described = {}
        self._env = self._claims = None
        with self.explained():
            if create:
                _make_folder(folder)
            elif not self.path.exists():
                raise StoreError(f"{folder} holds no {FILE_NAME}: it is no cache of embeddings")
            _refuse_what_is_no_file(self.path)
            for path in (folder / CLAIMS_NAME, _lock_of(self.path)):
                _refuse_what_is_no_file(path, follow_links=False)
            writable = os.access(folder, os.W_OK)
            self.read_only = not (
                writable and (not self.path.exists() or os.access(self.path, os.W_OK))
            )
            self._claims = Claims(None if self.read_only else folder / CLAIMS_NAME)
            if not self._claims.enter():
                raise StoreError(f"{folder} is being pruned by another process: try again later")
            if create and not self.read_only:
                _create(self.path)
            if not self.read_only:
                _reserve(_lock_of(self.path))
            read_metas(self.path)  # LMDB would take its own numbers from there
            self._open()
            self.identity = _identity(self.path)

    def _open(self):
        self._env = _environment(self.path, self.read_only)
        if not self.read_only:
            self._env.reader_check()  # free what killed processes held
        self._check_pages()
        try:
            self.tables = self._open_tables()
        except lmdb.MapResizedError:  # by another process
            self._env.set_mapsize(0)
            self.tables = self._open_tables()
        with self.reading() as transaction:
            found = bytes(transaction.get(b"format", b"", db=self.tables[b"about"]))
        if not found.isdigit():
            raise StoreError(f"{self.path} is damaged: it has no format version. {IF_DAMAGED}")
        if int(found) > FORMAT:
            raise StoreError(
                f"{self.path} is of format {int(found)}, and this sklearn-ssafe knows formats up "
                f"to {FORMAT}: upgrade it, or name another folder"
            )

    def _open_tables(self):
        return {name: self._env.open_db(name, create=False) for name in _TABLES}

    def _check_pages(self, with_rows=False):
        """Look at all pages before LMDB follows them, and do without the file if one is damaged."""
        with self.reading() as transaction:
            check_pages(self.path, transaction.id(), with_rows)

    def check_before_removal(self):
        """Look at what stands before long values, too: LMDB trusts it when it frees their pages."""
        with self.explained():
            self._check_pages(with_rows=True)

    def find_files(self, states):
        """Recognise files that have not changed since their content was hashed."""
        found = []
        with self.explained(), self.reading() as transaction:
            for state in states:
                entry = transaction.get(state.path_key, db=self.tables[b"files"])
                same = entry is not None and len(entry) == 48 and entry[:16] == state.stamp
                found.append(bytes(entry[16:]) if same else None)
        return found

    def get(self, settings, digests):
        """Return embeddings."""
        rows = []
        with self.explained(), self.reading() as transaction:
            for digest in digests:
                key = settings.key + digest
                value = transaction.get(key, db=self.tables[b"rows"])
                row = None
                if value is not None:
                    row = unpacked(key, value, settings.n_features)
                    self.n_damaged += row is None
                rows.append(row)
        return rows

    def put(self, settings, rows, files):
        """Keep embeddings, all of them or none."""
        if self.read_only:
            raise StoreError(f"{self.folder} is read-only: new embeddings cannot be kept in it")
        keyed = {settings.key + digest: row for digest, row in rows.items()}
        values = {key: packed(key, row) for key, row in keyed.items()}
        today = datetime.date.today().isoformat()
        entries = {b"rows": values, b"settings": {}}
        if self._described.get(settings.key) != today:
            entries[b"settings"] = self._description(settings, today)
        entries[b"files"] = {
            path_key: stamp + digest for path_key, (stamp, digest) in files.items()
        }
        with self.explained(), self._lock:
            if self._holds_any(values):
                self._check_pages(with_rows=True)
            self.put_entries(entries)
            self._described[settings.key] = today

    def put_entries(self, entries):
        """Put into each table what is given for it, all of it or none."""
        with self.explained(), self._lock:
            while True:
                try:
                    with self.writing() as transaction:
                        for table, values in entries.items():
                            for key, value in values.items():
                                transaction.put(key, value, db=self.tables[table])
                    return
                except lmdb.MapFullError:
                    self._env.set_mapsize(2 * self._env.info()["map_size"])

    def _holds_any(self, keys):
        with self.reading() as transaction:
            return any(transaction.get(key, db=self.tables[b"rows"]) is not None for key in keys)

    def claim(self, settings, digest):
        """Claim a picture, so that nobody else encodes it meanwhile."""
        return self._claims.take(settings.key + digest)

    def release(self, settings, digests):
        """Give claims back."""
        self._claims.release([settings.key + digest for digest in digests])

    def compact(self):
        """Give the space of removed rows back to the disk, and close the store."""
        with self.explained(), self._lock:
            done = self._claims.be_alone()
            if done:
                with tempfile.TemporaryDirectory(dir=self.folder, prefix=".compact-") as new:
                    smaller = Path(new) / FILE_NAME
                    self._env.copy(_name(smaller), compact=True)
                    smaller.chmod(stat.S_IMODE(self.path.stat().st_mode))
                    self._env.close()
                    os.replace(smaller, self.path)
            else:
                self._fill_up()
        self.close()
        return done

    def _fill_up(self):
        """Make the file as long as LMDB says, which leaves out pages at the end that are free."""
        needed = (self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"]
        if self.path.stat().st_size < needed:
            os.truncate(self.path, needed)

    def close(self):
        """Let go of the folder."""
        with self._lock:
            _open_stores.pop(self.folder, None)
            if self._env is not None:
                self._env.close()
            if self._claims is not None:
                self._claims.close()

    def _description(self, settings, today):
        """What the settings are, and when something was last encoded."""
        about = {**settings.description, "n_features": settings.n_features, "last_written": today}
        return {settings.key: json.dumps(about).encode()}

    @contextmanager
    def reading(self):
        """Begin a transaction that reads; its values are views that end with it."""
        with self._lock, self._begin(buffers=True) as transaction:
            yield transaction

    @contextmanager
    def writing(self):
        """Begin a transaction that writes all or nothing."""
        with self._lock, self._begin(write=True) as transaction:
            yield transaction

    def _begin(self, **options):
        try:
            return self._env.begin(**options)
        except lmdb.MapResizedError:  # by another process
            self._env.set_mapsize(0)
            return self._env.begin(**options)

    @contextmanager
    def explained(self):
        """Turn whatever goes wrong into `StoreError`."""
        try:
            yield
        except StoreError:
            self.close()
            raise
        except DamagedError as error:
            self.close()
            raise StoreError(f"{self.path} is damaged: {error}. {IF_DAMAGED}") from error
        except lmdb.Error as error:
            self.close()  # LMDB may refuse to go on with it: the next call opens it afresh
            raise StoreError(explain(self.path, error)) from error
        except OSError as error:
            self.close()
            raise StoreError(f"{self.folder}: {error.strerror or error}") from error


def open_disk_store(folder, create=True):
    """Open the store in a folder, or return it where this process has it open."""
    try:
        folder = Path(folder).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # a home that nobody has, or links in a circle
        raise StoreError(f"{folder}: {getattr(error, 'strerror', None) or error}") from error
    with _opening:
        store = _open_stores.get(folder)
        if store is not None and store.identity == _identity(store.path):
            return store
        if store is not None:  # somebody removed the folder, or put another file there
            store.close()
        _open_stores[folder] = store = DiskStore(folder, create)
        return store


def close_store(folder):
    """Let go of a folder, where this process has it open."""
    with _opening:
        store = _open_stores.get(folder)
        if store is not None:
            store.close()


_open_stores = {}
_opening = threading.Lock()


def _after_fork():
    """Let a forked process open its own: LMDB must not be used across a fork."""
    global _opening
    for store in _open_stores.values():
        store._env.close()  # of this process's copy alone: py-lmdb knows about forks
    _open_stores.clear()
    _opening = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _environment(path, read_only=False, **options):
    return lmdb.open(
        _name(path),
        subdir=False,
        readonly=read_only,
        mode=_OWNER_ONLY,
        map_size=_FIRST_MAP_BYTES,
        max_dbs=len(_TABLES) + 4,
        max_readers=_MAX_READERS,
        # An embedding is not lost when this process ends, and the file not damaged when the
        # machine stops; in that case the last moments' embeddings may be lost.
        **{"lock": not read_only, "metasync": False, **options},
    )


def _name(path):
    """Return a path as LMDB takes it: its name need not be Unicode."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def _make_folder(folder):
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise StoreError(f"{folder} is no folder, and embeddings are kept in one") from None


def _lock_of(path):
    """Return where LMDB puts its lock."""
    return path.with_name(f"{path.name}-lock")


def _refuse_what_is_no_file(path, follow_links=True):
    """A pipe would be waited for, a device read, and what a lock leads to written over."""
    try:
        mode = os.stat(path, follow_symlinks=follow_links).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path} is no file: remove it, or name another folder")


def _create(path):
    """Make an empty store beside its place and put it there, so that a full disk leaves none."""
    try:
        if not is_unfinished(path):
            return
    except FileNotFoundError:
        pass
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as folder:
        new = Path(folder) / FILE_NAME
        environment = _environment(new, lock=False, metasync=True)
        with environment, environment.begin(write=True) as transaction:
            tables = [environment.open_db(name, transaction) for name in _TABLES]
            transaction.put(b"format", str(FORMAT).encode(), db=tables[0])
        if path.exists():  # with nothing in it
            os.replace(new, path)
            return
        try:
            os.link(new, path)
        except FileExistsError:  # another process was faster
            return
        except OSError:  # a file system without links
            os.replace(new, path)


def _reserve(path):
    """Give the lock file its blocks: on a full disk, writing to its map would end the process."""
    if not hasattr(os, "posix_fallocate"):
        return
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        os.posix_fallocate(file, 0, _LOCK_BYTES)
    finally:
        os.close(file)


def _identity(path):
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
