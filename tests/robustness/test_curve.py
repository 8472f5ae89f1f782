import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, detection_report, robustness_curve
from sklearn_ssafe.encoders.forensic import ForensicEncoder
from sklearn_ssafe.encoding.failures import failures_table
from sklearn_ssafe.exceptions import EncodingError, ImageReadError
from sklearn_ssafe.images import Perturbation, perturb, read_image
from sklearn_ssafe.images.inputs import as_pictures

from ..conftest import encoded, picture


def noisy_pictures(n=24, size=(40, 48)):
    """Real pictures are smooth, generated ones have noise; some are files, some arrays."""
    y = np.arange(n) % 2
    items = []
    for number in range(n):
        image = picture(number, size=size)
        if y[number]:
            image = perturb(image, "noise", 4, random_state=number)
        items.append(encoded(image, "PNG") if number % 3 else image)
    return items, y


class SharpnessDetector(ClassifierMixin, BaseEstimator):
    """Calls a picture generated whose neighbouring pixels differ much; remembers its calls."""

    classes_ = np.array([0, 1])
    threshold_ = 0.5
    spread = 0.2

    def __init__(self):
        self.calls = []

    def predict_proba(self, X):
        self.calls.append(list(X))
        reasons, score = {}, []
        for row, item in enumerate(X):
            try:
                image = read_image(item).astype(float)
                roughness = np.abs(np.diff(np.diff(image, axis=1), axis=1)).mean()
                score.append(1 / (1 + np.exp(-(roughness - 5) / self.spread)))
            except ImageReadError as error:
                reasons[row] = str(error)
        if reasons:
            raise EncodingError("bad", failures_table(as_pictures(X), reasons))
        return np.column_stack([1 - np.array(score), score])

    def predict(self, X):
        raise AssertionError("predict would encode a second time")


WANTED = {"jpeg": [85, 30], "blur": [1], "noise": [8, 2], "recapture": [2]}


def test_scores_are_those_of_each_changed_picture_by_itself():
    X, y = noisy_pictures()
    detector = SharpnessDetector()
    curve = robustness_curve(detector, X, y, perturbations=WANTED, batch_size=5)
    for column, (name, strength) in enumerate(curve.conditions):
        pictures = X if name == "none" else [perturb(item, name, strength) for item in X]
        expected = SharpnessDetector().predict_proba(pictures)[:, 1]
        np.testing.assert_array_equal(curve.score[:, column], expected)
        np.testing.assert_array_equal(curve.verdict[:, column], expected >= 0.5)


def test_each_changed_picture_is_handed_over_once_in_small_batches_codecs_as_files():
    X, y = noisy_pictures()
    detector = SharpnessDetector()
    curve = robustness_curve(detector, X, y, perturbations=WANTED, batch_size=5)
    assert max(map(len, detector.calls)) == 5
    given = [item for call in detector.calls for item in call]
    assert len(given) == len(X) * len(curve.conditions)
    files = {item for item in given if isinstance(item, bytes)}
    assert {perturb(item, "jpeg", 30) for item in X} <= files
    # The pictures as they are are handed over as they came.
    assert all(any(item is other for other in given) for item in X)


def test_large_pictures_come_in_smaller_batches(monkeypatch):
    monkeypatch.setattr("sklearn_ssafe.robustness.curve._MOST_PIXELS", 3 * 40 * 48)
    X, y = noisy_pictures()
    detector = SharpnessDetector()
    robustness_curve(detector, X, y, perturbations="gamma", num_workers=2)
    assert max(map(len, detector.calls)) == 4


def test_order_batches_and_threads_change_nothing():
    X, y = noisy_pictures()
    order = np.random.default_rng(0).permutation(len(X))
    first = robustness_curve(SharpnessDetector(), X, y, perturbations=WANTED)
    second = robustness_curve(
        SharpnessDetector(),
        [X[k] for k in order],
        y[order],
        perturbations=WANTED,
        batch_size=3,
        num_workers=1,
    )
    np.testing.assert_array_equal(first.score[order], second.score)
    third = robustness_curve(SharpnessDetector(), X, y, perturbations="noise", random_state=1)
    assert (first.score[:, 4] != third.score[:, 1]).any()  # noise of deviation 8 and 2


