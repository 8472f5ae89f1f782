"""`abstain`, `predict_verdict` and `recalibrate`."""

import io
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import norm
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ssafe import FrozenEncoderTransformer, LinearProbe, SSAFEClassifier, load_detector
from sklearn_ssafe.exceptions import (
    EncodingWarning,
    TooFewPicturesWarning,
    TooFewRealPicturesWarning,
)
from sklearn_ssafe.images import perturb
from sklearn_ssafe.metrics import threshold_for_fpr, verdict_rule

from ..conftest import encoded, picture
from ..towers import PixelTower, small_pixels

WORDS = {"check_classifiers_classes": 'of the labels "one" and "two" none says what is generated'}


@parametrize_with_checks(
    [
        SSAFEClassifier(
            encoder=None, cv=None, abstain=0.4, confidence_level=None, calibration_size=0.4
        )
    ],
    expected_failed_checks=lambda _: WORDS,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def drawn(rng, n_each=100, shift=2.0, n_features=16):
    """Three sources and three generators, each with a centre of its own."""
    names = np.repeat(["camera", "phone", "web", "glide", "sdxl", "flux"], n_each)
    y = np.isin(names, ["glide", "sdxl", "flux"]).astype(int)
    centre = {
        name: np.random.default_rng(k).normal(size=n_features)
        for k, name in enumerate(np.unique(names))
    }
    X = rng.normal(size=(len(y), n_features)) + 0.4 * np.array([centre[name] for name in names])
    X[:, 0] += shift * y
    return X, y, names


@pytest.fixture(scope="module")
def pool():
    return drawn(np.random.default_rng(0), 240)


def fitted(pool, **parameters):
    X, y, names = pool
    return SSAFEClassifier(encoder=None, cv=None, **parameters).fit(
        X, y, generator=names, source=names
    )


# Three verdicts --------------------------------------------------------------------------------


def test_the_rule_is_that_of_pictures_which_the_head_did_not_see(pool):
    X, y, names = pool
    detector = fitted(pool, abstain=0.05)
    aside = np.setdiff1d(np.arange(len(y)), detector.training_indices_)
    # As many of each name as was asked for.
    _, counts = np.unique(names[aside], return_counts=True)
    assert counts.tolist() == [120] * 6
    by_hand = LogisticRegression(class_weight="balanced", max_iter=1000)
    by_hand.fit(X[detector.training_indices_], y[detector.training_indices_])
    score = by_hand.predict_proba(X)[:, 1]
    np.testing.assert_allclose(detector.predict_proba(X)[:, 1], score)
    rule = verdict_rule(y[aside], score[aside], generator=names[aside], source=names[aside])
    assert detector.verdict_rule_.generated_limit == pytest.approx(rule.generated_limit)
    assert detector.verdict_rule_.real_limit == pytest.approx(rule.real_limit)
    verdict = detector.predict_verdict(X)
    expected = np.where(
        score >= rule.generated_from,
        "generated",
        np.where(score < rule.real_below, "real", "unsure"),
    )
    assert set(verdict) == {"real", "generated", "unsure"}
    assert (verdict == expected).mean() > 0.999  # the one at the limit to a rounding
    table = detector.training_table_.set_index("name")
    assert (table["trained_on"] == 120).all()
    assert (table["pictures"] == 240).all()


def test_a_verdict_is_that_of_predict_or_none(pool):
    X, y, _ = pool
    real = pool[1] == 0
    for parameters in (
        {"abstain": 0.1},
        {"abstain": {"fpr": 0.06, "fnr": 0.2}, "threshold": 0.9},
        {"abstain": 0.1, "target_fpr": 0.05, "cv": 3},
        {"abstain": 0.3, "threshold": 0.0},
        {"abstain": None},
    ):
        detector = SSAFEClassifier(encoder=None, **{"cv": None, **parameters})
        detector.fit(X, y, generator=pool[2], source=pool[2])
        verdict = detector.predict_verdict(X)
        called = np.where(detector.predict(X) == 1, "generated", "real")
        sure = verdict != "unsure"
        np.testing.assert_array_equal(verdict[sure], called[sure])
        if detector.verdict_rule_ is not None:
            assert (verdict[real] == "generated").mean() <= detector.verdict_rule_.fpr
    assert sure.all()
    assert detector.verdict_rule_ is None


def test_the_threshold_is_moved_between_the_limits_unless_it_keeps_a_promise(pool):
    detector = fitted(pool, abstain=0.1, threshold=0.0)
    rule = detector.verdict_rule_
    assert detector.threshold_ == min(rule.real_limit, rule.generated_limit) > 0
    X, y, names = pool
    both = SSAFEClassifier(encoder=None, abstain=0.2, target_fpr=0.02)
    both.fit(X, y, generator=names, source=names)
    assert both.threshold_ == both.operating_point_.threshold
    assert both.verdict_rule_.generated_from >= both.threshold_


def test_words_as_labels_and_the_other_order(pool):
    X, y, names = pool
    plain = fitted(pool, abstain=0.1)
    words = np.where(y == 1, "a fake", "b real")
    named = fitted((X, words, names), abstain=0.1, pos_label="a fake")
    np.testing.assert_array_equal(named.predict_verdict(X), plain.predict_verdict(X))


@pytest.mark.parametrize(
    ("abstain", "message"),
    [
        ({"fpr": 0.1}, "both fpr and fnr"),
        ({"fpr": 0.1, "fnr": 1.5}, "between 0 and 1"),
        ({"fpr": 0.1, "fnr": 0.1, "tpr": 0.1}, "both fpr and fnr"),
        ({}, "both fpr and fnr"),
        ("stable", "abstain"),
        (1.0, "abstain"),
        ("stability", "give an encoder"),
    ],
)
def test_what_abstain_cannot_be(pool, abstain, message):
    with pytest.raises(ValueError, match=message):
        fitted(pool, abstain=abstain)


def test_too_few_pictures_are_an_error_or_a_warning(pool):
    X, y, names = pool
    few = np.r_[:40, 720:760]
    with pytest.warns(TooFewPicturesWarning, match="at least 59"):
        detector = fitted((X[few], y[few], names[few]), abstain=0.05)
    assert not detector.verdict_rule_.frame()["promised"].any()
    with pytest.raises(ValueError, match="of 1 generated pictures, none could be kept aside"):
        fitted((X[:721], y[:721], names[:721]), abstain=0.05)


def test_no_head_that_was_fitted_elsewhere_has_rates(pool):
    X, y, _ = pool
    head = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="no pictures to calibrate by"):
        SSAFEClassifier(encoder=None, head=head, prefit=True, abstain=0.1).fit()
    detector = SSAFEClassifier(encoder=None, head=head, prefit=True).fit()
    assert set(detector.predict_verdict(X)) == {"real", "generated"}
    moved = detector.recalibrate(X[y == 0], target_fpr=0.05)
    assert moved.operating_point_.n_real == (y == 0).sum()


