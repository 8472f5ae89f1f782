"""A folder of files that is there whole, or not at all, and is known again."""

import hashlib
import json
import os
import platform
import shutil
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from ..public import public

FORMAT = "sklearn-ssafe detector"
FORMAT_VERSION = 2
SETTINGS = "detector.json"


@public("sklearn_ssafe.exceptions")
class DetectorFileError(ValueError):
    """A saved detector is damaged, of a newer format, or does not fit what is installed here."""


def refuse_what_is_no_detector(path):
    """Make sure that nothing but a detector would be overwritten."""
    if not os.path.lexists(path):
        return
    if path.is_dir() and (not any(path.iterdir()) or is_detector(path)):
        return
    raise FileExistsError(
        f"{str(path)!r} exists and is no detector, so it is not overwritten: choose another name."
    )


def is_detector(path):
    """Say whether a folder is a saved detector, of whatever version."""
    try:
        return json.loads((path / SETTINGS).read_text(encoding="utf-8"))["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_folder(path, settings, files):
    """Write a detector's folder beside its place, and then put it there."""
    path = Path(os.path.realpath(path))
    refuse_what_is_no_detector(path)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    settings = {"format": FORMAT, "format_version": FORMAT_VERSION, **settings, "files": hashes}
    text = json.dumps(settings, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    old = new.with_suffix(".old")
    new.mkdir()
    try:
        for name, content in {**files, SETTINGS: text.encode("utf-8")}.items():
            with (new / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except BaseException:
            if old.exists():
                old.rename(path)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def read_folder(path):
    """Return the settings and the other files of a detector's folder, checked to be whole."""
    path = Path(path).expanduser()
    if not (path / SETTINGS).is_file():
        raise FileNotFoundError(f"There is no detector at {str(path)!r}: it has no {SETTINGS}.")
    try:
        settings = json.loads((path / SETTINGS).read_text(encoding="utf-8"))
        found, version = settings["format"], settings["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorFileError(f"{path / SETTINGS} is damaged: {error!r}.") from error
    if found != FORMAT:
        raise DetectorFileError(f"{path} is no detector, but {found!r}.")
    if version > FORMAT_VERSION:
        raise DetectorFileError(
            f"{path} was saved by a newer version of sklearn-ssafe (format {version}; this version "
            f"reads formats up to {FORMAT_VERSION}): pip install --upgrade sklearn-ssafe."
        )
    files = {}
    for name, digest in settings["files"].items():
        file = path / name
        if not file.is_file():
            raise DetectorFileError(f"{path} is not complete: {name} is missing.")
        files[name] = file.read_bytes()
        # The card is for people, who may add to it.
        if name != "README.md" and hashlib.sha256(files[name]).hexdigest() != digest:
            raise DetectorFileError(
                f"{file} is not what was saved: it is damaged, or was changed. Copy the detector "
                "again."
            )
    return settings, files


_LIBRARIES = ("scikit-learn", "numpy", "skops", "torch", "open_clip_torch", "timm", "pillow")


def installed_versions():
    """Return the versions of this package, of Python and of the libraries behind a score."""
    found = {"sklearn-ssafe": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
