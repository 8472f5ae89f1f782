import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier, evaluation_report
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.encoders.loading import free_encoders
from sklearn_ssafe.evaluation_page.curves import roc_curves, threshold_table

from ..conftest import picture
from ..grey_detector import GreyDetector, grey_files, grey_picture
from ..tiny_models import save_safetensors

NAMES = {
    "camera": (0, 0, 90),
    "phone": (0, 60, 150),
    "found": (1, 140, 255),
    "half": (1, 100, 240),
    "missed": (1, 0, 120),
}
QUICK = {"n_resamples": 50, "verbose": False}


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    return grey_files(tmp_path_factory.mktemp("grey"), NAMES)


@pytest.fixture(scope="module")
def page(grey):
    paths, y, labels, _ = grey
    return evaluation_report(GreyDetector(), paths, y, **labels, **QUICK)


def test_figures_are_those_of_the_verdicts(grey, page):
    _, y, labels, value = grey
    called = value > 0.5
    rows = {(row["class"], row["name"]): row for row in page.facts["rows"]}
    assert rows["average", "pooled"]["fpr"] == pytest.approx(called[y == 0].mean())
    assert rows["average", "pooled"]["tpr"] == pytest.approx(called[y == 1].mean())
    for name, (label, _, _) in NAMES.items():
        mine = (labels["generator"] == name) | (labels["source"] == name)
        row = rows["generated" if label else "real", name]
        assert row["tpr" if label else "fpr"] == pytest.approx(called[mine].mean())
        assert row["missed"] == bool(label and called[mine].mean() < 0.5)
    assert page.facts["verdict"]["missed"]["figure"] == "1 of 3"
    assert any("missed (0 % of 12)" in text for text in page.facts["verdict"]["points"])


def test_the_most_confident_errors_are_chosen(grey, page):
    paths, y, _, value = grey
    errors = page.facts["errors"]
    false_positives = sorted(
        (i for i in range(len(y)) if y[i] == 0 and value[i] > 0.5), key=lambda i: -value[i]
    )
    missed = sorted(
        (i for i in range(len(y)) if y[i] == 1 and value[i] <= 0.5), key=lambda i: value[i]
    )
    for kind, rows in (("false_positives", false_positives), ("missed", missed)):
        assert rows
        assert errors[f"n_{kind}"] == len(rows)
        np.testing.assert_allclose([error["score"] for error in errors[kind]], value[rows][:12])
        assert [error["row"] for error in errors[kind]] == rows[:12]
        assert all(paths[error["row"]].endswith(error["picture"]) for error in errors[kind])
    shown = len(false_positives[:12]) + len(missed[:12])
    assert page.to_html().count("data:image/jpeg") == shown


def test_counts_for_every_threshold_are_those_of_counting(page):
    table, scores = page.facts["by_threshold"], page.report.scores
    thresholds = np.array(table["thresholds"])
    assert (np.diff(thresholds) > 0).all()
    for row in table["names"]:
        mine = scores["score"][scores["name"] == row["name"]].to_numpy()
        assert row["called"] == [(mine >= threshold).sum() for threshold in thresholds]
        assert (row["called"][0], row["called"][-1]) == (row["pictures"], 0)
        assert row["called"][table["own"]] == (mine > 0.5).sum()


def test_the_threshold_table_stays_small_and_exact():
    rng = np.random.default_rng(0)
    generated = np.arange(20_000) % 2 == 1
    score = rng.random(20_000)
    name = np.where(generated, "sd", "camera").astype(object)
    table = threshold_table(generated, score, name, 0.5)
    assert len(table["thresholds"]) < 410
    assert table["thresholds"][table["own"]] == 0.5
    real = table["names"][0]
    assert real["called"] == [(score[~generated] >= t).sum() for t in table["thresholds"]]
    # The rarest false positives can be told apart.
    assert {0, 1, 2, 3, 10} <= set(real["called"])


