"""``SSAFEClassifier(augment=...)``: training on changed copies."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ssafe import (
    FrozenEncoderTransformer,
    GeneratorCurator,
    SSAFEClassifier,
    load_detector,
    robustness_curve,
)
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.exceptions import EncodingError, EncodingWarning
from sklearn_ssafe.images import Perturbation, perturb, read_image

from ..towers import NamedTower, SmallTower, small_pixels

CHANGES = {"jpeg": [60, 30], "resize_bicubic": 0.5}
PAIRS = [("jpeg", 60), ("jpeg", 30), ("resize_bicubic", 0.5)]


@pytest.fixture(scope="module")
def pictures():
    return make_generated_images(48, image_size=48, random_state=0)


@pytest.fixture
def encoder():
    return FrozenEncoderTransformer(SmallTower, preprocess=small_pixels)


@pytest.fixture
def by_hand(pictures, encoder):
    """Rows of the pictures, and of the copies that `perturb` makes of them, (3, n, 8)."""
    copies = [
        encoder.transform([perturb(x, name, strength) for x in pictures.X])
        for name, strength in PAIRS
    ]
    return encoder.transform(pictures.X), np.stack(copies)


def logistic_regression():
    return LogisticRegression(class_weight="balanced", max_iter=1000)


def origin(pictures):
    return {"generator": pictures.generator, "source": pictures.source}


@pytest.mark.parametrize("augment", [CHANGES, PAIRS, [list(pair) for pair in PAIRS]])
def test_the_head_is_trained_on_pictures_and_their_copies(pictures, encoder, by_hand, augment):
    rows, copies = by_hand
    head = logistic_regression().fit(np.vstack([rows, *copies]), np.tile(pictures.y, 4))
    detector = SSAFEClassifier(encoder, augment=augment, cv=None).fit(pictures.X, pictures.y)
    expected = head.predict_proba(rows)
    np.testing.assert_allclose(detector.predict_proba(pictures.X), expected, atol=1e-6)
    without = SSAFEClassifier(encoder, cv=None).fit(pictures.X, pictures.y)
    assert np.abs(without.predict_proba(pictures.X) - expected).max() > 1e-3
    np.testing.assert_array_equal(detector.training_indices_, np.arange(48))


def test_copies_are_in_the_fold_of_their_picture_and_are_not_tested(pictures, encoder, by_hand):
    rows, copies = by_hand
    detector = SSAFEClassifier(
        encoder, augment=PAIRS, cv=3, target_fpr=0.2, confidence_level=None, keep_training_rows=True
    ).fit(pictures.X, pictures.y, **origin(pictures))
    scores = detector.out_of_fold_
    assert scores.held_out == "generated: whole generators; real: whole real sources"
    expected = np.empty(48)
    for number in range(3):
        train, test = scores.fold != number, scores.fold == number
        training = np.vstack([rows[train], *copies[:, train]])
        head = logistic_regression().fit(training, np.tile(pictures.y[train], 4))
        expected[test] = head.predict_proba(rows[test])[:, 1]
    np.testing.assert_allclose(scores.score, expected, atol=1e-6)
    assert detector.operating_point_.n_real == (pictures.y == 0).sum()
    assert detector.training_table_["pictures"].sum() == 48
    assert detector.training_table_["trained_on"].sum() == 48
    np.testing.assert_array_equal(detector.training_rows_.rows, rows)


def test_the_curator_chooses_pictures_and_their_copies_come_along(pictures, encoder, by_hand):
    rows, copies = by_hand
    curator = GeneratorCurator(2, n_samples=16, random_state=0)
    detector = SSAFEClassifier(encoder, curator=curator, augment=PAIRS, cv=None)
    detector.fit(pictures.X, pictures.y, **origin(pictures))
    chosen = clone(curator).fit(rows, pictures.y, **origin(pictures)).sample_indices_
    np.testing.assert_array_equal(detector.training_indices_, chosen)
    training = np.vstack([rows[chosen], *copies[:, chosen]])
    head = logistic_regression().fit(training, np.tile(pictures.y[chosen], 4))
    np.testing.assert_allclose(
        detector.predict_proba(pictures.X), head.predict_proba(rows), atol=1e-6
    )


def test_columns_stand_beside_the_copies_of_their_pictures(pictures, encoder, by_hand):
    rows, copies = by_hand
    price = np.random.default_rng(0).normal(size=48)
    price[3] = np.nan  # a gap, which is no failure
    table = pd.DataFrame({"path": list(pictures.X), "price": price})
    parameters = {"columns": ["price"], "picture_components": None, "cv": 3}
    detector = SSAFEClassifier(encoder, augment=PAIRS, **parameters).fit(table, pictures.y)
    scores = detector.out_of_fold_
    expected = np.empty(48)
    for number in range(3):
        train, test = scores.fold != number, scores.fold == number
        head = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        columns = head.fit_transform(np.tile(price[train], 4)[:, None])
        scaler = StandardScaler().fit(np.vstack([rows[train], *copies[:, train]]).astype(float))
        training = scaler.transform(np.vstack([rows[train], *copies[:, train]]).astype(float))
        linear = logistic_regression()
        linear.fit(np.hstack([training, columns]), np.tile(pictures.y[train], 4))
        tested = [scaler.transform(rows[test].astype(float)), head.transform(price[test][:, None])]
        expected[test] = linear.predict_proba(np.hstack(tested))[:, 1]
    np.testing.assert_allclose(scores.score, expected, atol=1e-4)


def test_rows_that_are_there_spare_the_pictures_but_not_the_copies(pictures, encoder, by_hand):
    detector = SSAFEClassifier(encoder, augment=PAIRS, cv=None)
    given = clone(detector).fit(pictures.X, pictures.y, embeddings=by_hand[0])
    encoded = detector.fit(pictures.X, pictures.y)
    np.testing.assert_allclose(
        given.predict_proba(pictures.X), encoded.predict_proba(pictures.X), atol=1e-6
    )


class CountingTower(NamedTower):
    """Counts what goes through it."""

    fingerprint = "counted"
    encoded = 0

    def forward(self, pixels):
        CountingTower.encoded += len(pixels)
        return super().forward(pixels)


def test_each_copy_is_encoded_once_and_kept(pictures, tmp_path):
    encoder = FrozenEncoderTransformer(CountingTower, preprocess=small_pixels, cache=tmp_path)
    # A function that prepares pictures is known by nothing but itself: a module keeps its rows.
    encoder.set_params(preprocess={"size": 16, "mean": (0.5,) * 3, "std": (0.5,) * 3})
    CountingTower.encoded = 0
    detector = SSAFEClassifier(encoder, augment=PAIRS, target_fpr=0.5, confidence_level=None)
    detector.fit(pictures.X, pictures.y, **origin(pictures))
    n_encoded = CountingTower.encoded
    assert 4 * 48 <= n_encoded <= 4 * 48 + 4  # at most a few to find out how wide a row is
    again = clone(detector).set_params(cv=None, target_fpr=None, head=LogisticRegression(C=10))
    again.fit(pictures.X, pictures.y)
    # The same pictures in the same changes are known, whoever makes them.
    robustness_curve(detector, pictures.X, pictures.y, perturbations=CHANGES, n_resamples=0)
    assert CountingTower.encoded == n_encoded


def test_an_encoder_that_is_not_ours_gets_the_copies_as_pictures(pictures, encoder, by_hand):
    kinds = set()

    def note(X):
        kinds.update(type(x) for x in X)
        return X

    pipeline = make_pipeline(FunctionTransformer(note), encoder)
    detector = SSAFEClassifier(pipeline, augment=PAIRS, cv=None).fit(pictures.X, pictures.y)
    ours = SSAFEClassifier(encoder, augment=PAIRS, cv=None).fit(pictures.X, pictures.y)
    assert kinds == {bytes, np.ndarray}
    np.testing.assert_array_equal(
        detector.predict_proba(pictures.X), ours.predict_proba(pictures.X)
    )


def small_ones_only(image, strength, rng):
    """Turn pictures upside down, and fail for one of 100 pixels."""
    if image.shape[0] == 100:
        raise OSError("too high")
    return image[::-1]


def test_a_copy_that_fails_costs_itself_alone(pictures, encoder):
    high = np.random.default_rng(0).integers(0, 255, (100, 48, 3)).astype(np.uint8)
    X, y = ["missing.jpg", *pictures.X, high], [0, *pictures.y, 1]
    flip = Perturbation("flip", small_ones_only, (1,), "times")
    detector = SSAFEClassifier(encoder, augment=flip, cv=None)
    with pytest.raises(EncodingError, match="no such file"):
        detector.fit(X, y)
    with pytest.raises(EncodingError, match=r"array.*, flip 1: could not be changed.*too high"):
        detector.fit(X[1:], y[1:])
    detector = SSAFEClassifier(encoder.set_params(on_error="nan"), augment=flip, cv=None)
    with pytest.warns(EncodingWarning):
        detector.fit(X, y)
    assert detector.n_failures_ == 1
    assert detector.failures_["row"].tolist() == [0, 49]
    assert detector.failures_["path"].str.endswith(", flip 1").tolist() == [False, True]
    rows = encoder.transform(X[1:])
    flipped = encoder.transform([read_image(x)[::-1] for x in pictures.X])
    head = logistic_regression().fit(np.vstack([rows, flipped]), [*y[1:], *pictures.y])
    np.testing.assert_allclose(detector.predict_proba(X[1:]), head.predict_proba(rows), atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"augment": {"jpg": 80}}, "Did you mean 'jpeg'"),
        ({"augment": []}, "is empty"),
        ({"augment": [("jpeg", 80, 70)]}, "no pair"),
        ({"augment": [("jpeg", 80), ("jpeg", 80)]}, "names? one twice"),
        ({"augment": {"crop": 2}}, "crop 2 fails on an ordinary picture"),
        ({"augment": {"jpeg": 80}, "encoder": None}, "encoder=None X holds their embeddings"),
        ({"augment": {"jpeg": 80}, "head": logistic_regression(), "prefit": True}, "prefit=True"),
        ({"augment": 80}, "The 'augment' parameter"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_encoded(parameters, message):
    detector = SSAFEClassifier(**{"encoder": "no such encoder", **parameters})
    with pytest.raises(ValueError, match=message):
        detector.fit(["a.jpg", "b.jpg"], [0, 1])


def test_the_changes_are_saved_and_on_the_card(pictures, tmp_path):
    flip = Perturbation("flip", small_ones_only, (1,), "times")
    augment = [("jpeg", 60), ("resize_bicubic", np.float64(0.5)), (flip, 1)]
    detector = SSAFEClassifier("forensic", augment=augment, cv=None).fit(pictures.X, pictures.y)
    folder = detector.save(tmp_path / "detector")
    saved = json.loads((folder / "detector.json").read_text())["parameters"]["augment"]
    assert saved == [["jpeg", 60], ["resize_bicubic", 0.5], ["flip", 1]]
    line = "- and on changed copies of them, which are in no figure below: jpeg 60, resize_bicubic "
    assert line + "0.5, flip 1\n" in (folder / "README.md").read_text()
    again = load_detector(folder)
    assert again.augment == [("jpeg", 60), ("resize_bicubic", 0.5), ("flip", 1)]
    np.testing.assert_array_equal(
        again.predict_proba(pictures.X), detector.predict_proba(pictures.X)
    )
    with pytest.raises(ValueError, match="Unknown perturbation 'flip'"):
        clone(again).fit(pictures.X, pictures.y)
    plain = SSAFEClassifier("forensic", cv=None).fit(pictures.X, pictures.y)
    assert "changed copies" not in (plain.save(tmp_path / "plain") / "README.md").read_text()
    assert load_detector(tmp_path / "plain").augment is None
