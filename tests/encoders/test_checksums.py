import hashlib

import pytest

from sklearn_ssafe.encoders.checksums import check_checksum, write_checksums
from sklearn_ssafe.encoders.weights import WeightsFileError


def test_files_are_compared_with_the_list_beside_them(tmp_path):
    for name in ("a.bin", "b.json", "c.txt"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
    digests = write_checksums(tmp_path, ["a.bin", "b.json"])
    assert digests["a.bin"] == hashlib.sha256(b"a.bin" * 1000).hexdigest()
    lines = (tmp_path / "SHA256SUMS").read_text().splitlines()
    assert lines == [f"{digest}  {name}" for name, digest in digests.items()]
    for name in ("a.bin", "b.json", "c.txt"):  # the last is not listed
        check_checksum(tmp_path / name)
    (tmp_path / "a.bin").write_bytes(b"a.bin" * 999)
    with pytest.raises(WeightsFileError, match=r"a\.bin: not the file that SHA256SUMS"):
        check_checksum(tmp_path / "a.bin")
    check_checksum(tmp_path / "b.json")


def test_lists_of_other_tools(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"a")
    digest = hashlib.sha256(b"a").hexdigest().upper()
    for line in (f"{digest} *a.bin", f"{digest}  ./a.bin", f"# remark\n\n{digest}  a.bin"):
        (tmp_path / "SHA256SUMS").write_text(line)
        check_checksum(tmp_path / "a.bin")
        (tmp_path / "SHA256SUMS").write_text(line.replace(digest, "0" * 64))
        with pytest.raises(WeightsFileError):
            check_checksum(tmp_path / "a.bin")
