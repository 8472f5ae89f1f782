"""What a newcomer sees first: README, and the page on which the documentation opens."""

import re
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image

import sklearn_ssafe
from sklearn_ssafe import SSAFEClassifier

ROOT = Path(__file__).parents[1]


def test_the_documentation_opens_with_the_snippet_of_a_card(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 4))
    SSAFEClassifier(None, cv=None).fit(X, X[:, 0] > 0).save(tmp_path / "d")
    card = (tmp_path / "d" / "README.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    page = (ROOT / "docs" / "index.rst").read_text(encoding="utf-8")
    blocks = re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", page)
    assert snippet.replace("(embeddings)", "(paths)") in [f"{dedent(b).strip()}\n" for b in blocks]


def test_the_readme_names_eight_that_there_are():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    part = text.partition("## The names to know first")[2].partition("**Which report?**")[0]
    names = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
    assert len(names) == 8
    assert set(names) <= set(sklearn_ssafe.__all__)


@pytest.mark.parametrize("page", ["README.md", "docs/index.rst"])
def test_the_pictures_are_there_and_small(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    files = re.findall(r"\((docs/_static/\S+)\)", text)
    files += [f"docs/{name}" for name in re.findall(r"image:: (\S+)", text)]
    assert files
    for name in files:
        assert (ROOT / name).stat().st_size < 200_000
        with Image.open(ROOT / name) as image:
            assert image.width >= 500
