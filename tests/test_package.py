import inspect
import re
import subprocess
import sys
from importlib import import_module

import pytest

import sklearn_ssafe
from sklearn_ssafe.public import homes

HEAVY = ["torch", "open_clip", "timm", "pandas", "sklearn", "PIL", "numpy"]


@pytest.mark.parametrize(
    "statement",
    ["import sklearn_ssafe", "from sklearn_ssafe.command_line.main import ssafe"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement):
    script = f"{statement}; import sys; print(*(m for m in {HEAVY} if m in sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []


def test_every_public_name_is_there():
    for name in sklearn_ssafe.__all__:
        assert getattr(sklearn_ssafe, name) is not None
    assert set(sklearn_ssafe.__all__) <= set(dir(sklearn_ssafe))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'FrozenEncoder'"):
        _ = sklearn_ssafe.FrozenEncoder


def test_shared_paragraphs_are_filled_in():
    public = [getattr(import_module(home), name) for name, home in homes().items()]
    members = [value for kind in public if isinstance(kind, type) for value in vars(kind).values()]
    texts = [inspect.getdoc(value) or "" for value in public]
    texts += [inspect.getdoc(getattr(value, "__func__", value)) or "" for value in members]
    assert not any(re.search(r"^ *\{\w+\}$", text, re.MULTILINE) for text in texts)
    assert sum("such as fake and photo" in text for text in texts) >= 8
    # As deep as the entries around it.
    text = inspect.getdoc(sklearn_ssafe.cross_val_report)
    assert "\npos_label : int, float, bool, str or None, default=None\n    The label" in text
