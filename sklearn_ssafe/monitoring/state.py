"""The file that a monitor is kept in between its looks: plain arrays, no pickle."""

import hashlib
import io
import json
import os
import uuid
from pathlib import Path

import numpy as np

from ..public import public
from ..results import plain

FORMAT = "sklearn-ssafe monitor"
FORMAT_VERSION = 1


@public("sklearn_ssafe.exceptions")
class MonitorFileError(ValueError):
    """A saved monitor is damaged, of a newer format, or of another detector."""


def write_state(path, arrays, settings, *, replaces=None):
    """Write a file whole or not at all; return its digest.

    `replaces` is the digest of the file that was read: if another one is there by now, somebody
    else has looked meanwhile, and nothing is written.
    """
    path = Path(os.path.realpath(Path(path).expanduser()))
    settings = {"format": FORMAT, "format_version": FORMAT_VERSION, **settings}
    text = np.frombuffer(json.dumps(plain(settings), allow_nan=False).encode(), dtype=np.uint8)
    content = io.BytesIO()
    np.savez(content, settings=text, **arrays)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    try:
        with new.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        if replaces is not None and _digest(path.read_bytes()) != replaces:
            raise MonitorFileError(
                f"{path} was changed by another run meanwhile, so this look was not written: let "
                "one run end before the next begins."
            )
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return _digest(content.getbuffer())


def read_state(path):
    """Return the arrays, the settings and the digest of a file."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no monitor at {str(path)!r}.")
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        settings = json.loads(arrays.pop("settings").tobytes())
        found, version = settings["format"], int(settings["format_version"])
    except Exception as error:  # NumPy and zipfile have many kinds, for damage anywhere
        raise MonitorFileError(
            f"{path} is damaged, or no saved monitor ({error}): give another name, or begin anew."
        ) from error
    if found != FORMAT or version > FORMAT_VERSION:
        raise MonitorFileError(
            f"{path} holds {found!r} of format {version}, which is not read here."
        )
    return arrays, settings, _digest(content)


def _digest(content):
    return hashlib.sha256(content).hexdigest()