@pytest.mark.slow  # benchmarks/verdicts.py has more draws and more worlds
def test_both_promises_hold_for_new_pictures_of_the_same_sources_where_the_head_overfits():
    n_draws, target, level = 60, 0.15, 0.9
    broken = np.zeros((n_draws, 2))
    for draw in range(n_draws):
        rng = np.random.default_rng(draw)
        X, y, names = drawn(rng, 60, n_features=120)
        detector = SSAFEClassifier(
            encoder=None,
            cv=None,
            abstain=target,
            confidence_level=level,
            calibration_size=0.5,
            head=LogisticRegression(C=100, max_iter=2000),
        ).fit(X, y, generator=names, source=names)
        X, y, names = drawn(rng, 2000, n_features=120)
        verdict = detector.predict_verdict(X)
        wrong = np.where(y == 1, verdict == "real", verdict == "generated")
        rates = pd.Series(wrong).groupby([y, names]).mean()
        broken[draw] = [rates[label].max() > target + 0.015 for label in (0, 1)]
    allowed = 1 - level
    assert (broken.mean(axis=0) <= allowed + 2 * np.sqrt(allowed * level / n_draws)).all()


# Stability -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_pictures():
    """A detector whose score is near the threshold for many pictures."""
    pictures = [encoded(picture(seed), quality=95) for seed in range(60)]
    y = np.array([picture(seed).mean() > 127 for seed in range(60)]).astype(int)
    encoder = FrozenEncoderTransformer(PixelTower, preprocess=small_pixels, num_workers=1)
    return SSAFEClassifier(encoder, cv=None, abstain="stability").fit(pictures, y), pictures