def test_roc_curves_have_the_area_that_they_should(grey):
    _, y, labels, value = grey
    name = np.where(y == 1, labels["generator"], labels["source"])
    curves = roc_curves(y == 1, value, name)
    x, height = np.array(curves["pooled"]).T
    assert np.trapezoid(height, x) == pytest.approx(roc_auc_score(y, value), abs=1e-4)
    for each, points in curves["generators"].items():
        mine = (y == 0) | (name == each)
        x, height = np.array(points).T
        assert np.trapezoid(height, x) == pytest.approx(
            roc_auc_score(y[mine], value[mine]), abs=1e-4
        )


def test_the_facts_are_json(page):
    text = json.dumps(page.facts, allow_nan=False)
    assert json.loads(text) == page.facts == page.to_dict() == json.loads(page.to_json())
    assert set(page.report.frame().columns) <= set(page.facts["rows"][0])


@pytest.mark.parametrize("on_error", ["raise", "nan"])
def test_pictures_that_cannot_be_read_are_named_and_left_out(on_error, tmp_path):
    data = make_generated_images(40, image_size=48, random_state=0)
    encoder = FrozenEncoderTransformer("forensic", n_views=1, on_error=on_error)
    detector = make_pipeline(encoder, LogisticRegression(C=0.01)).fit(data.X[:20], data.y[:20])
    test, y = data.X[20:].copy(), data.y[20:]
    test[2] = test[2][: len(test[2]) // 2]
    test[5] = str(tmp_path / "absent.png")
    page = evaluation_report(detector, test, y, audit=False, **QUICK)
    assert [failure["row"] for failure in page.facts["failures"]] == [2, 5]
    assert page.facts["failures"][1]["reason"] == "no such file"
    assert "absent.png" in page.to_html()
    good = np.setdiff1d(np.arange(20), [2, 5])
    expected = detector.predict_proba(test[good])[:, 1]
    np.testing.assert_array_equal(page.report.scores["picture"], good)
    np.testing.assert_allclose(page.report.scores["score"], expected)
    hidden = evaluation_report(detector, test, y, audit=False, show_paths=False, **QUICK)
    assert "absent.png" not in hidden.to_html() + hidden.to_json()


def test_the_folder_of_an_encoder_is_hidden_with_the_other_paths(tmp_path):
    folder = tmp_path / "somewhere" / "mine"
    folder.mkdir(parents=True)
    save_safetensors(timm.create_model("test_vit").state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text('{"architecture": "test_vit", "classifier": "head"}')
    data = make_generated_images(40, image_size=48, random_state=0)
    encoder = FrozenEncoderTransformer(str(folder), device="cpu")
    detector = make_pipeline(encoder, LogisticRegression()).fit(data.X[:20], data.y[:20])
    for show_paths, said in ((False, "(a folder)"), (True, "mine")):
        page = evaluation_report(
            detector, data.X[20:], data.y[20:], audit=False, show_paths=show_paths, **QUICK
        )
        assert page.facts["detector"]["encoder"]["settings"]["encoder"] == said
        assert "somewhere" not in page.to_html() + page.to_json()
    free_encoders()


def test_a_detector_with_other_labels_and_names_it_has_seen():
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], 60)
    X = rng.normal(size=(120, 4)) + 1.5 * y[:, None]
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    names = np.array([["camera", "phone"], ["sd", "flux"]], dtype=object)[y, np.arange(120) % 2]
    known = {"generator": np.where(y, names, ""), "source": np.where(y, "", names)}
    words = np.array(["photo", "fake"])[y]
    detector = SSAFEClassifier(None, target_fpr=0.2, confidence_level=None, cv=2).fit(
        X, words, **known
    )
    new = {**known, "generator": np.where(known["generator"] == "sd", "other", known["generator"])}
    page = evaluation_report(
        detector, X, y, pictures=[grey_picture(0)] * 120, **new, audit=False, **QUICK
    )
    pooled = page.facts["rows"][-1]
    assert pooled["tpr"] == (detector.predict(X)[y == 1] == "fake").mean()
    seen = {row["name"] for row in page.facts["rows"] if row["seen_in_training"]}
    assert seen == {"camera", "phone", "flux"}
    cautions = " ".join(page.facts["verdict"]["cautions"])
    assert "Also in the training data" in cautions
    assert "flux" in cautions
    assert "other" not in cautions
    assert "swapped" not in cautions
    assert any("at most 20 %" in text for text in page.facts["verdict"]["points"])
    turned = {"generator": known["source"], "source": known["generator"]}
    page_of_swapped = evaluation_report(
        detector, X, 1 - y, pictures=[grey_picture(0)] * 120, **turned, audit=False, **QUICK
    )
    assert "labels may be swapped" in " ".join(page_of_swapped.facts["verdict"]["cautions"])
    html = page.to_html()
    assert "in training" in html
    assert "0 features" not in html


