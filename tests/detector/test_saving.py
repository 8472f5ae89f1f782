import json
import os
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skops.io
import yaml
from lightgbm import LGBMClassifier
from safetensors.numpy import load_file
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, normalize
from sklearn.svm import LinearSVC

from sklearn_ssafe import FrozenEncoderTransformer, LinearProbe, SSAFEClassifier, load_detector
from sklearn_ssafe.detector import encoder_identity
from sklearn_ssafe.detector import folder as detector_folder
from sklearn_ssafe.encoding.transformer import loaded_encoder
from sklearn_ssafe.exceptions import DetectorFileError, EncodingWarning

from ..towers import SmallTower, small_pixels
from .test_classifier import EveryThird

FIXTURES = Path(__file__).parents[1] / "fixtures" / "detectors"


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    X = rng.normal(size=(120, 8)) + y[:, None]
    names = np.array([["camera", "phone"], ["sd", "flux"]])[y, rng.integers(0, 2, 120)]
    return X, y, {"generator": np.where(y, names, ""), "source": np.where(y, "", names)}


def fitted(rows, **parameters):
    X, y, names = rows
    return SSAFEClassifier(encoder=None, **parameters).fit(X, y, **names)


def as_format(path, version, without=(), **changes):
    """Turn a saved detector into one of the first two formats, which had no checksum."""
    settings = json.loads((path / "detector.json").read_text(encoding="utf-8"))
    del settings["checksum"]
    if version == 1:
        for part in (settings["parameters"], settings["operating_point"]):
            if part is not None:
                part["confidence"] = part.pop("confidence_level")
        without = ("unit_rows", "prefit", "head_origin")
    settings["files"] = {name: entry["sha256"] for name, entry in settings["files"].items()}
    settings |= {"format_version": version, **changes}
    kept = {name: value for name, value in settings.items() if name not in without}
    (path / "detector.json").write_text(json.dumps(kept), encoding="utf-8")


# There and back ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        None,
        LinearProbe(epochs=3, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5),
        KNeighborsClassifier(),
        CalibratedClassifierCV(LinearSVC(random_state=0), cv=2),
    ],
    ids=lambda head: type(head).__name__,
)
def test_it_comes_back_as_it_was(rows, tmp_path, head):
    X = rows[0]
    detector = fitted(rows, head=head, target_fpr=0.2, keep_training_rows=True, cv=2)
    again = load_detector(detector.save(tmp_path / "detector"))
    np.testing.assert_array_equal(again.predict_proba(X), detector.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), detector.predict(X))
    assert repr(again) == repr(detector)
    assert again.operating_point_ == detector.operating_point_
    assert again.training_table_.equals(detector.training_table_)
    for name in ("y", "score", "fold"):
        np.testing.assert_array_equal(
            getattr(again.out_of_fold_, name), getattr(detector.out_of_fold_, name)
        )
    np.testing.assert_array_equal(again.training_rows_.rows, detector.training_rows_.rows)
    assert again.training_rows_.names == detector.training_rows_.names
    np.testing.assert_array_equal(again.training_indices_, detector.training_indices_)
    # And once more from there.
    twice = load_detector(again.save(tmp_path / "detector"))
    np.testing.assert_array_equal(twice.predict_proba(X), detector.predict_proba(X))
    again.fit(*rows[:2], **rows[2])


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # LightGBM's own
def test_lightgbm_comes_back_as_it_was(rows, tmp_path):
    head = LGBMClassifier(n_estimators=5, random_state=0, verbose=-1)
    detector = fitted(rows, head=head, cv=None)
    again = load_detector(detector.save(tmp_path / "detector"))
    np.testing.assert_array_equal(again.predict_proba(rows[0]), detector.predict_proba(rows[0]))


