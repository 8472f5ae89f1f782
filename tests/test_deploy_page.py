"""The programs of the page "Deploy from a registry", each in a process of its own."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "user_guide" / "deploy.rst"


def program(name):
    """The code block of this name."""
    text = PAGE.read_text(encoding="utf-8")
    return dedent(re.search(rf"   :name: {name}\n\n((?:   .*\n|\n)+)", text)[1])


def run(name, folder):
    """Run a program of the page; return the numbers that it printed last."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    result = subprocess.run(
        [sys.executable, "-c", program(name)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return np.array(re.findall(r"\d\.\d+(?:e-\d+)?", result.stdout.rpartition("[")[2]), float)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["detector", "pipeline", "skops"])
def test_a_model_that_was_logged_judges_alike_in_another_process(what, tmp_path):
    if what != "skops" and find_spec("mlflow") is None:
        pytest.skip("MLflow is not installed")
    logged = run(f"log_{what}", tmp_path)
    served = run(f"serve_{what}", tmp_path)
    assert logged.shape == (3,)
    np.testing.assert_allclose(served, logged, atol=1e-5)


def test_what_skops_writes_holds_no_path_of_a_picture(tmp_path):
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from sklearn_ssafe import FrozenEncoderTransformer
    from sklearn_ssafe.datasets import make_generated_images

    data = make_generated_images(20, image_size=48, output_dir=tmp_path, random_state=0)
    encoder = FrozenEncoderTransformer(on_error="nan")
    (tmp_path / "secret.jpg").write_text("no picture")
    model = make_pipeline(encoder, LogisticRegression()).fit(data.X, data.y)
    with pytest.warns(UserWarning, match="secret"):
        model[0].transform([*data.X, str(tmp_path / "secret.jpg")])
    assert len(model[0].failures_) == 1
    content = skops.io.dumps(model)
    assert b"secret" not in content
    types = skops.io.get_untrusted_types(data=content)
    assert types == ["sklearn_ssafe.FrozenEncoderTransformer"]
    again = skops.io.loads(content, trusted=types)
    np.testing.assert_array_equal(again.predict_proba(data.X), model.predict_proba(data.X))