def test_an_outlier_detector():
    data = make_generated_images(40, image_size=48, random_state=0)
    encoder = FrozenEncoderTransformer("forensic", n_views=1)
    detector = make_pipeline(encoder, IsolationForest(n_estimators=20, random_state=0))
    detector.fit(data.X[:20][data.y[:20] == 0])
    page = evaluation_report(detector, data.X[20:], data.y[20:], audit=False, **QUICK)
    outlier = detector.predict(data.X[20:]) == -1
    assert page.facts["rows"][-1]["tpr"] == outlier[data.y[20:] == 1].mean()
    assert page.facts["scores"]["is_probability"] is False
    assert page.facts["detector"]["encoder"]["name"] == "forensic"
    assert "<svg" in page.to_html()


def test_nothing_of_a_confidential_picture_is_told(grey):
    paths, y, labels, _ = grey
    curious = {"robustness": {"gamma": [0.5]}}
    page = evaluation_report(
        GreyDetector(), paths, y, **labels, **curious, thumbnails=False, show_paths=False, **QUICK
    )
    text = page.to_html() + page.to_json() + repr(page)
    assert page.facts["audit"]["findings"]
    assert "data:image" not in text.replace("img-src data:", "")
    for part in {Path(path).name for path in paths} | {str(Path(paths[0]).parents[1]), "set_0"}:
        assert part not in text
    assert page.facts["errors"]["missed"][0]["picture"].startswith("row ")


def test_robustness_and_audit_are_told_of(grey):
    paths, y, labels, _ = grey
    page = evaluation_report(
        GreyDetector(), paths, y, **labels, robustness={"gamma": [0.5, 2]}, **QUICK
    )
    rows = page.facts["robustness"]["rows"]
    assert [row["strength"] for row in rows] == [None, 0.5, 2]
    pooled = page.facts["rows"][-1]
    for metric in ("tpr", "fpr", "balanced_accuracy", "auc"):
        for figure in (metric, f"{metric}_low", f"{metric}_high"):
            assert rows[0][figure] == pooled[figure]
    assert rows[1]["fpr"] > rows[2]["fpr"]  # brighter pictures, and darker ones
    html = page.to_html()
    assert 'id="robustness"' in html
    for finding in page.facts["audit"]["findings"]:
        assert finding["title"] in html
        assert finding["advice"].split(".")[0] in html


def test_ten_thousand_pictures_make_a_small_page():
    rng = np.random.default_rng(0)
    y = np.arange(10_000) % 2
    X = rng.normal(size=(10_000, 2)) + y[:, None]
    head = LogisticRegression().fit(X, y)
    one = picture(0, size=(900, 1200))
    names = np.char.add("generator_", (np.arange(10_000) // 2 % 25).astype(str)).astype(object)
    page = evaluation_report(
        head,
        X,
        y,
        pictures=[one] * 10_000,
        generator=np.where(y, names, ""),
        source=np.where(y, "", names),
        audit=False,
        n_resamples=0,
    )
    size = len(page.to_html().encode())
    assert size < 1_500_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"robustness": "jpeg", "pictures": [b""] * 60}, "take pictures"),
        ({"source": ["camera"]}, "inconsistent numbers"),
        ({"n_errors": -1}, "n_errors"),
        ({"robustness": "jpg"}, "Did you mean 'jpeg'"),
    ],
)
def test_what_cannot_be_done_is_explained(grey, change, message):
    paths, y, labels, _ = grey
    with pytest.raises(ValueError, match=message):
        evaluation_report(GreyDetector(), paths, y, **{**labels, "audit": False, **QUICK, **change})


