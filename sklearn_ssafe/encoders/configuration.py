"""What a folder, or a repository of the hub, says itself of the model that it holds."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from .checksums import check_checksum
from .hub import fetch_first_from_hub
from .names import split_source
from .weights import WeightsFileError, WeightsNotFoundError

#: library: the name of its configuration. Where both lie in one folder, open_clip is meant.
FILES = {"open_clip": "open_clip_config.json", "timm": "config.json"}
_NEEDED = {"open_clip": "model_cfg", "timm": "architecture"}
# Where a repository holds the weights of both libraries.
_WEIGHTS = {"open_clip": (), "timm": ("model.safetensors", "pytorch_model.bin")}


@dataclass(frozen=True)
class Configuration:
    """A model as its own configuration describes it."""

    library: str
    content: dict
    file: Path
    repository: str | None = None
    is_beside_weights: bool = False

    @property
    def name(self):
        """The architecture where the file tells it, else the folder's or repository's own name."""
        if self.library == "timm":
            tag = (self.content.get("pretrained_cfg") or {}).get("tag")
            architecture = self.content["architecture"]
            return architecture if not tag or "." in architecture else f"{architecture}.{tag}"
        if self.repository:
            return self.repository.partition("@")[0].rpartition("/")[2]
        return self.file.parent.resolve().name

    @property
    def preferred_weights(self):
        """Names of the weights that belong to this configuration, if there are several files."""
        return _WEIGHTS[self.library]

    @property
    def place(self):
        """Where it was found, for messages."""
        return f"hf-hub:{self.repository}" if self.repository else str(self.file)


def read_source(encoder):
    """Read the configuration of a folder or repository that is named as the encoder."""
    library, kind, place = split_source(encoder)
    libraries = (library,) if library else tuple(FILES)
    if kind == "hf-hub":
        file = Path(fetch_first_from_hub(place, [FILES[one] for one in libraries], place))
        library = next(one for one in libraries if FILES[one] == file.name)
        return _read(library, file, place)
    folder = Path(place).expanduser()
    if not folder.is_dir():
        raise WeightsNotFoundError(f"encoder={encoder!r}: there is no such folder.")
    unknown = None
    for one in libraries:
        try:
            configuration = read_folder(folder, one)
        except WeightsFileError as error:
            unknown = unknown or error
            continue
        if configuration is not None:
            return configuration
    if unknown is not None:
        raise unknown
    raise WeightsFileError(
        f"encoder={encoder!r}: the folder holds no {' or '.join(FILES[one] for one in libraries)} "
        "that would say which model it is. Name the model as encoder and the folder as weights."
    )


def read_folder(weights, library):
    """Read the configuration of a folder of weights, None where it has none of this library."""
    if weights is None or weights == "random":
        return None
    file = Path(weights).expanduser() / FILES[library]
    if not file.is_file():
        return None
    return _read(library, file)


def hash_of(description):
    """Hash a description of a model, as 64 hexadecimal digits."""
    text = json.dumps(description, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _read(library, file, repository=None):
    if repository is None:
        check_checksum(file)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        found = isinstance(content, dict) and _NEEDED[library] in content
    except ValueError as error:
        raise WeightsFileError(f"{file}: not JSON ({error}). Copy it again.") from error
    if not found:
        raise WeightsFileError(
            f"{file}: not a model configuration of {library}, which has {_NEEDED[library]!r}."
        )
    return Configuration(library, content, file, repository)