@pytest.mark.parametrize(
    ("labels", "pos_label"), [(("real", "fake"), None), ((1, 0), 0), ((False, True), None)]
)
def test_labels_come_back_in_their_type(rows, tmp_path, labels, pos_label):
    X, y, _ = rows
    detector = SSAFEClassifier(encoder=None, pos_label=pos_label, cv=None)
    detector.fit(X, np.array(labels)[y])
    again = load_detector(detector.save(tmp_path / "detector"))
    assert again.classes_.dtype == detector.classes_.dtype
    np.testing.assert_array_equal(again.predict(X), detector.predict(X))
    np.testing.assert_array_equal(again.predict_proba(X), detector.predict_proba(X))


def test_a_detector_of_pictures_with_a_named_encoder(picture_files, tmp_path):
    encoder = FrozenEncoderTransformer("forensic", n_views=1, on_error="nan")
    detector = SSAFEClassifier(encoder).fit(picture_files, [0, 1] * 5)
    again = load_detector(detector.save(tmp_path / "detector"))
    np.testing.assert_array_equal(
        again.predict_proba(picture_files), detector.predict_proba(picture_files)
    )
    assert (again.encoder_.n_views, again.encoder_.on_error) == (1, "nan")
    twice = load_detector(again.save(tmp_path / "detector"))
    np.testing.assert_array_equal(
        twice.predict_proba(picture_files), detector.predict_proba(picture_files)
    )


@pytest.mark.parametrize(
    "encoder", ["efficientnet_lite0", ["efficientnet_lite0", "forensic"]], ids=["one", "two"]
)
def test_the_default_encoder_alone_and_beside_another(picture_files, tmp_path, encoder):
    detector = SSAFEClassifier(encoder, cv=None, keep_training_rows=True)
    detector.fit(picture_files, [0, 1] * 5)
    again = load_detector(detector.save(tmp_path / "detector"))
    np.testing.assert_array_equal(
        again.predict_proba(picture_files), detector.predict_proba(picture_files)
    )
    assert again.encoder_.encoder == encoder
    nearest = again.explain(picture_files[0], grid=2).nearest
    assert nearest["similarity"].iloc[0] == pytest.approx(1, abs=1e-5)
    card = (tmp_path / "detector" / "README.md").read_text()
    assert "579344248a93e230" in card
    assert "Apache-2.0" in card
    assert ("forensic: BSD-3-Clause" in card) == (encoder != "efficientnet_lite0")
    with pytest.raises(DetectorFileError, match="trained with the encoder efficientnet_lite0"):
        load_detector(tmp_path / "detector", encoder=FrozenEncoderTransformer("forensic"))


def test_rows_have_the_length_they_were_trained_with(picture_files, tmp_path):
    encoder = FrozenEncoderTransformer("forensic", n_views=1)
    head = LogisticRegression()
    detector = SSAFEClassifier(encoder, head=head, cv=None).fit(picture_files, [0, 1] * 5)
    path = detector.save(tmp_path / "detector")
    assert json.loads((path / "detector.json").read_text())["unit_rows"] is False
    rows = encoder.fit_transform(picture_files)
    np.testing.assert_allclose(
        load_detector(path).predict_proba(picture_files),
        detector.head_.predict_proba(rows.astype(float)),
    )
    # As a detector of the first format, which did not say it and always had rows of unit length.
    as_format(path, 1)
    np.testing.assert_allclose(
        load_detector(path).predict_proba(picture_files),
        detector.head_.predict_proba(normalize(rows)),
        rtol=1e-5,
    )


def test_what_is_kept_of_the_training_pictures(picture_files, tmp_path):
    encoder = FrozenEncoderTransformer("forensic", n_views=1)
    for keep in (False, True):
        detector = SSAFEClassifier(encoder, cv=None, keep_training_rows=keep)
        path = detector.fit(picture_files, [0, 1] * 5).save(tmp_path / str(keep))
        content = b"".join(file.read_bytes() for file in path.iterdir())
        assert (b"picture_3.jpg" in content) == keep
        assert ("training_rows" in load_file(path / "arrays.safetensors")) == keep


# The encoder -----------------------------------------------------------------------------------


class OtherTower(SmallTower):
    """The same structure with other weights."""

    def __init__(self):
        super().__init__()
        self.kernel.data += 0.01


