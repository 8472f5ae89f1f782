"""``ssafe recalibrate``."""

import shutil

import numpy as np
import pandas as pd

from sklearn_ssafe import SSAFEClassifier, load_detector
from sklearn_ssafe.metrics import threshold_for_fpr

from .conftest import rows_of, run


def real_pictures(trained):
    """The real pictures of the training set, in a folder: any will do here."""
    folder = trained / "own"
    if not folder.exists():
        folder.mkdir()
        table = pd.read_csv(trained / "pictures" / "manifest.csv")
        for path in table.loc[table["label"] == "real", "path"]:
            shutil.copy(trained / "pictures" / path, folder)
    return folder


def test_the_threshold_is_that_of_python(trained, tmp_path):
    own = real_pictures(trained)
    before = (trained / "detector" / "detector.json").read_bytes()
    result = run(
        "recalibrate", trained / "detector", own, "-o", tmp_path / "ours", "--target-fpr", "0.3"
    )
    assert result.exit_code == 0, result.output
    old, new = load_detector(trained / "detector"), load_detector(tmp_path / "ours")
    paths = sorted(str(path) for path in own.iterdir())
    score = old.predict_proba(paths)[:, 1]
    held_out = old.out_of_fold_
    point = threshold_for_fpr(score, 0.3, others=held_out.score[held_out.y == 1])
    assert new.threshold_ == point.threshold
    assert new.operating_point_ == point
    np.testing.assert_array_equal(new.predict_proba(paths)[:, 1], score)
    assert f"{point.n_false} of 12 of these real pictures" in result.output
    assert "before 0.5, to call at most 30 % of such pictures generated." in result.output
    kept = run("recalibrate", tmp_path / "ours", own, "-o", tmp_path / "again")
    assert "to call at most 30 % of such pictures generated." in kept.output
    assert (trained / "detector" / "detector.json").read_bytes() == before
    card = (tmp_path / "ours" / "README.md").read_text()
    assert "from the scores of 12 real pictures of the user's own" in card
    # It judges by the new one.
    run("predict", tmp_path / "ours", own, "-o", tmp_path / "v.csv")
    called = [row["verdict"] == "generated" for row in rows_of(tmp_path / "v.csv")]
    # In another batch a score may end in another digit.
    assert sum(called) == point.n_false


def test_too_few_pictures_are_told_and_bad_ones_left_out(trained, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(real_pictures(trained), own)
    (own / "broken.jpg").write_bytes(b"no picture")
    result = run(
        "recalibrate",
        trained / "detector",
        own,
        "-o",
        tmp_path / "d",
        "--target-fpr",
        "0.05",
        tmp_path / "absent",
    )
    assert result.exit_code == 0, result.output
    assert "broken.jpg: " in result.output
    assert "absent: " in result.output
    assert "12 real pictures are too few" in result.output
    assert "upper bound 22 %" in result.output
    assert "2 more could not be read" in (tmp_path / "d" / "README.md").read_text()


def test_what_it_cannot_do_it_says_first(trained, tmp_path):
    own = real_pictures(trained)
    detector = trained / "detector"
    result = run("recalibrate", detector, own, "-o", tmp_path / "d")
    assert isinstance(result.exception, ValueError)
    assert "such as target_fpr=0.05 (--target-fpr 0.05)" in str(result.exception)
    again = run("recalibrate", detector, own, "-o", detector, "--target-fpr", "0.3")
    assert again.exit_code == 2
    assert "--overwrite" in again.output
    (tmp_path / "empty").mkdir()
    result = run("recalibrate", detector, tmp_path / "empty", "-o", tmp_path / "d")
    assert result.exit_code == 2
    assert "no picture" in result.output
    SSAFEClassifier(encoder=None, cv=None).fit(np.eye(4), [0, 1, 0, 1]).save(tmp_path / "rows")
    result = run("recalibrate", tmp_path / "rows", own, "-o", tmp_path / "d")
    assert "takes embeddings" in result.output


def test_a_file_of_verdicts_is_not_gone_on_with_after_the_threshold_moved(trained, tmp_path):
    own = real_pictures(trained)
    detector = load_detector(trained / "detector")
    score = detector.predict_proba(sorted(map(str, own.iterdir())))[:, 1]
    detector.threshold_ = float(np.sort(score)[3])
    detector.save(tmp_path / "strict")
    out = tmp_path / "v.csv"
    assert run("predict", tmp_path / "strict", own, "-o", out).exit_code == 0
    assert run("predict", tmp_path / "strict", own, "-o", out).exit_code == 0
    detector.threshold_ = 0.99999
    detector.save(tmp_path / "lenient")
    result = run("predict", tmp_path / "lenient", own, "-o", out)
    assert result.exit_code == 2
    assert "its threshold has been moved" in result.output
    # Also where no verdict so far tells: others may follow.
    detector.threshold_ = float(np.nextafter(np.sort(score)[3], 1)) + 1e-6
    detector.save(tmp_path / "near")
    result = run("predict", tmp_path / "near", own, "-o", out)
    assert result.exit_code == 2
    assert "its threshold has been moved" in result.output
    assert run("predict", tmp_path / "lenient", own, "-o", out, "--overwrite").exit_code == 0
