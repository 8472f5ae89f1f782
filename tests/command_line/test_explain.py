"""``ssafe explain``."""

import pandas as pd
import pytest
from PIL import Image

from sklearn_ssafe import SSAFEClassifier, load_detector

from .conftest import run


def test_explain_draws_a_picture_and_names_the_nearest(trained, tmp_path):
    good = next((trained / "pictures" / "images").iterdir())
    out = tmp_path / "overlay.png"
    result = run("explain", trained / "detector", good, "-o", out, "--grid", "2", "--nearest", "3")
    assert result.exit_code == 0, result.output
    with Image.open(out) as overlay:
        assert overlay.width == 480
    assert "by occlusion" in result.output
    lines = result.output.splitlines()
    nearest = lines[lines.index("Nearest training pictures:") + 2 :]
    assert len(nearest) == 3
    assert nearest[0].split()[0] == "1.000"  # itself
    assert str(good) in nearest[0]
    detector = load_detector(trained / "detector")
    detector.training_rows_ = None
    detector.save(tmp_path / "d")
    without = run("explain", tmp_path / "d", good, "-o", out, "--grid", "1")
    assert "keeps no training pictures" in without.output
    wrong = run("explain", trained / "detector", good, "-o", tmp_path / "a.what", "--grid", "1")
    assert wrong.exit_code == 2
    assert "a.what" in wrong.output


@pytest.fixture(scope="module")
def of_columns(trained, tmp_path_factory):
    """A detector of pictures and an age, and its table, whose headings are in row 1."""
    folder = tmp_path_factory.mktemp("columns")
    table = pd.read_csv(trained / "pictures" / "manifest.csv", keep_default_na=False)
    table["path"] = [str(trained / "pictures" / path) for path in table["path"]]
    y = (table["label"] == "generated").astype(int)
    table["age"] = 10 * y + table.index % 7
    table.to_csv(folder / "table.csv", index=False)
    SSAFEClassifier(columns=["age"], cv=None).fit(table, y).save(folder / "detector")
    return folder, table


def test_a_row_of_a_table(of_columns, trained, tmp_path):
    folder, table = of_columns
    out = ("-o", tmp_path / "o.png", "--grid", "1")
    result = run("explain", folder / "detector", folder / "table.csv", "--row", 4, *out)
    assert result.exit_code == 0, result.output
    assert table["path"][2] in result.output
    effects = load_detector(folder / "detector").explain(table.iloc[[2]], grid=1).columns
    for name, effect in zip(effects["column"], effects["effect"], strict=True):
        line = next(line for line in result.output.splitlines() if line.split()[:1] == [name])
        assert line.endswith(f"{effect:.3f}")
    # For a detector of pictures alone, too.
    result = run("explain", trained / "detector", folder / "table.csv", "--row", 4, *out)
    assert table["path"][2] in result.output
    assert "Effect" not in result.output


def test_a_row_that_is_not_said_or_not_there(of_columns, trained, tmp_path):
    folder, table = of_columns
    detector, out = folder / "detector", ("-o", tmp_path / "o.png")
    for arguments, message in (
        ((detector, table["path"][0]), "judges a table with path, age: give that table as IMAGE"),
        ((detector, folder / "table.csv"), f"a table of {len(table)} rows: say which one, --row"),
        ((detector, folder / "table.csv", "--row", 1), f"has rows 2 to {len(table) + 1}"),
        ((trained / "detector", table["path"][0], "--row", 2), "--row is for tables"),
    ):
        result = run("explain", *arguments, *out)
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
    assert not (tmp_path / "o.png").exists()