def other_pixels(image):
    return small_pixels(image).flip(0)  # BGR for RGB


def small(tower=SmallTower, preprocess=small_pixels):
    return FrozenEncoderTransformer(tower, preprocess=preprocess, precision="fp32")


def test_a_module_of_ones_own_has_to_be_given_and_is_recognised(picture_files, tmp_path):
    detector = SSAFEClassifier(small(), cv=None).fit(picture_files, [0, 1] * 5)
    path = detector.save(tmp_path / "detector")
    with pytest.raises(DetectorFileError, match="SmallTower is a module"):
        load_detector(path)
    again = load_detector(path, encoder=small())
    np.testing.assert_array_equal(
        again.predict_proba(picture_files), detector.predict_proba(picture_files)
    )
    with pytest.raises(DetectorFileError, match=r"trained with the encoder SmallTower.*OtherTower"):
        load_detector(path, encoder=small(OtherTower))
    with pytest.raises(DetectorFileError, match="other features here"):
        load_detector(path, encoder=small(preprocess=other_pixels))
    with pytest.raises(DetectorFileError, match="trained with the encoder SmallTower"):
        load_detector(path, encoder=FrozenEncoderTransformer("forensic"))


def test_weights_of_a_named_tower_are_compared(picture_files, tmp_path):
    tower = FrozenEncoderTransformer("timm/test_vit", weights="random", precision="fp32")
    detector = SSAFEClassifier(tower, cv=None).fit(picture_files, [0, 1] * 5)
    path = detector.save(tmp_path / "detector")
    again = load_detector(path)
    np.testing.assert_array_equal(
        again.predict_proba(picture_files), detector.predict_proba(picture_files)
    )
    saved = json.loads((path / "detector.json").read_text())["encoder"]
    assert saved["weights_hash"] == loaded_encoder(detector.encoder_).weights_hash
    assert saved["precision"] == "fp32"
    with pytest.raises(DetectorFileError, match="trained with the encoder"):
        load_detector(path, encoder=FrozenEncoderTransformer("timm/test_vit2", weights="random"))


def test_what_resized_the_pictures_is_saved_and_done_again(picture_files, tmp_path):
    def tower(resize="auto", precision="bf16"):
        return FrozenEncoderTransformer(
            "timm/test_vit", weights="random", precision=precision, resize=resize
        )

    scores = {}
    for resize in ("auto", "pillow"):
        detector = SSAFEClassifier(tower(resize), cv=None).fit(picture_files, [0, 1] * 5)
        path = detector.save(tmp_path / resize)
        saved = json.loads((path / "detector.json").read_text())["encoder"]["settings"]
        # As in files from when there was Pillow alone, nothing is said of it.
        assert saved.get("resize") == {"auto": "torch", "pillow": None}[resize]
        scores[resize] = detector.predict_proba(picture_files)
        given = {"none": None, "auto": tower(), "same": tower(resize), "said": tower("torch")}
        if resize == "pillow":
            given["said"] = tower("pillow")
        for encoder in given.values():
            again = load_detector(path, encoder=encoder)
            np.testing.assert_array_equal(again.predict_proba(picture_files), scores[resize])
        other = "pillow" if resize == "auto" else "torch"
        with pytest.raises(DetectorFileError, match=f"has resize='{other}'"):
            load_detector(path, encoder=tower(other))
    assert not np.array_equal(scores["auto"], scores["pillow"])
    exact = SSAFEClassifier(tower(precision="fp32"), cv=None).fit(picture_files, [0, 1] * 5)
    again = load_detector(exact.save(tmp_path / "exact"))
    assert again.encoder_.resize == "auto"


def test_encoders_side_by_side_may_each_have_their_own_resize(picture_files, tmp_path, monkeypatch):
    encoder = FrozenEncoderTransformer("timm/test_vit", weights="random", precision="bf16")
    detector = SSAFEClassifier(encoder, cv=None).fit(picture_files, [0, 1] * 5)
    monkeypatch.setattr(encoder_identity, "_resizers", lambda _: {"torch", "pillow"})
    path = detector.save(tmp_path / "detector")
    assert load_detector(path).encoder_.resize == "auto"
    assert load_detector(path, encoder=encoder).encoder_.resize == "auto"


