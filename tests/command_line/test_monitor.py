"""``ssafe monitor``."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sklearn_ssafe.datasets import load_images
from sklearn_ssafe.monitoring import NoveltyMonitor

from ..conftest import encoded
from .conftest import run


@pytest.fixture
def watch(trained, sixty, tmp_path):
    """Run ``ssafe monitor`` on a folder; the first run begins with sixty known pictures."""
    folder = tmp_path / "incoming"
    folder.mkdir()
    state = tmp_path / "state.npz"

    def look(*more, reference=sixty / "manifest.csv"):
        given = [] if reference is None else ["--reference", reference]
        return run("monitor", trained / "detector", folder, "--state", state, *given, *more)

    look.folder, look.state = folder, state
    return look


def put(folder, paths, prefix=""):
    for path in paths:
        (folder / f"{prefix}{path.name}").write_bytes(path.read_bytes())


def noise(folder, n, seed=0):
    """Pictures of a kind that is in no reference."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        pixels = (rng.integers(0, 2, (64, 64, 3)) * 255).astype(np.uint8)
        content = encoded(Image.fromarray(pixels), "PNG")
        (folder / f"noise_{seed}_{number}.png").write_bytes(content)


def test_looks_are_counted_from_run_to_run_and_each_picture_is_seen_once(watch, trained, sixty):
    known = sorted((sixty / "images").iterdir())
    empty = watch()
    assert empty.exit_code == 0, empty.output
    assert "Begun with 60 known pictures" in empty.output
    assert "No new pictures." in empty.output
    # A period without pictures may also be a table without rows, or nothing on standard input.
    table = watch.folder.parent / "none.csv"
    table.write_text("path,label\n")
    for given, text in ((table, None), ("-", "")):
        none = run("monitor", trained / "detector", given, "--state", watch.state, input=text)
        assert (none.exit_code, none.stdout.strip()) == (0, "No new pictures.")
    put(watch.folder, known[:30])
    first = watch("--json")
    assert first.exit_code == 0, first.output
    facts = json.loads(first.stdout)
    assert (facts["look"], facts["n_new"], facts["n_window"]) == (1, 30, 30)
    assert "No new pictures." in watch().output
    put(watch.folder, known[30:40])
    second = json.loads(watch("--json", reference=None).stdout)
    assert (second["look"], second["n_new"], second["n_window"]) == (2, 10, 40)
    # A file that is another picture now is new.
    (watch.folder / known[0].name).write_bytes(known[50].read_bytes())
    assert json.loads(watch("--json").stdout)["n_new"] == 1


def test_the_exit_status_tells_what_was_found(watch, sixty, tmp_path):
    table = pd.read_csv(sixty / "manifest.csv", keep_default_na=False)
    table["path"] = [str(sixty / path) for path in table["path"]]
    real = table[table["label"] == "real"].assign(source="cameras")
    known = tmp_path / "known"
    known.mkdir()
    noise(known, 30, seed=1)
    paths = [str(path) for path in sorted(known.iterdir())]
    made = pd.DataFrame({"path": paths, "label": "generated", "generator": "noise"})
    reference = tmp_path / "reference.csv"
    pd.concat([real, made]).to_csv(reference, index=False)
    (watch.folder / "broken.jpg").write_bytes(b"no picture")
    few = watch(reference=reference)
    assert few.exit_code == 3
    assert "too few for a look" in few.output
    assert "broken.jpg: is no picture" in few.output
    noise(watch.folder, 40, seed=2)
    changed = watch("--json")
    assert "another reference" in changed.output
    changed = watch("--json", reference=reference)
    assert changed.exit_code == 4, changed.output
    facts = json.loads(changed.stdout)
    assert (facts["changed"], facts["unknown"], facts["nearest"]) == (True, False, "noise")
    for number in range(60):
        pixels = np.full((64, 64, 3), [4 * number, 255 - 4 * number, 90], dtype=np.uint8)
        content = encoded(Image.fromarray(pixels), "PNG")
        (watch.folder / f"flat_{number}.png").write_bytes(content)
    unknown = watch(reference=reference)
    assert unknown.exit_code == 5, unknown.output
    assert unknown.output.startswith("UNKNOWN")


def test_suggestions_are_a_table_to_fill_in(watch, trained, tmp_path):
    out = tmp_path / "label_me.csv"
    nothing = watch("--suggest", 3, "-o", out)
    assert nothing.exit_code == 0, nothing.output
    assert "no pictures to suggest yet" in nothing.output
    put(watch.folder, sorted((trained / "pictures" / "images").iterdir()))
    noise(watch.folder, 6)
    result = watch("--suggest", 8, "-o", out)
    assert "8 pictures worth a label" in result.output
    table = pd.read_csv(out, keep_default_na=False)
    assert (table["label"] == "").all()
    assert table["path"].str.contains("noise").any()
    table["label"] = np.where(table["path"].str.contains("noise"), "generated", "real")
    table.to_csv(out, index=False)
    assert {Path(path).parent.resolve() for path in load_images(out).X} == {watch.folder.resolve()}
    fitted = run("fit", out, "-o", tmp_path / "detector", "--folds", 2)
    assert fitted.exit_code == 0, fitted.output


def test_what_does_not_fit_the_state_is_refused(watch, trained, sixty, tmp_path):
    without = watch(reference=None)
    assert without.exit_code == 2
    assert "--reference is needed" in without.output
    assert watch("--looks", 7).exit_code == 0
    before = watch.state.read_bytes()
    assert watch("--looks", 7).exit_code == 0
    other = watch("--looks", 8)
    assert other.exit_code == 2
    assert "begun with --looks 7" in other.output
    other = watch(reference=trained / "pictures" / "manifest.csv")
    assert other.exit_code == 2
    assert "another reference" in other.output
    assert watch("--suggest", 3).exit_code == 2
    watch.state.write_bytes(before[:100])
    assert "is damaged" in str(watch().exception)


def test_of_two_first_runs_at_once_the_second_writes_nothing(watch, sixty, monkeypatch):
    put(watch.folder, sorted((sixty / "images").iterdir())[:30])
    update = NoveltyMonitor.update

    def while_another_run_begins(monitor, X):
        watch.state.write_bytes(b"of another run")
        return update(monitor, X)

    monkeypatch.setattr(NoveltyMonitor, "update", while_another_run_begins)
    result = watch()
    assert result.exit_code == 1
    assert "begun by another run meanwhile" in result.output
    assert watch.state.read_bytes() == b"of another run"