def test_unsure_is_whose_verdict_flips_under_a_re_encoding(on_pictures):
    detector, pictures = on_pictures

    def resized(content):
        image = Image.open(io.BytesIO(content))
        small = image.resize(
            [max(1, round(side * 0.9)) for side in image.size], Image.Resampling.BILINEAR
        )
        return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))

    copies = [
        [perturb(content, "jpeg", 85) for content in pictures],
        [resized(content) for content in pictures],
        [perturb(content, "crop", 0.9) for content in pictures],
    ]
    plain = detector.predict(pictures)
    flipped = np.any([detector.predict(each) != plain for each in copies], axis=0)
    expected = np.where(flipped, "unsure", np.where(plain == 1, "generated", "real"))
    assert set(expected) == {"real", "generated", "unsure"}
    np.testing.assert_array_equal(detector.predict_verdict(pictures), expected)


def test_a_picture_that_cannot_be_read_has_no_verdict(on_pictures, tmp_path):
    detector, pictures = on_pictures
    lenient = pickle.loads(pickle.dumps(detector))
    lenient.encoder_ = FrozenEncoderTransformer(
        PixelTower, preprocess=small_pixels, num_workers=1, on_error="nan"
    )
    with (
        pytest.warns(EncodingWarning),
        pytest.raises(ValueError, match=r"no verdict on 1 of 3.*row 1"),
    ):
        lenient.predict_verdict([pictures[0], b"no picture", pictures[1]])
    # What is told is of the pictures, and not of their copies.
    assert lenient.encoder_.failures_["row"].tolist() == [1]


def test_stability_beside_rates_withholds_more(on_pictures):
    _, pictures = on_pictures
    y = np.array([picture(seed).mean() > 127 for seed in range(60)]).astype(int)
    encoder = FrozenEncoderTransformer(PixelTower, preprocess=small_pixels, num_workers=1)
    rates = {"fpr": 0.2, "fnr": 0.2}
    some, more = (
        SSAFEClassifier(encoder, cv=None, confidence_level=None, abstain=abstain).fit(pictures, y)
        for abstain in (rates, rates | {"stability": True})
    )
    some, more = (each.predict_verdict(pictures) for each in (some, more))
    assert (more[some == "unsure"] == "unsure").all()
    sure = more != "unsure"
    np.testing.assert_array_equal(more[sure], some[sure])


# Recalibration ---------------------------------------------------------------------------------


def test_the_threshold_is_moved_to_own_pictures_and_nothing_else(pool):
    X, y, _ = pool
    detector = fitted(pool, target_fpr=None)
    own = np.random.default_rng(1).normal(size=(300, 16)) + 0.3
    before = detector.threshold_, detector.operating_point_, detector.get_params()
    moved = detector.recalibrate(own, target_fpr=0.05)
    score = detector.predict_proba(own)[:, 1]
    point = threshold_for_fpr(score, 0.05)  # cv=None: no other scores are known
    assert moved.operating_point_ == point
    assert moved.threshold_ == point.threshold
    assert moved.head_ is detector.head_
    assert moved.encoder_ is detector.encoder_
    np.testing.assert_array_equal(moved.predict_proba(X), detector.predict_proba(X))
    assert (moved.predict(own) == 1).sum() == point.n_false
    assert moved.recalibration_.threshold_before == detector.threshold_
    assert before == (detector.threshold_, detector.operating_point_, detector.get_params())
    assert detector.recalibration_ is None
    # Once more starts from what there is; fit knows nothing of it.
    again = moved.recalibrate(own[:100], target_fpr=0.2)
    assert again.recalibration_.threshold_before == moved.threshold_
    refitted = clone(moved).fit(X, y)
    assert refitted.recalibration_ is None
    assert refitted.threshold_ == 0.5


