"""``ssafe`` itself: in a process of its own, as a user runs it."""

import subprocess
import sys

from sklearn_ssafe.command_line.main import COMMANDS


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
