"""What can be wrong with a store, in words."""

import shutil

import lmdb

# A disk with fewer free bytes is full: LMDB calls that an error of input or output.
_NEARLY_NOTHING = 2**17

IF_DAMAGED = (
    "`ssafe cache repair FOLDER` keeps what is sound in it; or remove the folder, and all of it is "
    "encoded again"
)


class StoreError(Exception):
    """The folder cannot be used as a store; the message says why and what to do."""


def explain(path, error):
    """Say what an error of LMDB means."""
    if isinstance(error, lmdb.VersionMismatchError):
        return f"{path} was written by a newer LMDB: upgrade lmdb, or name another folder"
    damaged = (lmdb.CorruptedError, lmdb.InvalidError, lmdb.PageNotFoundError, lmdb.NotFoundError)
    if isinstance(error, (*damaged, lmdb.BadTxnError, lmdb.PanicError)):
        return f"{path} is damaged ({error}). {IF_DAMAGED}"
    try:
        is_full = shutil.disk_usage(path.parent).free < _NEARLY_NOTHING
    except OSError:
        is_full = False
    return f"{path}: {'the disk is full' if is_full else error}"