def test_the_frame_has_scikit_learns_figures_with_intervals():
    X, y = noisy_pictures()
    curve = robustness_curve(SharpnessDetector(), X, y, perturbations=WANTED)
    table = curve.frame()
    assert table["perturbation"].tolist() == [
        "none", "jpeg", "jpeg", "blur", "noise", "noise", "recapture"
    ]  # fmt: skip
    for row, score, verdict in zip(table.itertuples(), curve.score.T, curve.verdict.T, strict=True):
        assert row.auc == pytest.approx(roc_auc_score(y, score))
        assert row.balanced_accuracy == pytest.approx(balanced_accuracy_score(y, verdict))
        assert row.tpr == verdict[y == 1].mean()
        assert row.fpr == verdict[y == 0].mean()
        assert row.flipped == (verdict != curve.verdict[:, 0]).mean()
        for name in ("balanced_accuracy", "tpr", "fpr"):
            low, value, high = (getattr(row, name + end) for end in ("_low", "", "_high"))
            assert low <= value <= high
    assert (table["pictures"] == len(y)).all()
    assert table.loc[0, "auc"] == 1  # this detector sees the noise ...
    assert table.loc[3, "balanced_accuracy"] < 0.6  # ... and the blur removes it
    assert table.loc[3, "flipped"] > 0.4
    assert f"{(y == 1).sum()} generated pictures, 6 changes" in str(curve)
    assert "blur       1 " in str(curve)


def test_flips_name_the_strengths_that_turn_a_verdict():
    X, y = noisy_pictures()
    curve = robustness_curve(SharpnessDetector(), X, y, perturbations=WANTED)
    table = curve.flips()
    assert sorted(table["row"]) == list(range(len(X)))
    assert table["flips"].is_monotonic_decreasing
    columns = {condition: k for k, condition in enumerate(curve.conditions)}
    for row in table.itertuples():
        verdict = curve.verdict[row.row]
        for name, strengths in WANTED.items():
            turned = [s for s in strengths if verdict[columns[name, s]] != verdict[0]]
            assert list(getattr(row, name)) == turned
        assert row.flips == (verdict[1:] != verdict[0]).sum()
        assert row.of == 6
        assert row.called_generated == verdict[0]
        assert row.label == y[row.row]


def test_a_bad_picture_costs_its_row_and_a_bad_change_that_change_alone():
    X, y = noisy_pictures()
    X[3], X[4] = b"no picture", "nowhere.jpg"

    def picky(image, strength, rng):
        if np.array_equal(image, read_image(X[8])):
            raise OverflowError("too much")
        return b"broken" if np.array_equal(image, read_image(X[9])) else image

    own = Perturbation("picky", picky, (1, 2), "times")
    curve = robustness_curve(SharpnessDetector(), X, y, perturbations=["blur", own], batch_size=4)
    failures = curve.failures
    assert failures["row"].tolist() == [3, 4, 8, 8, 9, 9]
    assert failures["perturbation"].tolist() == ["none"] * 2 + ["picky"] * 4
    assert failures["path"][1] == "nowhere.jpg"
    assert "OverflowError: too much" in failures["reason"][2]
    assert "no picture" in failures["reason"][4]
    table = curve.frame().set_index("perturbation")
    assert table.loc["none", "lost"] == 2
    assert (table.loc["blur", "pictures"] == len(X) - 2).all()
    assert (table.loc["picky", "lost"] == 4).all()
    assert np.isfinite(table["auc"]).all()
    assert set(curve.flips()["row"]) == set(range(len(X))) - {3, 4}
    assert "6 pictures or changes are missing" in str(curve)


