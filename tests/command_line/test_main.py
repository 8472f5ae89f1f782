"""``ssafe`` itself: in a process of its own, as a user runs it."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from sklearn_ssafe.command_line.main import COMMANDS, ssafe


def run(*arguments):
    """Run the command as a user does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "sklearn_ssafe.command_line.main", *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_wrong_use_is_explained():
    assert run("demo", "absent.csv").returncode == 2
    assert "does not exist" in run("demo", "absent.csv").stderr
    assert "No such command" in run("detect").stderr


def test_help_and_version():
    help_text = run("--help").stdout
    assert "demo" in help_text
    assert "encoders" in help_text
    assert run("--version").stdout.startswith("ssafe")
    assert "--pretrained" in run("demo", "--help").stdout


def test_a_folder_of_another_layout_is_answered_with_the_layout(tmp_path):
    (tmp_path / "holiday").mkdir()
    result = run("demo", tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: ")
    assert "real" in result.stderr
    assert "generated" in result.stderr
    assert "Traceback" not in result.stderr


def test_every_command_that_is_listed_is_there():
    text = run("--help").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in text


@pytest.mark.parametrize(
    "command",
    ["audit", "compare", "curate", "demo", "embed", "equalize", "evaluate", "fit", "predict"],
)
def test_bars_can_be_turned_off(command):
    options = {name for option in ssafe.get_command(None, command).params for name in option.opts}
    assert "--quiet" in options


def test_warnings_are_sentences(sixty, tmp_path):
    rows = (sixty / "manifest.csv").read_text(encoding="utf-8-sig").splitlines()
    (sixty / "twice.csv").write_text("\n".join([*rows, rows[1]]))
    result = run("audit", sixty / "twice.csv")
    (told,) = [line for line in result.stderr.splitlines() if "twice.csv" in line]
    assert told.startswith("Warning: twice.csv: 1 path(s) stand in more than one row")
    assert ".py" not in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "PICTURES", "-o", "nowhere/x.csv"],
        ["curate", "PICTURES", "-o", "nowhere/x.csv"],
        ["embed", "PICTURES", "-o", "nowhere/x.npz"],
        ["evaluate", "PICTURES", "PICTURES", "-o", "nowhere/x.html"],
        ["explain", "PICTURES", "PICTURES/manifest.csv", "-o", "nowhere/x.png"],
        ["predict", "PICTURES", "PICTURES", "-o", "nowhere/x.csv"],
        ["cache", "export", "PICTURES", "-o", "nowhere/x.parquet"],
    ],
)
def test_a_missing_output_folder_is_found_before_any_work(sixty, command):
    arguments = [each.replace("PICTURES", str(sixty)) for each in command]
    result = CliRunner().invoke(ssafe, arguments)
    assert result.exit_code == 2
    assert "there is no folder nowhere" in result.output


def test_no_bar_is_drawn_where_nobody_watches(sixty, tmp_path):
    manifest = sixty / "manifest.csv"
    for arguments in (["audit", manifest], ["fit", manifest, "-o", tmp_path / "detector"]):
        result = run(*arguments)
        assert result.returncode == 0
        assert "img/s" not in result.stderr
