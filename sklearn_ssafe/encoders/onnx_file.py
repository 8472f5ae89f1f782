"""An ONNX file on disk: where it is, what belongs to it, and what its bytes tell."""

import hashlib
import json
import mmap
import re
from functools import lru_cache
from pathlib import Path

from .preprocessing import ViewSpec
from .weights import WeightsFileError, WeightsNotFoundError

# How protobuf writes the key "location", in front of the path of a file with external data.
_LOCATION = re.compile(rb"\n\x08location\x12")


def find_onnx_file(weights):
    """Return the ONNX file that `weights`, a file or a folder with one, stands for."""
    if weights is None or weights == "random":
        raise ValueError(
            f"encoder='onnx' with weights={weights!r}: name the file, weights='encoder.onnx'."
        )
    path = Path(weights).expanduser()
    if path.is_file():
        return path.absolute()
    if not path.is_dir():
        raise WeightsNotFoundError(f"weights={str(weights)!r}: there is no such file or folder.")
    files = sorted(path.glob("*.onnx"))
    if len(files) != 1:
        names = ", ".join(file.name for file in files[:5]) or "none"
        raise WeightsFileError(
            f"weights={str(weights)!r}: the folder must hold one .onnx file, or name the file "
            f"itself. Found: {names}."
        )
    return files[0].absolute()


def identity_of(file):
    """Tell one state of an ONNX file and its external data from another, without reading it all."""
    return tuple((str(part), *_stamp(part)) for part in _parts(file))


def hash_of_file(file):
    """Return the SHA-256 of an ONNX file, followed by its external data."""
    digest = hashlib.sha256()
    for part in _parts(file):
        with part.open("rb") as opened:
            while chunk := opened.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def quantises_by_batch(file):
    """Say whether activations are quantised by their range, which is one of the whole batch."""
    return _scan(file, *_stamp(file))[1]


def read_settings(file):
    """Read how pictures are prepared from the JSON file beside, where there is one."""
    beside = file.with_suffix(".json")
    if not beside.is_file():
        return {}
    try:
        settings = json.loads(beside.read_text(encoding="utf-8"))
        ViewSpec(size=1, mean=0, std=1).merged(settings)
    except (ValueError, TypeError) as error:
        raise WeightsFileError(
            f"{beside}: it lies beside {file.name}, so it must say how pictures are prepared, with "
            f"the keys of preprocess ({error})."
        ) from error
    return settings


def _parts(file):
    """Return the file and those with its external data that are there, each once."""
    beside = [file.parent / location for location in _scan(file, *_stamp(file))[0]]
    return [file, *(part for part in beside if part.is_file())]


@lru_cache(maxsize=16)
def _scan(file, _modified, size):
    """Find the paths of external data, and whether there are operators of dynamic quantisation."""
    if size == 0:
        return (), False
    locations = set()
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for match in _LOCATION.finditer(data):
            start = match.end()
            length = data[start] & 127
            if data[start] > 127:  # protobuf writes a length in steps of seven bits
                start += 1
                length |= data[start] << 7
            path = data[start + 1 : start + 1 + length].decode(errors="replace")
            if path.isprintable():
                locations.add(path)
        return tuple(sorted(locations)), data.find(b"DynamicQuantize") >= 0


def _stamp(file):
    state = file.stat()
    return state.st_mtime_ns, state.st_size
