"""Whether the pages of a store lead nowhere but to each other, seen before LMDB follows them.

LMDB maps the file into memory and trusts what it reads there: one damaged page can make it read
beyond the end, which ends the process. So the pages are read here first, as plain bytes. The names
are those of LMDB's source, mdb.c of version 0.9; numbers have this machine's byte order.
"""

import mmap
import os
import struct
from typing import NamedTuple

import numpy as np

_MAGIC = 0xBEEFC0DE
_HEADER = 16  # bytes of a page before its content
_META = struct.Struct("=IIQQ48s48sQQ")
_DB = struct.Struct("=IHHQQQQQ")
_BRANCH, _LEAF, _OVERFLOW, _META_PAGE = 1, 2, 4, 8
_BIG_DATA, _SUB_DATA = 1, 2
# MDB_INTEGERKEY, with and without the flag of the environment that the file is no folder.
_FLAGS_OF_FREE = (0x8, 0x4008)
_NO_PAGE = 2**64 - 1
_PAGE_SIZES = tuple(2**power for power in range(9, 17))


class DamagedError(Exception):
    """The file is no sound LMDB file."""


class Meta(NamedTuple):
    """One of the two pages that begin the file: where the tables are, as of one transaction."""

    page_size: int
    free: tuple
    main: tuple
    last_page: int
    transaction: int


def is_unfinished(path):
    """Say whether a file ends before its first page does: nothing was ever written to it."""
    with open(path, "rb") as file:
        head = file.read(2 * min(_PAGE_SIZES))
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        return True
    if len(head) < _HEADER + _META.size:
        return size < len(head) + 1 and head[:8] == bytes(8)
    magic, _, _, _, free, _, _, transaction = _META.unpack_from(head, _HEADER)
    page_size = _DB.unpack(free)[0]
    is_first = magic == _MAGIC and page_size in _PAGE_SIZES and transaction == 0
    return is_first and size < 2 * page_size


def read_metas(path):
    """Return the first two pages, older first; raise `DamagedError` where one is not sound."""
    for _ in range(10):
        try:
            return _read_metas(path)
        except _BetweenTwoError:  # another process has written meanwhile
            continue
    raise DamagedError("its first pages do not fit together")


def check_pages(path, transaction, with_rows=False):
    """Follow all pages as of one transaction, which has to be open so that they stay.

    `with_rows` looks at the head of each long value as well, which is needed before one is replaced
    or removed.
    """
    for meta in read_metas(path):
        if meta.transaction == transaction:
            break
    else:
        raise DamagedError("its first pages are not of the last transaction")
    with open(path, "rb") as file:
        pages = _Pages(file, meta, with_rows)
        tables = pages.walk(meta.main, is_main=True)
        for table in tables:
            pages.walk(table)
        pages.check_free(meta.free, transaction)


def entries_of_all_pages(path):
    """Yield keys and values from every page that holds any, whether or not a table leads there."""
    with open(path, "rb") as file:
        size = _page_size(file)
        pages = _Pages(file, Meta(size, (), (), 2**40, 0), with_rows=False)
        for number in range(2, pages.n_stored):
            page = pages.read(number, size)
            try:
                entries = pages.entries(page, number)
            except DamagedError:
                continue
            yield from entries


def _page_size(file):
    """Return the size of a page as the first page says, or as this machine has it."""
    head = file.read(_HEADER + _META.size)
    if len(head) == _HEADER + _META.size:
        magic, _, _, _, free, *_ = _META.unpack_from(head, _HEADER)
        if magic == _MAGIC and _DB.unpack(free)[0] in _PAGE_SIZES:
            return _DB.unpack(free)[0]
    return mmap.PAGESIZE


class _BetweenTwoError(Exception):
    """The two first pages are not of transactions that follow each other."""


def _read_metas(path):
    with open(path, "rb") as file:
        first = _meta(file.read(_HEADER + _META.size), 0)
        file.seek(first.page_size)
        second = _meta(file.read(_HEADER + _META.size), 1)
    if first.page_size != second.page_size:
        raise DamagedError("its first two pages differ in size")
    apart = second.transaction - first.transaction
    if (first.transaction, apart) != (0, 0) and abs(apart) != 1:
        raise _BetweenTwoError
    return sorted((first, second), key=lambda meta: meta.transaction)


