"""Paths as arguments of commands."""

import shutil

from sklearn_ssafe import load_detector
from sklearn_ssafe.datasets import load_images

from .conftest import rows_of, run


def test_a_tilde_is_the_home_folder_everywhere(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    shutil.copytree(trained / "pictures", tmp_path / "pictures")
    result = run("fit", "~/pictures/manifest.csv", "-o", "~/saved", "--quiet")
    assert result.exit_code == 0, result.output
    result = run("predict", "~/saved", "~/pictures/manifest.csv", "-o", "~/verdicts.csv")
    assert result.exit_code == 0, result.output
    assert len(rows_of(tmp_path / "verdicts.csv")) == 24
    assert load_detector("~/saved").save("~/again") == tmp_path / "again"
    assert len(load_images("~/pictures/manifest.csv").X) == 24
