"""A folder of files that is there whole, or not at all, and is known again."""

import hashlib
import json
import math
import os
import platform
import shutil
import stat
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from ..public import public

FORMAT = "sklearn-ssafe detector"
FORMAT_VERSION = 3
SETTINGS = "detector.json"
CARD = "README.md"
ARRAYS = "arrays.safetensors"
ESTIMATORS = "estimators.skops"
# What is larger is neither written nor read. JSON takes many times its size in memory.
_MOST_BYTES = {SETTINGS: 2**26, CARD: 2**26, ARRAYS: 2**31, ESTIMATORS: 2**30}
# A link is not followed, and a pipe not waited for.
_OPEN_FLAGS = os.O_RDONLY
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _flag, 0)


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
        return _parsed(_content(path, SETTINGS))["format"] == FORMAT
    except (FileNotFoundError, DetectorFileError, ValueError, KeyError, RecursionError):
        return False


def write_folder(path, settings, files):
    """Write a detector's folder beside its place, and then put it there."""
    path = Path(os.path.realpath(path))
    refuse_what_is_no_detector(path)
    contents = {**files, SETTINGS: _sealed(settings, files)}
    for name, content in contents.items():
        if len(content) > _MOST_BYTES.get(name, len(content)):
            raise ValueError(
                f"{name} would have {len(content) / 1e6:,.0f} MB, and load_detector reads "
                f"{_MOST_BYTES[name] / 1e6:,.0f} at most. Nothing was written, and the detector is "
                "as it was: take a smaller head, or keep_training_rows=False."
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    old = new.with_suffix(".old")
    new.mkdir()
    try:
        for name, content in contents.items():
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
    """Return the settings and the other files of a detector's folder, checked to be whole.

    The first two formats had no checksum of the settings; what they hold is for the caller to
    check.
    """
    path = Path(path).expanduser()
    if not os.path.lexists(path / SETTINGS):
        raise FileNotFoundError(f"There is no detector at {str(path)!r}: it has no {SETTINGS}.")
    try:
        settings = _parsed(_content(path, SETTINGS))
        found, version = settings["format"], settings["format_version"]
        if type(version) is not int or version < 1:
            raise ValueError(f"format_version is {version!r}")
        if found != FORMAT:
            raise DetectorFileError(f"{path} is no detector, but {found!r}.")
        if version > FORMAT_VERSION:
            raise DetectorFileError(
                f"{path} was saved by a newer version of sklearn-ssafe (format {version}; this one "
                f"reads formats up to {FORMAT_VERSION}): pip install --upgrade sklearn-ssafe."
            )
        if version >= 3 or "checksum" in settings:
            _check_seal(path, settings)
    except DetectorFileError:
        raise
    except KeyError as error:
        raise DetectorFileError(f"{path / SETTINGS} is damaged: {error} is missing.") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise DetectorFileError(f"{path / SETTINGS} is damaged: {error}.") from error
    files, wanted = settings.get("files"), {ARRAYS, ESTIMATORS}
    if type(files) is not dict or not wanted <= set(files) <= {*wanted, CARD}:
        raise DetectorFileError(f"{path / SETTINGS} is damaged: it does not name its own files.")
    contents = {name: _checked(path, name, files[name]) for name in (ESTIMATORS, ARRAYS)}
    if version < 3 and CARD in files:  # with no checksum, it is a witness where nobody changed it
        try:
            contents[CARD] = _checked(path, CARD, files[CARD])
        except DetectorFileError:
            pass
    return settings, contents


def _sealed(settings, files):
    """Return ``detector.json``: settings, what the other files are, and a checksum of it all."""
    own = ("format", "format_version", "files", "checksum")
    settings = {name: value for name, value in settings.items() if name not in own}
    hashes = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
        if name != CARD  # it is for people, who may add to it
    }
    settings = {"format": FORMAT, "format_version": FORMAT_VERSION, **settings, "files": hashes}
    settings["checksum"] = _checksum(settings)
    try:
        text = json.dumps(settings, indent=1, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()
    except UnicodeEncodeError:  # a name of a file, or of a generator, that is no Unicode
        return f"{json.dumps(settings, indent=1, allow_nan=False)}\n".encode()


def _checksum(settings):
    """Hash the settings themselves, so that an editor's spaces and line ends do not matter."""
    sealed = {name: value for name, value in settings.items() if name != "checksum"}
    text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_seal(path, settings):
    if settings.get("checksum") != _checksum(settings):
        raise DetectorFileError(
            f"{path / SETTINGS} is not what was saved: it was edited by hand, or is damaged. "
            "Settings are changed in Python and saved again, such as detector.threshold_ = 0.7; "
            f"detector.save(path). {CARD} is the place for notes. If nobody has edited it, copy "
            "the detector again."
        )


def _parsed(content):
    """Read JSON strictly: UTF-8, each key once, no NaN."""

    def each_once(pairs):
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key is there twice")
        return found

    def finite(number):
        if not math.isfinite(float(number)):
            raise ValueError(f"{number} is no number")
        return float(number)

    settings = json.loads(
        content.decode("utf-8"),
        object_pairs_hook=each_once,
        parse_float=finite,
        parse_constant=finite,
    )
    if type(settings) is not dict:
        raise ValueError("it holds no settings")
    return settings


def _checked(path, name, expected):
    """Read one of the other files, and compare it with its entry in the settings."""
    n_bytes, digest = None, expected  # of the first two formats
    if type(expected) is dict:
        n_bytes, digest = expected.get("bytes"), expected.get("sha256")
    content = _content(path, name, n_bytes)
    if hashlib.sha256(content).hexdigest() != digest:
        raise DetectorFileError(_is_another(path / name))
    return content


def _content(folder, name, n_bytes=None):
    """Read a file that lies in the folder itself: no link, no device, no more than is allowed."""
    path = folder / name
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            raise DetectorFileError(
                f"{path} is a link, and nothing outside of a detector's folder is opened. Copy it "
                f"as files: cp -RL {folder} COPY; from the hub, snapshot_download(local_dir=COPY)."
            )
        if not stat.S_ISREG(status.st_mode):
            raise DetectorFileError(f"{path} is damaged: it is no file.")
        with open(os.open(path, _OPEN_FLAGS), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > _MOST_BYTES[name]:
                raise DetectorFileError(
                    f"{path} has {status.st_size / 1e6:,.0f} MB, and at most "
                    f"{_MOST_BYTES[name] / 1e6:,.0f} are read: it is no such file of a detector."
                )
            if n_bytes not in (None, status.st_size):
                raise DetectorFileError(_is_another(path))
            return file.read(status.st_size)
    except FileNotFoundError as error:
        raise DetectorFileError(f"{folder} is not complete: {name} is missing.") from error
    except OSError as error:
        raise DetectorFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def _is_another(file):
    return f"{file} is not what was saved: it is damaged, or was changed. Copy the detector again."


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
