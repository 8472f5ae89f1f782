"""A list of SHA-256 beside files, as ``sha256sum`` writes and checks it."""

import hashlib
from pathlib import Path

from .weights import WeightsFileError

LIST_NAME = "SHA256SUMS"


def sha256_of_file(file):
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(file).open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_checksums(folder, names):
    """Write the list of some files of a folder into it; return the SHA-256 of each name."""
    digests = {name: sha256_of_file(Path(folder) / name) for name in names}
    lines = [f"{digest}  {name}\n" for name, digest in digests.items()]
    (Path(folder) / LIST_NAME).write_text("".join(lines), encoding="utf-8", newline="\n")
    return digests


def check_checksum(file):
    """Compare a file with the list beside it, where there is one and it names the file."""
    file = Path(file)
    listed = file.with_name(LIST_NAME)
    if not listed.is_file() or not file.is_file():
        return
    for line in listed.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.strip().partition(" ")
        if name.lstrip(" *").removeprefix("./") != file.name:
            continue
        found = sha256_of_file(file)
        if found != digest.lower():
            raise WeightsFileError(
                f"{file}: not the file that {LIST_NAME} beside it lists (SHA-256 {found[:16]}... "
                f"instead of {digest[:16].lower()}...). It was damaged on its way, or replaced: "
                "copy the folder again."
            )
