"""Files on this machine, opened so that nothing is ever waited for."""

import os
import re
import stat
from contextlib import contextmanager
from pathlib import Path

from .errors import ImageReadError

_URL = re.compile(r"^([a-z][a-z0-9+.-]+://|data:image/)", re.IGNORECASE)
# A pipe that takes the place of a file between two looks at it must not be waited for.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def is_url(path):
    """Say whether a path is the address of something that would have to be fetched."""
    return bool(_URL.match(str(path)))


@contextmanager
def opened_file(path):
    """Yield a file opened for reading; refuse what is no regular file with something in it."""
    if is_url(path):
        raise ImageReadError("is a URL, and pictures are never fetched: download it first")
    if not str(path):
        raise ImageReadError("the path is empty")
    try:
        _check_regular(Path(path).stat())  # opening alone may set a device off
        file = os.fdopen(os.open(path, _FLAGS), "rb")
    except OSError as error:
        raise unopened(error) from error
    with file:
        _check_regular(os.fstat(file.fileno()))
        yield file


def _check_regular(status):
    """Refuse what reading may wait for without end, as for a pipe or a device."""
    if stat.S_ISDIR(status.st_mode):
        raise ImageReadError("is a folder, not a picture file")
    if not stat.S_ISREG(status.st_mode):
        raise ImageReadError("is a pipe, socket or device, not a picture file")
    if status.st_size == 0:  # files of /proc say so too, and their next byte may never come
        raise ImageReadError("the file is empty (0 bytes)")


def unopened(error):
    """Return the error that says why a file was not opened."""
    if isinstance(error, FileNotFoundError):
        return ImageReadError("no such file")
    if isinstance(error, IsADirectoryError):
        return ImageReadError("is a folder, not a picture file")
    if isinstance(error, PermissionError):
        return ImageReadError("permission denied")
    return ImageReadError(f"cannot be opened: {error.strerror or error}")