def test_twenty_pictures_have_the_bound_that_they_can_promise(pool):
    own = np.random.default_rng(2).normal(size=(20, 16))
    detector = fitted(pool)
    with pytest.raises(ValueError, match=r"threshold 0\.5 was given.*such as target_fpr=0\.05"):
        detector.recalibrate(own)
    with pytest.warns(TooFewRealPicturesWarning, match="at least 59"):
        moved = detector.recalibrate(own, target_fpr=0.05)
    assert (moved.predict(own) == 0).all()
    assert moved.operating_point_.fpr_upper_bound == pytest.approx(1 - 0.05 ** (1 / 20))
    assert not moved.operating_point_.promised
    average = fitted(pool, confidence_level=None)
    assert average.recalibrate(own, target_fpr=0.05).operating_point_.n_false == 0  # no warning


def test_the_target_is_that_of_the_detector(pool):
    X, y, names = pool
    own = np.random.default_rng(3).normal(size=(400, 16))
    rates = fitted(pool, abstain={"fpr": 0.03, "fnr": 0.2})
    moved = rates.recalibrate(own)
    assert moved.operating_point_.target_fpr == 0.03
    rule = moved.verdict_rule_
    assert rule.generated_limit == moved.threshold_
    assert rule.real_limit == rates.verdict_rule_.real_limit
    assert rule.frame().query("`class` == 'real'")["pictures"].tolist() == [400]
    verdict = moved.predict_verdict(X)
    assert (verdict[moved.predict(X) == 0] != "generated").all()
    both = SSAFEClassifier(encoder=None, target_fpr=0.1, abstain=0.05)
    both.fit(X, y, generator=names, source=names)
    moved = both.recalibrate(own)
    assert moved.operating_point_.target_fpr == 0.1
    # Once moved to another share, it is that one which is kept, by whatever it came from.
    assert both.recalibrate(own, target_fpr=0.2).recalibrate(own).operating_point_.target_fpr == 0.2
    of_rates = rates.recalibrate(own, target_fpr=0.2).recalibrate(own)
    assert of_rates.operating_point_.target_fpr == 0.2
    assert of_rates.verdict_rule_.fpr == 0.03
    of_none = fitted(pool).recalibrate(own, target_fpr=0.2).recalibrate(own[:200])
    assert of_none.operating_point_.target_fpr == 0.2
    made = both.verdict_rule_.scores.query("generated")["score"]
    score = both.predict_proba(own)[:, 1]
    expected = threshold_for_fpr(score, 0.05, others=made).threshold
    assert moved.verdict_rule_.generated_limit == expected
    assert moved.threshold_ == threshold_for_fpr(score, 0.1, others=made).threshold


def test_the_promise_is_kept_for_pictures_like_one_s_own():
    """An exact one, on cameras that the head never saw."""
    X, y, _ = drawn(np.random.default_rng(4), 40, n_features=60)
    detector = SSAFEClassifier(encoder=None, cv=None, head=LogisticRegression(max_iter=5000))
    detector.fit(X, y)
    weights = detector.head_.coef_[0]
    n_draws, target = 400, 0.1
    rates = []
    for draw in range(n_draws):
        own = np.random.default_rng(draw).normal(0.4, 1.3, size=(60, 60))
        point = detector.recalibrate(own, target_fpr=target).operating_point_
        # The true rate: the log-odds of such pictures are normal.
        limit = np.log(point.threshold / (1 - point.threshold)) - detector.head_.intercept_[0]
        mean, deviation = 0.4 * weights.sum(), 1.3 * np.linalg.norm(weights)
        rates.append(norm.sf((limit - mean) / deviation))
    broken = np.mean(np.array(rates) > target)
    assert 0.005 < broken <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_draws)