def test_pictures_that_are_all_bad_are_an_error_that_names_them():
    with pytest.raises(EncodingError, match=r"(?s)None of the 2.*row 1: nowhere\.png") as caught:
        robustness_curve(SharpnessDetector(), [b"x", "nowhere.png"], [0, 1], perturbations="blur")
    assert caught.value.failures["row"].tolist() == [0, 1]


@pytest.mark.parametrize("on_error", ["raise", "nan"])
def test_an_encoder_that_gives_up_on_a_picture_costs_a_row(on_error):
    X, y = noisy_pictures()

    def explode(image):
        if np.array_equal(image, bad):
            raise RuntimeError("this one not")
        return np.asarray(image.resize((8, 8)), dtype=np.float32).transpose(2, 0, 1) / 255

    bad = read_image(X[7])
    encoder = FrozenEncoderTransformer(
        torch.nn.Flatten(), preprocess=explode, on_error=on_error, verbose=False
    )
    good = [item for row, item in enumerate(X) if row != 7]
    detector = make_pipeline(encoder, LogisticRegression()).fit(good, np.delete(y, 7))
    curve = robustness_curve(detector, X, y, perturbations="crop")
    assert curve.failures["row"].tolist() == [7]
    assert curve.failures["perturbation"].tolist() == ["none"]
    assert curve.frame()["lost"].tolist() == [1, 0, 0, 0, 0]


def test_a_pipeline_with_the_embedded_encoder_encodes_each_picture_once(monkeypatch):
    X, y = noisy_pictures(12)
    encoder = FrozenEncoderTransformer("forensic", cache=None)
    detector = make_pipeline(encoder, StandardScaler(), LogisticRegression())
    detector.fit(X, np.where(y, "fake", "real"))
    counts, encode = [], ForensicEncoder.encode

    def counting(encoder, views):
        counts.append(len(views))
        return encode(encoder, views)

    monkeypatch.setattr(ForensicEncoder, "encode", counting)
    labels = pd.Series(np.where(y, "fake", "real"), index=range(100, 112))
    curve = robustness_curve(
        detector, X, labels, pos_label="fake", perturbations={"webp": [50]}, batch_size=6
    )
    assert counts == [6] * 4
    changed = [perturb(item, "webp", 50) for item in X]
    expected = detector.predict_proba(changed)[:, list(detector.classes_).index("fake")]
    np.testing.assert_allclose(curve.score[:, 1], expected)
    assert curve.y.tolist() == y.tolist()


def test_an_outlier_detector_needs_no_classes():
    X, y = noisy_pictures(12)
    real = [item for item, label in zip(X, y, strict=True) if not label]
    detector = make_pipeline(
        FrozenEncoderTransformer("forensic"), IsolationForest(random_state=0)
    ).fit(real)
    curve = robustness_curve(detector, X, y, perturbations={"gamma": 2})
    np.testing.assert_array_equal(curve.verdict[:, 0], detector.predict(X) == -1)


