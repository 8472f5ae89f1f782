"""The figure shows the table, and says what is missing where matplotlib is."""

import io

import numpy as np
import pytest
from PIL import Image

from sklearn_ssafe import audit_leaks
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.leaks import LeakAuditDisplay

from ..conftest import encoded


@pytest.fixture(scope="module")
def audit():
    made = make_generated_images(80, image_size=48, random_state=0)
    images = [Image.open(io.BytesIO(file)) for file in made.X]
    files = [
        encoded(image, quality=60, comment=b"SDXL") if label else encoded(image, quality=90)
        for image, label in zip(images, made.y, strict=True)
    ]
    return audit_leaks(files, made.y, n_permutations=99)


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_every_auc_is_drawn_under_its_status(audit, pyplot):
    display = LeakAuditDisplay.from_result(audit)
    table = display.frame()
    assert table["auc"].is_monotonic_decreasing
    assert {"leak", "note", "silent"} == set(table["status"])
    assert set(table["code"]) == set(audit.frame().dropna(subset="auc")["code"])
    drawn = {
        c.get_label().split(" ")[0]: c for c in display.ax_.collections if c.get_label()[0] != "_"
    }
    for status, points in drawn.items():
        expected = table.index[table["status"] == status]
        offsets = np.asarray(points.get_offsets())
        assert offsets[:, 1].tolist() == expected.tolist()
        assert offsets[:, 0] == pytest.approx(table["auc"][expected].to_numpy())
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == [code.replace("_", " ") for code in table["code"]]
