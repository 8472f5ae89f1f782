import subprocess
import sys

import pytest

import sklearn_ssafe

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
