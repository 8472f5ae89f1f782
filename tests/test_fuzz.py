"""``tools/fuzz.py`` finds what is planted, keeps it, and opens it again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "tools" / "fuzz.py"
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="it measures memory as Linux tells it"
)

PLANTED = '''
import os, time
from fuzz_areas.faults import Fault

N = 0

def make(noise, folder):
    """Number the trials."""
    global N
    N += 1
    (folder / "what").write_text(noise.choice(["sound"] * 3 + {faults!r}))
    return 2

def check(folder):
    what = (folder / "what").read_text()
    if what == "crash":
        os.kill(os.getpid(), 11)
    elif what == "hang":
        time.sleep(1000)
    elif what == "memory":
        b"x" * (7 * 2**28)
    elif what == "raises":
        raise KeyError("a raw error")
    elif what != "sound":
        raise Fault(what, "planted")
'''


def fuzz(*arguments, cwd):
    command = [sys.executable, str(FUZZ), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=600)


def figures(done):
    """The numbers of the last line: inputs, crashes, hangs, memory, rows lost, wrong."""
    return [int(word.replace(",", "")) for word in done.stdout.splitlines()[-1].split()[1:7]]


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("crash", 1),
        ("raises", 1),
        pytest.param("memory", 3, marks=pytest.mark.slow),
        ("rows lost", 4),
        ("wrong", 5),
    ],
)
def test_what_is_planted_is_counted_kept_and_opened_again(tmp_path, kind, column):
    area = tmp_path / "planted.py"
    area.write_text(PLANTED.format(faults=[kind]))
    done = fuzz("--area", area, "--count", 24, "--seconds", 300, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    found = figures(done)
    assert found[0] >= 24
    assert found[column] > 0
    assert sum(found[1:]) == found[column]
    kept = sorted((tmp_path / "fuzz_failures").iterdir())
    assert len(kept) == found[column]
    assert (kept[0] / "trial" / "what").read_text() == kind
    about = json.loads((kept[0] / "about.json").read_text())
    assert about["kind"] == ("crash" if kind == "raises" else kind)
    if kind != "memory":  # it is measured where inputs are counted
        assert fuzz("--replay", kept[0], cwd=tmp_path).returncode == 1
    # The same seed makes the same inputs.
    again = fuzz("--area", area, "--count", 24, "--seconds", 300, "--keep", "again", cwd=tmp_path)
    assert {path.name for path in kept} <= {p.name for p in (tmp_path / "again").iterdir()} or (
        figures(again)[0] < found[0]
    )


@pytest.mark.slow
def test_what_hangs_is_ended(tmp_path):
    area = tmp_path / "planted.py"
    area.write_text(PLANTED.format(faults=["hang"]))
    done = fuzz("--area", area, "--count", 4, "--seconds", 500, "--seed", 1, cwd=tmp_path)
    assert figures(done)[2] > 0
    assert figures(done)[0] >= 4


@pytest.mark.slow
@pytest.mark.parametrize("area", ["pictures", "tables", "detectors", "store", "embeddings"])
def test_some_of_each_area(tmp_path, area):
    done = fuzz("--area", area, "--count", 30, "--seconds", 500, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert figures(done)[0] >= 30
    assert figures(done)[1:] == [0] * 5


def test_an_area_that_does_not_work_is_an_error(tmp_path):
    area = tmp_path / "broken.py"
    area.write_text("import no_such_module")
    done = fuzz("--area", area, cwd=tmp_path)
    assert done.returncode == 1
    assert "no_such_module" in done.stderr
