import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, robustness_curve
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
        for name in ("balanced_accuracy", "tpr", "fpr", "auc"):
            low, value, high = (getattr(row, name + end) for end in ("_low", "", "_high"))
            assert low <= value <= high
    assert (table["pictures"] == len(y)).all()
    assert table.loc[0, "auc"] == 1  # this detector sees the noise ...
    assert table.loc[3, "balanced_accuracy"] < 0.6  # ... and the blur removes it
    assert table.loc[3, "flipped"] > 0.4
    assert f"{(y == 1).sum()} generated pictures, 6 changes" in str(curve)
    assert "blur 1" in str(curve)


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
    encoder = FrozenEncoderTransformer(cache=None)
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
    detector = make_pipeline(FrozenEncoderTransformer(), IsolationForest(random_state=0)).fit(real)
    curve = robustness_curve(detector, X, y, perturbations={"gamma": 2})
    np.testing.assert_array_equal(curve.verdict[:, 0], detector.predict(X) == -1)


def test_groups_are_resampled_whole():
    X, y = noisy_pictures()
    X[1] = X[7] = np.full((40, 48, 3), 128, dtype=np.uint8)  # one generator's, unnoticed
    group = [f"camera {k % 4 // 2}" if not y[k] else f"generator {k % 3}" for k in range(len(X))]
    single = robustness_curve(SharpnessDetector(), X, y, perturbations="blur").frame()
    grouped = robustness_curve(
        SharpnessDetector(), X, y, perturbations="blur", groups=group
    ).frame()
    assert single["auc"].tolist() == grouped["auc"].tolist()
    assert grouped.loc[0, "tpr_low"] < single.loc[0, "tpr_low"]
    one = ["one camera" if not label else str(k) for k, label in enumerate(y)]
    alone = robustness_curve(SharpnessDetector(), X, y, perturbations="blur", groups=one).frame()
    assert alone["fpr_low"].isna().all()
    assert alone["tpr_low"].notna().all()


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
