"""Out of a damaged store, every embedding that is sound goes into a new one in its place."""

import hashlib
import json
import os
import stat
import tempfile
from datetime import date
from pathlib import Path

from .claims import Claims
from .disk import CLAIMS_NAME, FILE_NAME, DiskStore, close_store
from .packing import unpacked
from .structure import entries_of_all_pages
from .trouble import StoreError
from .upkeep import count_rows

_ENTRIES_AT_ONCE = 1000


def rescue(folder):
    """Put what is sound into a new store; return the number of embeddings that are in it.

    What a damaged page alone led to is found as well: all pages are looked through, not followed.
    An embedding is known by its checksum. Files have to be read and hashed once more.
    """
    folder = Path(folder).expanduser().resolve()
    path = folder / FILE_NAME
    if not path.is_file():
        raise StoreError(f"{folder} holds no {FILE_NAME}: it is no cache of embeddings")
    close_store(folder)
    claims = Claims(folder / CLAIMS_NAME)
    try:
        if not claims.be_alone():
            raise StoreError(f"{folder} is being used by another process: try again later")
        with tempfile.TemporaryDirectory(dir=folder, prefix=".rescue-") as new:
            store = DiskStore(Path(new))
            n_rows = _fill(store, path)
            store.close()
            (Path(new) / FILE_NAME).chmod(stat.S_IMODE(path.stat().st_mode))
            os.replace(Path(new) / FILE_NAME, path)
    finally:
        claims.close()
    return n_rows


def _fill(store, path):
    rows, settings = {}, {}
    for key, value in entries_of_all_pages(path):
        if len(key) == 48 and unpacked(key, value, (len(value) - 4) // 4) is not None:
            rows[key] = value
        elif len(key) == 16 and _is_description(key, value):
            settings[key] = value
        if len(rows) == _ENTRIES_AT_ONCE:
            store.put_entries({b"rows": rows})
            rows = {}
    store.put_entries({b"rows": rows, b"settings": settings})
    return sum(count_rows(store).values())


def _is_description(key, value):
    """Say whether this is what the settings of that key are, which is made of its hash."""
    try:
        about = json.loads(value)
        date.fromisoformat(about.pop("last_written"))
        n_features = about.pop("n_features")
        text = json.dumps(about, sort_keys=True)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False
    return type(n_features) is int and hashlib.sha256(text.encode()).digest()[:16] == key