def test_one_class_alone_is_explained(grey):
    paths, y, _, _ = grey
    broken = [b"" if label else path for path, label in zip(paths, y, strict=True)]
    with pytest.raises(ValueError, match="24 could be judged, and they are all of one class"):
        evaluation_report(GreyDetector(), broken, y, **QUICK)


def test_a_built_package_has_the_templates(tmp_path):
    root = Path(__file__).parents[2]
    build = "import setuptools; setuptools.setup()"
    command = [sys.executable, "-c", build, "-q", "build", "-b", tmp_path / "build"]
    result = subprocess.run(
        [*command, "-t", tmp_path / "temporary", "egg_info", "-e", tmp_path],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if "setuptools" in result.stderr and "No module" in result.stderr:
        pytest.skip("setuptools is not installed")
    assert result.returncode == 0, result.stderr
    built = tmp_path / "build" / "lib" / "sklearn_ssafe" / "evaluation_page" / "templates"
    source = root / "sklearn_ssafe" / "evaluation_page" / "templates"
    assert {file.name for file in built.iterdir()} == {file.name for file in source.iterdir()}
    assert {"browse.js", "evaluation.html"} <= {file.name for file in built.iterdir()}


HOSTILE = {
    "generator": "sd\udcff\u202elmth.exe\x1b[31m",
    "source": "cam\u2066era\x07",
    "file": "\u202egpj\x1b[2J.png",
}


def test_names_of_strangers_are_shown_and_do_nothing(tmp_path):
    """Neither bytes that are no UTF-8 nor signs that steer a terminal or turn text round."""
    paths, y = [], []
    for label, low, high in ((0, 0, 200), (1, 60, 255)):
        for number, value in enumerate(np.linspace(low, high, 12)):
            path = tmp_path / f"{label}_{number}_{HOSTILE['file']}"
            path.write_bytes(grey_picture(int(value)))
            paths.append(str(path))
            y.append(label)
    generator = [HOSTILE["generator"] if label else "" for label in y]
    source = ["" if label else HOSTILE["source"] for label in y]
    page = evaluation_report(
        GreyDetector(), paths, y, generator=generator, source=source, title="\u202e", **QUICK
    )
    saved = page.save(tmp_path / "page.html").read_text(encoding="utf-8")
    for text in (saved, str(page), str(page.report), page.report.to_html(), page.to_json()):
        assert not set(text) & set("\udcff\u202e\u2066\x1b\x07")
        assert "sd" in text
    assert r"sd\udcff\u202elmth.exe\x1b[31m" in saved
    assert r"0_11_\u202egpj\x1b[2J.png" in saved
    assert r"sd\udcff" in str(page)


def test_what_files_claim_stands_beside_the_errors_and_is_counted(tmp_path):
    pytest.importorskip("c2pa")
    from ..images.signing import CAMERA, certificate, pem, sign

    authority = certificate("Authority of tests")
    signer = certificate("<b>Daily Test", authority)
    content = sign(grey_picture(250), "image/png", authority, signer, source_type=CAMERA)
    pictures = [content, *(grey_picture(value) for value in (10, 20, 200, 210, 220))]
    (tmp_path / "anchors.pem").write_text(pem(authority))
    y = [0, 0, 0, 1, 1, 1]
    options = {**QUICK, "n_resamples": 0, "audit": False}
    page = evaluation_report(
        GreyDetector(), pictures, y, trust_anchors=tmp_path / "anchors.pem", **options
    )
    says = "signed by <b>Daily Test: taken by a camera"
    assert page.facts["provenance"] == [
        {"says": "nothing found, which says nothing", "real": 2, "generated": 3},
        {"says": says, "real": 1, "generated": 0},
    ]
    (error,) = page.facts["errors"]["false_positives"]
    assert error["provenance"] == says
    text = page.to_html()
    assert "File: signed by &lt;b&gt;Daily Test: taken by a camera" in text
    without = evaluation_report(GreyDetector(), pictures, y, provenance=False, **options)
    assert without.facts["provenance"] is None
    assert "was not looked at" in without.to_html()
    # Beside the figures, and with no part in them.
    assert without.facts["rows"] == page.facts["rows"]