def origins(y):
    """Two cameras and three generators."""
    number = np.arange(len(y))
    return {
        "generator": np.where(y == 1, np.char.add("generator ", (number % 3).astype(str)), ""),
        "source": np.where(y == 0, np.char.add("camera ", (number % 4 // 2).astype(str)), ""),
    }


def test_whole_generators_and_sources_are_resampled():
    X, y = noisy_pictures()
    X[1] = X[7] = np.full((40, 48, 3), 128, dtype=np.uint8)  # one generator's, missed
    options = {"perturbations": "blur"}
    single = robustness_curve(SharpnessDetector(), X, y, **options).frame()
    grouped = robustness_curve(SharpnessDetector(), X, y, **origins(y), **options).frame()
    assert single["auc"].tolist() == grouped["auc"].tolist()
    assert grouped.loc[0, "tpr_low"] < single.loc[0, "tpr_low"]
    # One camera alone cannot be resampled as a whole.
    one = {"source": np.where(y == 0, "one camera", "")}
    alone = robustness_curve(SharpnessDetector(), X, y, **one, **options).frame()
    assert alone[["fpr_low", "fpr_high"]].equals(single[["fpr_low", "fpr_high"]])


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("n_wrong", [0, 4])
def test_the_same_pictures_have_the_same_interval_in_a_report(named, grouped, n_wrong):
    X, y = noisy_pictures()
    for row in range(1, 2 * n_wrong, 2):
        X[row] = np.full((40, 48, 3), 128, dtype=np.uint8)  # missed
    known = origins(y) if named else {}
    if grouped:
        known["groups"] = np.arange(len(y)) // 3
    options = {**known, "random_state": 5, "confidence_level": 0.9}
    detector = SharpnessDetector()
    curve = robustness_curve(detector, X, y, perturbations={"gamma": 2}, **options)
    report = detection_report(y, curve.score[:, 0], threshold=0.5, **options).frame()
    pooled, unchanged = report.set_index("name").loc["pooled"], curve.frame().iloc[0]
    assert unchanged["tpr"] == pytest.approx(1 - n_wrong / 12)
    for metric in ("balanced_accuracy", "tpr", "fpr", "auc"):
        for name in (metric, f"{metric}_low", f"{metric}_high"):
            np.testing.assert_equal(unchanged[name], pooled[name])
    if n_wrong == 0:
        n_units = pooled["units"]
        expected = binomtest(n_units, n_units).proportion_ci(0.9, method="exact")
        np.testing.assert_allclose(unchanged[["tpr_low", "tpr_high"]].astype(float), expected)


def test_a_change_that_loses_a_class_has_no_figures_of_it():
    X, y = noisy_pictures(12)

    def only_smooth(image, strength, rng):
        if np.abs(np.diff(image.astype(float), axis=1)).mean() > 15:
            raise ValueError("too rough")
        return image

    X = [perturb(x, "noise", 20) if label else x for x, label in zip(X, y, strict=True)]
    own = Perturbation("picky", only_smooth, (1,), "times")
    curve = robustness_curve(SharpnessDetector(), X, y, perturbations=own)
    changed = curve.frame().iloc[1]
    assert (changed["pictures"], changed["lost"]) == (6, 6)
    assert changed["fpr"] == curve.verdict[y == 0, 1].mean()
    assert changed[["tpr", "auc", "balanced_accuracy", "tpr_low"]].isna().all()


def test_a_curve_is_a_result():
    X, y = noisy_pictures(12)
    curve = robustness_curve(
        SharpnessDetector(), X, y, perturbations={"jpeg": [85, 30]}, n_resamples=0
    )
    facts = curve.to_dict()
    assert facts["settings"]["generated"] == 6
    assert [row["strength"] for row in facts["rows"]] == [None, 85, 30]
    assert facts["rows"][0]["auc_low"] is None
    assert json.loads(curve.to_json()) == facts
    for text in (str(curve), curve.to_html()):
        assert "6 real and 6 generated pictures, 2 changes of each" in text
        assert "jpeg" in text
        assert "missing" not in text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": ["a", "b"]}, r"labels \['a', 'b'\] means generated"),
        ({"y": [1, 1]}, "must have two classes"),
        ({"y": ["a", "b"], "pos_label": "c"}, "is none of the labels"),
        ({"y": [0, 1, 1]}, "inconsistent numbers"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"confidence_level": 1}, "'confidence_level' parameter"),
        ({"perturbations": "blurs"}, "Did you mean 'blur'"),
        ({"estimator": "detector"}, "'estimator' parameter"),
        ({"groups": [1]}, "inconsistent numbers"),
    ],
)
def test_what_cannot_be_done_is_explained(given, message):
    X, y = noisy_pictures(2)
    given = {"estimator": SharpnessDetector(), "X": X, "y": y, **given}
    with pytest.raises(ValueError, match=message):
        robustness_curve(**given)
