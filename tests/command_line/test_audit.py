"""``ssafe audit`` and ``ssafe equalize``."""

import io
import json

import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from sklearn_ssafe.command_line.main import ssafe
from sklearn_ssafe.datasets import make_generated_images

from ..conftest import encoded


def run(*arguments):
    return CliRunner().invoke(ssafe, [*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sixty small pictures with their manifest."""
    folder = tmp_path_factory.mktemp("made") / "pictures"
    make_generated_images(60, image_size=64, output_dir=folder, random_state=0)
    return folder


@pytest.fixture(scope="module")
def flawed(made, tmp_path_factory):
    """The same, in folders, the generated ones as PNG."""
    folder = tmp_path_factory.mktemp("flawed")
    for row in pd.read_csv(made / "manifest.csv").itertuples():
        content = (made / row.path).read_bytes()
        side = folder / row.label
        side.mkdir(exist_ok=True)
        if row.label == "generated":
            content = encoded(Image.open(io.BytesIO(content)), "PNG")
        (side / f"{row.Index}.{'png' if row.label == 'generated' else 'jpg'}").write_bytes(content)
    return folder


def test_no_leak_is_exit_code_0(made):
    result = run("audit", made / "manifest.csv")
    assert result.exit_code == 0, result.output
    assert "30 real and 30 generated pictures." in result.output
    assert "No leak was found" in result.output


def test_leaks_are_exit_code_3_and_a_broken_file_is_listed(flawed):
    (flawed / "real" / "broken.jpg").write_bytes(b"nothing")
    result = run("audit", flawed)
    assert result.exit_code == 3
    assert "leak  format" in result.output
    assert "JPEG: 30 real, 0 generated" in result.output
    assert "broken.jpg" in result.output


def test_json(flawed):
    result = run("audit", flawed, "--json")
    assert result.exit_code == 3
    facts = json.loads(result.output)
    assert "format" in [finding["code"] for finding in facts["findings"]]
    assert facts["n_generated"] == 30


def test_a_column_names_the_split(made, tmp_path):
    table = pd.read_csv(made / "manifest.csv")
    table["path"] = [str(made / path) for path in table["path"]]
    table = pd.concat([table.assign(part="train"), table[:3].assign(part="test")])
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.warns(UserWarning, match="more than one row"):
        result = run("audit", tmp_path / "table.csv", "--split", "part")
    assert result.exit_code == 3
    assert "exact_duplicates" in result.output
    assert "across the split given" in result.output
    with pytest.warns(UserWarning, match="more than one row"):
        result = run("audit", tmp_path / "table.csv", "--split", "fold")
    assert result.exit_code == 2
    assert "has no column 'fold'" in result.output


def test_equalize_writes_a_copy_and_audits_it(flawed, tmp_path):
    Image.new("RGB", (20, 20)).save(flawed / "real" / "tiny.png")
    result = run("equalize", flawed, "-o", tmp_path / "copy", "--size", 48, "--codec", "png")
    (flawed / "real" / "tiny.png").unlink()
    assert result.exit_code == 0, result.output
    assert "Wrote 60 pictures" in result.output
    assert "Left out: 2 of 32 real, 0 of 30 generated" in result.output
    assert "No leak was found" in result.output
    assert len(list((tmp_path / "copy" / "images").glob("*.png"))) == 60
    again = run("equalize", flawed, "-o", tmp_path / "copy")
    assert isinstance(again.exception, FileExistsError)
