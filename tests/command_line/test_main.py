"""``ssafe`` itself: in a process of its own, as a user runs it."""

import subprocess
import sys

import pytest

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


def test_no_bar_is_drawn_where_nobody_watches(sixty, tmp_path):
    manifest = sixty / "manifest.csv"
    for arguments in (["audit", manifest], ["fit", manifest, "-o", tmp_path / "detector"]):
        result = run(*arguments)
        assert result.returncode == 0
        assert "img/s" not in result.stderr