def test_own_pictures_that_cannot_be_read_are_counted(on_pictures):
    detector, pictures = on_pictures
    lenient = pickle.loads(pickle.dumps(detector))
    lenient.encoder_ = FrozenEncoderTransformer(
        PixelTower, preprocess=small_pixels, num_workers=1, on_error="nan"
    )
    with pytest.warns(EncodingWarning):
        moved = lenient.recalibrate([*pictures[:30], b"no picture"], target_fpr=0.2)
    assert moved.operating_point_.n_real == 30
    assert moved.recalibration_.n_failures == 1


# Saving ----------------------------------------------------------------------------------------


def test_rule_and_recalibration_are_saved_and_loaded(pool, tmp_path):
    X, _, _ = pool
    detector = fitted(pool, abstain={"fpr": 0.05, "fnr": 0.1}, calibration_size=0.4)
    moved = detector.recalibrate(np.random.default_rng(5).normal(size=(300, 16)) + 0.2)
    for number, each in enumerate((detector, moved)):
        again = load_detector(each.save(tmp_path / str(number)))
        np.testing.assert_array_equal(again.predict_verdict(X), each.predict_verdict(X))
        pd.testing.assert_frame_equal(again.verdict_rule_.frame(), each.verdict_rule_.frame())
        assert again.recalibration_ == each.recalibration_
        assert again.get_params()["abstain"] == {"fpr": 0.05, "fnr": 0.1}
        assert again.calibration_size == 0.4
        again.recalibrate(X[:300], target_fpr=0.05)
    card = (tmp_path / "0" / "README.md").read_text()
    assert "## Unsure" in card
    assert "Nothing is promised for other cameras" in card
    assert "| real | camera | 96 |" in card
    card = (tmp_path / "1" / "README.md").read_text()
    assert "from the scores of 300 real pictures of the user's own" in card
    assert f"Until then the threshold was {detector.threshold_:.6g}" in card
    assert "| real | (own pictures) | 300 |" in card
    # The rates by name are those of training, however often the threshold is moved.
    twice = moved.recalibrate(np.random.default_rng(6).normal(size=(300, 16)) - 1)
    card = (twice.save(tmp_path / "2") / "README.md").read_text()
    assert f"Until then the threshold was {moved.threshold_:.6g}" in card
    assert "above are at that of training" in card
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stable = SSAFEClassifier(
            FrozenEncoderTransformer("forensic"), cv=None, abstain="stability", head=LinearProbe()
        ).fit([encoded(picture(seed)) for seed in range(4)], [0, 1, 0, 1])
    assert load_detector(stable.save(tmp_path / "stable")).abstain == "stability"
    card = (tmp_path / "stable" / "README.md").read_text()
    assert "its verdict flips when it is saved as JPEG 85" in card


def test_a_fold_without_a_class_to_train_on_leaves_out_the_figures():
    X = np.array([[0.0], [0.1], [1.0], [1.1]])
    y = [0, 0, 1, 1]
    names = {"source": ["cam", "phone", "", ""], "generator": ["", "", "gan", "flux"]}
    with pytest.warns(TooFewPicturesWarning):
        detector = SSAFEClassifier(encoder=None, abstain=0.4).fit(X, y, **names)
    assert detector.out_of_fold_ is None
    assert set(detector.predict_verdict(X)) <= {"real", "unsure", "generated"}
    both = SSAFEClassifier(encoder=None, abstain=0.4, target_fpr=0.5)
    with pytest.raises(ValueError, match="one class alone to train on: give more pictures"):
        both.fit(X, y, **names)