def _meta(page, number):
    if len(page) < _HEADER + _META.size:
        raise DamagedError("its beginning is missing")
    page_number, _, flags = struct.unpack_from("=QHH", page)
    magic, version, address, _, free, main, last_page, transaction = _META.unpack_from(
        page, _HEADER
    )
    free, main = _DB.unpack(free), _DB.unpack(main)
    page_size = free[0]
    right = (
        magic == _MAGIC
        and version == 1
        and (page_number, flags) == (number, _META_PAGE)
        and page_size in _PAGE_SIZES
        and address == 0
        and free[1] in _FLAGS_OF_FREE
        and main[:2] == (0, 0)
        and 1 <= last_page < 2**46 // page_size
        and (transaction == 0 or transaction % 2 == number)
    )
    if not right:
        raise DamagedError("its first pages are not those of a store")
    return Meta(page_size, free, main, last_page, transaction)


class _Pages:
    """The pages of one file, each of which may belong to one table only."""

    def __init__(self, file, meta, with_rows):
        self.file = file
        self.size = meta.page_size
        self.n_pages = meta.last_page + 1
        self.n_stored = os.fstat(file.fileno()).st_size // self.size
        self.with_rows = with_rows
        self.used = np.zeros(min(self.n_pages, self.n_stored), dtype=bool)
        self.used[:2] = True

    def walk(self, table, is_main=False, values=None):
        """Follow a table to all of its leaves; return the tables that are named in it.

        Of a table whose `values` are wanted, keys and values are added to that list.
        """
        pad, flags, depth, _, _, _, n_entries, root = table
        if (pad, flags) != (0, 0) and values is None:
            raise DamagedError("a table has flags that none of ours has")
        if root == _NO_PAGE:
            if n_entries or depth:
                raise DamagedError("a table has entries and no page")
            return []
        found, n_found, level = [], 0, [root]
        for height in range(depth, 0, -1):
            below = []
            for number in level:
                page = self.take(number)
                if height > 1:
                    below += self.branch(page, number)
                else:
                    n_found += self.leaf(page, number, found if is_main else None, values)
            level = below
        if level or n_found != n_entries:
            raise DamagedError(f"a table has {n_found} entries instead of {n_entries}")
        return found

    def take(self, number):
        """Read a page, each once."""
        if not 2 <= number < len(self.used):
            raise DamagedError(f"page {number} is missing")
        if self.used[number]:
            raise DamagedError(f"page {number} is used twice")
        self.used[number] = True
        return self.read(number, self.size)

    def read(self, number, n_bytes):
        """Read the beginning of a page, or of several in a row."""
        self.file.seek(number * self.size)
        return self.file.read(n_bytes)

    def nodes(self, page, number, kind):
        """Return where the nodes of a page are, and the four numbers at the head of each."""
        page_number, _, flags, lower, upper = struct.unpack_from("=QHHHH", page)
        n_nodes = (lower - _HEADER) // 2
        if (page_number, flags) != (number, kind) or not (
            _HEADER < lower <= upper < self.size and lower % 2 == 0
        ):
            raise DamagedError(f"page {number} is none of its table")
        places = np.frombuffer(page, "=u2", n_nodes, _HEADER).astype(np.int64)
        if places.min() < upper or places.max() > self.size - 8 or (places % 2).any():
            raise DamagedError(f"page {number} leads out of itself")
        words = np.frombuffer(page, "=u2")
        return places, *(words[places // 2 + k].astype(np.int64) for k in range(4)), upper

    def fill(self, number, places, sizes, upper):
        """Make sure that the nodes of a page lie one after the other, up to its end."""
        order = np.argsort(places)
        ends = (places + sizes + sizes % 2)[order]
        starts = places[order]
        if starts[0] != upper or ends[-1] != self.size or (ends[:-1] != starts[1:]).any():
            raise DamagedError(f"page {number} leads out of itself")

    def branch(self, page, number):
        """Return the numbers of the pages below."""
        places, low, high, higher, key_size, upper = self.nodes(page, number, _BRANCH)
        self.fill(number, places, 8 + key_size, upper)
        return (low | high << 16 | higher << 32).tolist()

    def leaf(self, page, number, tables, values):
        """Check the entries of a leaf; return how many there are."""
        places, low, high, flags, key_size, upper = self.nodes(page, number, _LEAF)
        n_bytes = low | high << 16
        is_big = flags == _BIG_DATA
        wanted = 0 if tables is None else _SUB_DATA
        if not (is_big | (flags == wanted)).all() or (key_size < 1).any():
            raise DamagedError(f"page {number} has entries of an unknown kind")
        self.fill(number, places, 8 + key_size + np.where(is_big, 8, n_bytes), upper)
        if is_big.any():
            starts = (places + 8 + key_size)[is_big]
            numbers = np.frombuffer(page, np.uint8)[starts[:, None] + np.arange(8)]
            self.big(numbers.view("=u8")[:, 0], n_bytes[is_big])
        if tables is not None:
            for k in range(len(places)):
                if n_bytes[k] != _DB.size:
                    raise DamagedError("a table is not described")
                tables.append(_DB.unpack_from(page, places[k] + 8 + key_size[k]))
        if values is not None:
            values += self.entries(page, number)
        return len(places)

    def entries(self, page, number):
        """Return keys and values of a leaf."""
        places, low, high, flags, key_size, upper = self.nodes(page, number, _LEAF)
        n_bytes, is_big = low | high << 16, flags == _BIG_DATA
        self.fill(number, places, 8 + key_size + np.where(is_big, 8, n_bytes), upper)
        found = []
        for place, size, n, big in zip(places + 8, key_size, n_bytes, is_big, strict=True):
            value = page[place + size : place + size + n]
            if big:
                (first,) = struct.unpack_from("=Q", page, place + size)
                is_there = first * self.size + _HEADER + n <= self.n_stored * self.size
                value = self.read(first, _HEADER + int(n))[_HEADER:] if is_there else b""
            found.append((page[place : place + size], value))
        return found

    def big(self, first, n_bytes):
        """Check where the long values of a leaf are, and on demand what stands before each."""
        n_pages = (_HEADER - 1 + n_bytes) // self.size + 1
        if (first < 2).any() or (first >= len(self.used)).any():
            raise DamagedError("a long value is missing")
        first = first.astype(np.int64)
        if self.with_rows:
            n_pages = np.array([self.extent(*pair) for pair in zip(first, n_pages, strict=True)])
        if (first + n_pages > len(self.used)).any() or n_pages.sum() > len(self.used):
            raise DamagedError("a long value is missing")
        # All pages of all values: first, first + 1 ... of each.
        before = np.cumsum(n_pages) - n_pages
        pages = np.repeat(first - before, n_pages) + np.arange(n_pages.sum())
        if self.used[pages].any() or len(np.unique(pages)) != len(pages):
            raise DamagedError("a page is used twice")
        self.used[pages] = True

    def extent(self, first, n_pages):
        """Return how many pages LMDB takes a long value to have."""
        number, _, flags, n_there = struct.unpack("=QHHI", self.read(int(first), _HEADER))
        if (number, flags) != (first, _OVERFLOW) or n_there < n_pages:
            raise DamagedError(f"page {first} does not begin a value")
        return n_there

    def check_free(self, table, transaction):
        """Check the lists of pages that are free: each in reach, and none in use."""
        lists = []
        self.walk((0, 0, *table[2:]), values=lists)
        free = []
        for key, value in lists:
            if len(key) != 8 or struct.unpack("=Q", key)[0] > transaction or len(value) % 8:
                raise DamagedError("a list of free pages is none")
            numbers = np.frombuffer(value, "=u8")
            if not len(numbers) or numbers[0] >= len(numbers):
                raise DamagedError("a list of free pages is none")
            free.append(numbers[1 : 1 + int(numbers[0])])
        free = np.concatenate(free) if free else np.empty(0, np.uint64)
        if not len(free):
            return
        if free.min() < 2 or free.max() >= self.n_pages or len(np.unique(free)) != len(free):
            raise DamagedError("a list of free pages leads out of the file")
        stored = free[free < len(self.used)].astype(np.int64)
        if self.used[stored].any():
            raise DamagedError("a page is free and in use")
