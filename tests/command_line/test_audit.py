"""``ssafe audit``."""

import json
import shutil

import pandas as pd
import pytest

from .conftest import run


def test_no_leak_is_exit_code_0(sixty):
    result = run("audit", "--quiet", sixty / "manifest.csv")
    assert result.exit_code == 0, result.output
    assert "30 real and 30 generated pictures." in result.output
    assert "No leak was found" in result.output


def test_leaks_are_exit_code_3_and_a_broken_file_is_listed(sixty_flawed, tmp_path):
    folder = shutil.copytree(sixty_flawed, tmp_path / "flawed")
    (folder / "real" / "broken.jpg").write_bytes(b"nothing")
    result = run("audit", "--quiet", folder)
    assert result.exit_code == 3
    assert "leak  format" in result.output
    assert "JPEG: 30 real, 0 generated" in result.output
    assert "broken.jpg" in result.output


def test_json(sixty_flawed):
    result = run("audit", "--quiet", sixty_flawed, "--json")
    assert result.exit_code == 3
    facts = json.loads(result.output)
    assert "format" in [finding["code"] for finding in facts["findings"]]
    assert facts["n_generated"] == 30


def test_a_column_names_the_split(sixty, tmp_path):
    table = pd.read_csv(sixty / "manifest.csv")
    table["path"] = [str(sixty / path) for path in table["path"]]
    table = pd.concat([table.assign(part="train"), table[:3].assign(part="test")])
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.warns(UserWarning, match="more than one row"):
        result = run("audit", "--quiet", tmp_path / "table.csv", "--split", "part")
    assert result.exit_code == 3
    assert "exact_duplicates" in result.output
    assert "across the split given" in result.output
    with pytest.warns(UserWarning, match="more than one row"):
        result = run("audit", "--quiet", tmp_path / "table.csv", "--split", "fold")
    assert result.exit_code == 2
    assert "has no column 'fold'" in result.output