def test_saving_leaves_the_failures_of_the_last_call(picture_files, tmp_path):
    encoder = FrozenEncoderTransformer("forensic", n_views=1, on_error="nan")
    detector = SSAFEClassifier(encoder, cv=None).fit(picture_files, [0, 1] * 5)
    with pytest.warns(EncodingWarning):
        detector.predict_proba([*picture_files, "absent.jpg"])
    detector.save(tmp_path / "detector")
    assert detector.encoder_.failures_["path"].tolist() == ["absent.jpg"]


def test_an_encoder_that_could_not_be_recognised_is_refused(rows, tmp_path):
    detector = SSAFEClassifier(FunctionTransformer(np.vstack), cv=None)
    detector.fit(list(rows[0]), rows[1])
    with pytest.raises(TypeError, match="is no FrozenEncoderTransformer"):
        detector.save(tmp_path / "detector")
    assert not any(tmp_path.iterdir())


# What is not trusted, damaged, newer -----------------------------------------------------------


class OwnHead(ClassifierMixin, BaseEstimator):
    """A head that skops knows nothing of."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(X[:, 0] > 0).astype(int)]

    def predict_proba(self, X):
        return np.column_stack([X[:, 0] <= 0, X[:, 0] > 0]).astype(float)


def test_types_that_are_not_trusted_are_named_and_refused(rows, tmp_path):
    detector = fitted(rows, head=OwnHead(), curator=EveryThird(), cv=None)
    with pytest.warns(UserWarning, match="trusted="):
        path = detector.save(tmp_path / "detector")
    names = [f"{OwnHead.__module__}.OwnHead", f"{EveryThird.__module__}.EveryThird"]
    with pytest.raises(DetectorFileError) as error:
        load_detector(path)
    assert all(name in str(error.value) for name in names)
    with pytest.raises(DetectorFileError, match=names[1]):
        load_detector(path, trusted=names[:1])
    again = load_detector(path, trusted=names)
    np.testing.assert_array_equal(again.predict(rows[0]), detector.predict(rows[0]))


def test_a_function_smuggled_in_is_not_called(rows, tmp_path):
    path = fitted(rows, cv=None).save(tmp_path / "detector")
    evil = FunctionTransformer(os.system)
    content = skops.io.dumps({"head": None, "curator": None, "head_": evil})
    files = {**detector_folder.read_folder(path)[1], "estimators.skops": content}
    settings = json.loads((path / "detector.json").read_text())
    detector_folder.write_folder(path, settings, files)
    with pytest.raises(DetectorFileError, match=r"not trusted.*system"):
        load_detector(path)


def test_no_pickle_is_in_it(rows, tmp_path):
    path = fitted(rows, cv=2).save(tmp_path / "detector")
    assert sorted(file.name for file in path.iterdir()) == [
        "README.md",
        "arrays.safetensors",
        "detector.json",
        "estimators.skops",
    ]
    assert skops.io.get_untrusted_types(file=path / "estimators.skops") == []


def test_what_cannot_be_saved_costs_nothing(rows, tmp_path):
    path = fitted(rows, cv=None).save(tmp_path / "detector")
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    head = make_pipeline(FunctionTransformer(lambda X: X), LogisticRegression())
    detector = fitted(rows, head=head, cv=None)
    with pytest.raises(TypeError, match="cannot be saved without pickle"):
        detector.save(path)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["detector"]
    detector.predict(rows[0])


@pytest.mark.parametrize("name", ["arrays.safetensors", "estimators.skops"])
def test_a_damaged_or_missing_file(rows, tmp_path, name):
    path = fitted(rows, cv=None).save(tmp_path / "detector")
    content = (path / name).read_bytes()
    (path / name).write_bytes(content[:-7])
    with pytest.raises(DetectorFileError, match=f"{name} is not what was saved"):
        load_detector(path)
    (path / name).unlink()
    with pytest.raises(DetectorFileError, match=f"{name} is missing"):
        load_detector(path)


def test_settings_that_are_none(rows, tmp_path):
    path = fitted(rows, cv=None).save(tmp_path / "detector")
    settings = json.loads((path / "detector.json").read_text())
    (path / "detector.json").write_text(json.dumps({**settings, "format_version": 99}))
    with pytest.raises(DetectorFileError, match="newer version"):
        load_detector(path)
    (path / "detector.json").write_text(json.dumps({**settings, "format": "recipe"}))
    with pytest.raises(DetectorFileError, match="is no detector"):
        load_detector(path)
    (path / "detector.json").write_text("{")
    with pytest.raises(DetectorFileError, match="damaged"):
        load_detector(path)
    with pytest.raises(FileNotFoundError, match="no detector"):
        load_detector(tmp_path / "absent")


def test_a_head_that_gives_other_scores_is_refused(rows, tmp_path):
    detector = fitted(rows, cv=None)
    path = detector.save(tmp_path / "detector")
    settings, files = detector_folder.read_folder(path)
    detector.head_.intercept_ += 0.01  # as another version of a library might
    content = skops.io.dumps({"head": None, "curator": None, "head_": detector.head_})
    detector_folder.write_folder(path, settings, {**files, "estimators.skops": content})
    with pytest.raises(DetectorFileError, match=r"other scores here.*scikit-learn"):
        load_detector(path)


def test_a_head_of_another_version_that_does_not_work_is_refused(rows, tmp_path):
    detector = fitted(rows, cv=None)
    path = detector.save(tmp_path / "detector")
    settings, files = detector_folder.read_folder(path)
    del detector.head_.classes_
    content = skops.io.dumps({"head": None, "curator": None, "head_": detector.head_})
    detector_folder.write_folder(path, settings, {**files, "estimators.skops": content})
    with pytest.raises(DetectorFileError, match=r"does not work here.*scikit-learn"):
        load_detector(path)


# The folder ------------------------------------------------------------------------------------


def test_nothing_but_a_detector_is_overwritten(rows, tmp_path):
    detector = fitted(rows, cv=None)
    (tmp_path / "holiday").mkdir()
    detector.save(tmp_path / "holiday")  # an empty folder is free
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years")
    (tmp_path / "notes.txt").write_text("days")
    for name in ("work", "notes.txt"):
        with pytest.raises(FileExistsError, match="is no detector"):
            detector.save(tmp_path / name)
    assert (tmp_path / "work" / "thesis.txt").read_text() == "years"
    assert (tmp_path / "notes.txt").read_text() == "days"
    detector.save(tmp_path / "holiday")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["holiday", "notes.txt", "work"]


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_failure_while_writing_leaves_the_old_one(rows, tmp_path, monkeypatch, step):
    path = fitted(rows, cv=None).save(tmp_path / "detector")
    before = load_detector(path).predict_proba(rows[0])
    calls = []

    def fails(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("no space left on device")
        return real(*arguments)

    home = detector_folder.os if step == "fsync" else Path
    real = getattr(home, step)
    monkeypatch.setattr(home, step, fails)
    with pytest.raises(OSError, match="no space"):
        fitted(rows, head=LinearProbe(epochs=2), cv=None).save(path)
    monkeypatch.undo()
    assert [entry.name for entry in tmp_path.iterdir()] == ["detector"]
    np.testing.assert_array_equal(load_detector(path).predict_proba(rows[0]), before)


# The card --------------------------------------------------------------------------------------


def test_the_card_says_what_it_was_trained_on_and_how_well_it_did(rows, tmp_path):
    detector = fitted(rows, target_fpr=0.1, cv=2)
    card = (detector.save(tmp_path / "detector") / "README.md").read_text(encoding="utf-8")
    head, text = card.split("---\n", 2)[1:]
    assert yaml.safe_load(head)["library_name"] == "sklearn-ssafe"
    for row in detector.training_table_.itertuples():
        share = f"{100 * row.called_generated:.1f} %"
        counts = rf"\| {row.name} \| {row.pictures}( \\\*)? \| {row.trained_on} \| {share} \|"
        assert re.search(counts, text)  # a star where they are few
    point, scores = detector.operating_point_, detector.out_of_fold_
    assert f"**{detector.threshold_:.6g}**" in text
    assert f"{100 * point.fpr_upper_bound:.1f} %" in text
    tpr = (scores.score[scores.y == 1] > detector.threshold_).mean()
    assert f"{100 * tpr:.1f} % of the generated ones" in text
    for word in ("Recapture", "compression", "Local edits", "scikit-learn", "whole generators"):
        assert word in text


def test_the_card_says_so_where_the_goal_is_not_promised_or_nothing_was_held_out(rows, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = fitted(rows, target_fpr=0.01).save(tmp_path / "detector")
    assert "at least 299 real pictures" in (path / "README.md").read_text(encoding="utf-8")
    path = fitted(rows, cv=None).save(tmp_path / "detector")
    text = (path / "README.md").read_text(encoding="utf-8")
    assert "no held-out figures" in text
    assert "was given, not chosen" in text


@pytest.mark.parametrize(
    ("encoder", "licence"),
    [("forensic", "BSD-3-Clause"), ("timm/test_vit", "Apache-2.0")],
)
def test_the_card_names_the_licence_of_the_weights(picture_files, tmp_path, encoder, licence):
    transformer = FrozenEncoderTransformer(
        encoder, weights=None if encoder == "forensic" else "random"
    )
    detector = SSAFEClassifier(transformer, cv=None).fit(picture_files, [0, 1] * 5)
    text = (detector.save(tmp_path / "detector") / "README.md").read_text(encoding="utf-8")
    from sklearn_ssafe import list_encoders

    table = list_encoders(encoder)
    row = table.iloc[0]
    assert (
        f"licence of its weights: {row['licence']} (commercial use: {row['commercial_use']}" in text
    )
    assert licence is None or row["licence"] == licence


# Detectors saved by earlier versions -------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # LightGBM's own
@pytest.mark.parametrize("path", sorted(FIXTURES.iterdir()), ids=lambda path: path.name)
def test_a_detector_of_an_earlier_version_predicts_what_it_did(path, tmp_path):
    detector = load_detector(path / "detector")
    expected = json.loads((path / "expected.json").read_text())
    pictures = [str(path / name) for name in expected["probability"]]
    probability = detector.predict_proba(pictures)[:, 1]
    before = np.array(list(expected["probability"].values()))
    np.testing.assert_allclose(probability, before, atol=1e-4)
    np.testing.assert_array_equal(detector.predict(pictures), before > expected["threshold"])
    # And so it does when this version has saved it.
    again = load_detector(detector.save(tmp_path / "detector"))
    assert again.threshold_ == detector.threshold_
    np.testing.assert_array_equal(again.predict_proba(pictures)[:, 1], probability)
    np.testing.assert_array_equal(again.predict(pictures), detector.predict(pictures))


@pytest.mark.parametrize(("version", "called"), [(1, False), (2, True)])
def test_a_score_at_the_threshold_is_judged_as_it_was(rows, tmp_path, version, called):
    """Version 1 called generated what scored more than the threshold, version 2 what reaches it."""
    X = rows[0]
    detector = fitted(rows, target_fpr=0.2, cv=2)
    path = detector.save(tmp_path / "detector")
    as_format(path, version)
    old = load_detector(path)
    # One row at a time: the last bit of a sum depends on how many rows are multiplied at once.
    score = np.array([old.predict_proba(row[None])[0, 1] for row in X])
    detector.threshold_ = float(score[7])
    detector.operating_point_ = replace(detector.operating_point_, threshold=float(score[7]))
    path = detector.save(tmp_path / "detector")
    as_format(path, version)
    old = load_detector(path)
    verdicts = [old.predict(row[None])[0] for row in X]
    np.testing.assert_array_equal(verdicts, score >= score[7] if called else score > score[7])
    assert old.confidence_level == old.operating_point_.confidence_level == 0.95
