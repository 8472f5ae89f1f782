"""``ssafe explain``."""

from PIL import Image

from sklearn_ssafe import load_detector

from .conftest import run


def test_explain_draws_a_picture_and_names_the_nearest(trained, tmp_path):
    good = next((trained / "pictures" / "images").iterdir())
    out = tmp_path / "overlay.png"
    result = run("explain", trained / "detector", good, "-o", out, "--grid", "2", "--nearest", "3")
    assert result.exit_code == 0, result.output
    with Image.open(out) as overlay:
        assert overlay.width == 480
    assert "by occlusion" in result.output
    lines = result.output.splitlines()
    nearest = lines[lines.index("Nearest training pictures:") + 2 :]
    assert len(nearest) == 3
    assert nearest[0].split()[0] == "1.000"  # itself
    assert str(good) in nearest[0]
    detector = load_detector(trained / "detector")
    detector.training_rows_ = None
    detector.save(tmp_path / "d")
    without = run("explain", tmp_path / "d", good, "-o", out, "--grid", "1")
    assert "keeps no training pictures" in without.output
    wrong = run("explain", trained / "detector", good, "-o", tmp_path / "a.what", "--grid", "1")
    assert wrong.exit_code == 2
    assert "a.what" in wrong.output
