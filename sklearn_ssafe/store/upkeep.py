"""Look after a folder of embeddings: what is in it, is it sound, what can go."""

import json
import subprocess
import sys
from collections import Counter
from datetime import date

from .disk import open_disk_store
from .packing import unpacked
from .trouble import IF_DAMAGED, StoreError

_KEYS_AT_ONCE = 10_000


def read_settings(store):
    """Read the settings that embeddings were made with."""
    with store.explained(), store.reading() as transaction:
        cursor = transaction.cursor(db=store.tables[b"settings"])
        found = {bytes(key): bytes(value) for key, value in cursor}
        try:
            settings = {key: json.loads(value) for key, value in found.items()}
            for about in settings.values():
                date.fromisoformat(about["last_written"])
                if type(about["n_features"]) is not int or about["n_features"] < 0:
                    raise ValueError("n_features is no number")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise StoreError(
                f"{store.path} is damaged: a description is none ({error}). {IF_DAMAGED}"
            ) from error
        return settings


def count_rows(store):
    """Count the embeddings."""
    with store.explained(), store.reading() as transaction:
        cursor = transaction.cursor(db=store.tables[b"rows"])
        return Counter(bytes(key[:16]) for key in cursor.iternext(keys=True, values=False))


def count_files(store):
    """Count the files that are recognised without reading them."""
    with store.explained(), store.reading() as transaction:
        return transaction.stat(store.tables[b"files"])["entries"]


def each_row(store, settings_key=None):
    """Go through the embeddings."""
    widths = {key: about["n_features"] for key, about in read_settings(store).items()}
    with store.explained(), store.reading() as transaction:
        cursor = transaction.cursor(db=store.tables[b"rows"])
        cursor.set_range(settings_key or b"\0")
        for key, value in cursor.iternext(keys=True, values=True):
            key = bytes(key)
            if settings_key is not None and not key.startswith(settings_key):
                return
            yield key, unpacked(key, value, widths.get(key[:16], -1))


def check(folder):
    """Read every embedding of a folder, in a process of its own.

    Damage can be such that it ends the process that reads; it must not be this one.
    """
    script = (
        "import sys; from sklearn_ssafe.store.upkeep import _check_here; _check_here(sys.argv[1])"
    )
    command = [sys.executable, "-c", script, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise StoreError(
            f"{folder} is damaged: reading it ended with exit status {result.returncode}. Its "
            "embeddings can be encoded again: remove the folder"
        )
    answer = json.loads(result.stdout)
    if "error" in answer:
        raise StoreError(answer["error"])
    return answer["n_sound"], answer["n_damaged"]


def _check_here(folder):
    try:
        states = Counter(row is None for _, row in each_row(open_disk_store(folder, create=False)))
        answer = {"n_sound": states[False], "n_damaged": states[True]}
    except StoreError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))


def old_settings(store, days):
    """Find settings with which nothing new was encoded for some time."""
    today = date.today()
    return [
        key
        for key, about in read_settings(store).items()
        if (today - date.fromisoformat(about["last_written"])).days >= days
    ]


def prune(store, settings_keys=()):
    """Remove damaged embeddings, those of some settings, and what nothing points to."""
    if store.read_only:
        raise StoreError(f"{store.folder} is read-only: nothing can be removed from it")
    unwanted, kept = [], set()
    for key, row in each_row(store):
        if row is None or key[:16] in settings_keys:
            unwanted.append(key)
        else:
            kept.add(key[16:])
    with store.explained(), store.reading() as transaction:
        files = transaction.cursor(db=store.tables[b"files"])
        orphans = [bytes(path_key) for path_key, entry in files if bytes(entry[16:]) not in kept]
    store.check_before_removal()
    _delete(store, b"rows", unwanted)
    _delete(store, b"files", orphans)
    _delete(store, b"settings", list(settings_keys))
    return len(unwanted), store.compact()


def _delete(store, table, keys):
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        with store.explained(), store.writing() as transaction:
            for key in keys[start : start + _KEYS_AT_ONCE]:
                transaction.delete(key, db=store.tables[table])
