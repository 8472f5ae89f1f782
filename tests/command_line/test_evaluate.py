import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier
from sklearn_ssafe.command_line.main import main
from sklearn_ssafe.datasets import load_images, make_generated_images

from ..conftest import encoded, picture


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A saved detector, and a manifest of 24 pictures that it has not seen."""
    folder = tmp_path_factory.mktemp("evaluate")
    data = make_generated_images(
        48, image_size=48, output_dir=folder / "pictures", n_real_sources=2, random_state=0
    )
    encoder = FrozenEncoderTransformer("forensic", n_views=1)
    detector = SSAFEClassifier(encoder, cv=None).fit(data.X[24:], data.y[24:])
    detector.save(folder / "detector")
    data.frame[:24].to_csv(folder / "test.csv", index=False)
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``ssafe`` as from a shell, but in this process, which has imported everything."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ssafe", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        said = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=said.out, stderr=said.err)

    return run


def test_it_writes_a_page_and_says_the_verdict(run, made, tmp_path):
    output = tmp_path / "report.html"
    result = run("evaluate", made / "detector", made / "test.csv", "-o", output, "--quiet")
    assert result.returncode == 0, result.stderr
    test = load_images(made / "test.csv")
    assert f"Written to {output}" in result.stdout
    assert "real pictures" in result.stdout
    page = output.read_text("utf-8")
    assert "detector, evaluated on test.csv" in page
    assert all(name in page for name in set(test.generator) | set(test.source))
    assert "forensic, 1,225 features" in page
    assert str(made) not in page


def test_json_is_all_facts_and_nothing_else(run, made, tmp_path):
    table = made / "test_with_broken.csv"
    broken = tmp_path / "broken.png"
    broken.write_bytes(encoded(picture(0), "PNG")[:-40])
    table.write_text((made / "test.csv").read_text() + f"{broken},1,sd,,sd\n")
    arguments = ["--json", "--no-audit", "--no-thumbnails", "--no-paths", "--errors", "3"]
    arguments += ["--robustness", "gamma", "--title", "Ours", "-o", tmp_path / "report.html"]
    result = run("evaluate", made / "detector", table, *arguments)
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["title"] == "Ours"
    assert facts["audit"] is None
    assert len(facts["robustness"]["rows"]) == 5
    assert facts["failures"][0]["picture"] == "row 24"
    assert len(facts["errors"]["missed"]) <= 3
    assert facts["data"] == {"pictures": 25, "real": 12, "generated": 12}
    assert "broken" not in (tmp_path / "report.html").read_text("utf-8").replace("broken off", "")
    pooled = facts["rows"][-1]
    assert np.isfinite([pooled["tpr"], pooled["fpr"]]).all()


def test_what_is_wrong_is_said_in_one_line(run, made, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(made / "detector", damaged)
    (damaged / "estimators.skops").write_bytes(b"")
    for arguments, code, words in [
        ((tmp_path / "absent", made / "test.csv"), 2, "does not exist"),
        ((made / "detector", made / "test.csv", "-o", tmp_path / "no" / "r.html"), 2, "no folder"),
        ((made / "detector", made / "test.csv", "--robustness", "jpg"), 1, "Did you mean 'jpeg'"),
        ((damaged, made / "test.csv"), 1, "estimators.skops"),
        ((made / "pictures", made / "test.csv"), 1, "detector"),
    ]:
        result = run("evaluate", *arguments, "--quiet")
        assert result.returncode == code, result.stderr
        assert words in result.stderr
        assert result.stderr.count("\n") <= 4


def test_a_detector_of_embeddings_is_sent_to_python(run, made, tmp_path):
    rng = np.random.default_rng(0)
    SSAFEClassifier(None, cv=None).fit(rng.normal(size=(20, 4)), np.arange(20) % 2).save(
        tmp_path / "head"
    )
    result = run("evaluate", tmp_path / "head", made / "test.csv")
    assert result.returncode == 2
    assert "evaluation_report(detector, embeddings, y, pictures=paths)" in result.stderr
