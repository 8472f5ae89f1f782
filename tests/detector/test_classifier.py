import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data

from sklearn_ssafe import (
    FrozenEncoderTransformer,
    GeneratorGroupKFold,
    LinearProbe,
    SSAFEClassifier,
    load_detector,
)
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.detector import FoldMajority
from sklearn_ssafe.exceptions import EncodingError, EncodingWarning

from ..test_sklearn_checks import as_picture_files
from ..towers import PixelTower, SmallTower, small_pixels

# scikit-learn's checks -------------------------------------------------------------------------

WORDS = {"check_classifiers_classes": 'of the labels "one" and "two" none says what is generated'}


class OnPicturesOfRows(SSAFEClassifier):
    """The classifier, with the rows of a matrix written to picture files first."""

    def __init__(self, *, cv=2, threshold=0.5):
        encoder = FrozenEncoderTransformer(PixelTower, preprocess=small_pixels, num_workers=1)
        super().__init__(encoder, cv=cv, threshold=threshold)

    @classmethod
    def _get_param_names(cls):
        return ["cv", "threshold"]

    def fit(self, X, y):
        X, y = validate_data(self, X, y)
        return super().fit(as_picture_files(X, X), y)

    def _score(self, X):
        if hasattr(self, "head_"):
            X = as_picture_files(X, validate_data(self, X, reset=False))
        return super()._score(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        tags.input_tags.string = False
        return tags


@parametrize_with_checks(
    [
        SSAFEClassifier(encoder=None, cv=2),
        SSAFEClassifier(encoder=None, cv=None, head=LinearProbe(epochs=50, random_state=0)),
        OnPicturesOfRows(),
    ],
    expected_failed_checks=lambda _: WORDS,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


# Made embeddings -------------------------------------------------------------------------------


def named_rows():
    """Three sources and four generators; one direction of sixteen tells them apart, noisily."""
    rng = np.random.default_rng(0)
    names = np.repeat(["camera", "phone", "web", "glide", "sd", "sdxl", "flux"], 60)
    y = np.isin(names, ["glide", "sd", "sdxl", "flux"]).astype(int)
    offsets = {name: rng.normal(size=16) for name in np.unique(names)}
    X = rng.normal(size=(len(y), 16)) + 0.5 * np.array([offsets[name] for name in names])
    X[:, 0] += 3 * y
    return {
        "X": X,
        "y": y,
        "generator": np.where(y == 1, names, ""),
        "source": np.where(y == 0, names, ""),
    }


@pytest.fixture(scope="module")
def pool():
    return named_rows()


def fitted(pool, **parameters):
    detector = SSAFEClassifier(encoder=None, **parameters)
    return detector.fit(pool["X"], pool["y"], generator=pool["generator"], source=pool["source"])


def test_it_is_logistic_regression_on_rows_as_they_are(pool):
    X, y = pool["X"], pool["y"]
    detector = SSAFEClassifier(encoder=None).fit(X, y)
    by_hand = LogisticRegression(class_weight="balanced", max_iter=1000).fit(X, y)
    np.testing.assert_allclose(detector.predict_proba(X), by_hand.predict_proba(X))
    np.testing.assert_array_equal(detector.predict(X), by_hand.predict(X))
    np.testing.assert_allclose(
        detector.decision_function(X), by_hand.decision_function(X), atol=1e-9
    )


@pytest.mark.parametrize("length", ["unit length", "as they are"])
def test_embeddings_have_unit_length_and_measurements_their_own(picture_files, length):
    y = [0, 1] * 5
    encoder = FrozenEncoderTransformer(SmallTower, preprocess=small_pixels)
    if length == "as they are":
        encoder = FrozenEncoderTransformer(n_views=1)
    rows = encoder.set_params(normalize=False).fit_transform(picture_files)
    rows = normalize(rows) if length == "unit length" else rows
    by_hand = LogisticRegression(class_weight="balanced", max_iter=1000).fit(rows, y)
    detector = SSAFEClassifier(encoder.set_params(normalize="auto"), cv=None).fit(picture_files, y)
    np.testing.assert_allclose(  # sums of float32, in another order
        detector.predict_proba(picture_files), by_hand.predict_proba(rows), atol=1e-4
    )


def test_the_default_head_of_the_forensic_encoder_scales_its_columns(picture_files):
    detector = SSAFEClassifier("forensic", cv=None).fit(picture_files, [0, 1] * 5)
    assert [name for name, _ in detector.head_.steps] == ["standardscaler", "logisticregression"]
    assert detector.head_[-1].C == 1e-3
    default = SSAFEClassifier(cv=None).fit(picture_files, [0, 1] * 5)
    assert default.encoder_.encoder == "efficientnet_lite0"
    assert isinstance(default.head_, LogisticRegression)


SMALL = FrozenEncoderTransformer(SmallTower, preprocess=small_pixels)


@pytest.mark.parametrize("encoder", [SMALL, FrozenEncoderTransformer()], ids=["unit", "as is"])
def test_pictures_give_what_their_embeddings_give(picture_files, encoder):
    y = [0, 1] * 5
    pictures = SSAFEClassifier(encoder).fit(picture_files, y)
    rows = encoder.fit_transform(picture_files)
    embeddings = SSAFEClassifier(encoder=None).fit(rows, y)
    np.testing.assert_array_equal(
        pictures.predict_proba(picture_files), embeddings.predict_proba(rows)
    )


def test_every_picture_is_encoded_once(picture_files):
    class Counting(FrozenEncoderTransformer):
        encoded = 0

        def fit_transform(self, X, y=None):
            Counting.encoded += len(X)
            return super().fit_transform(X)

        def transform(self, X):
            raise AssertionError("fit encodes once")

    encoder = Counting(SmallTower, preprocess=small_pixels)
    SSAFEClassifier(encoder, target_fpr=0.5, confidence_level=None).fit(picture_files, [0, 1] * 5)
    assert Counting.encoded == len(picture_files)


def test_a_name_is_short_for_a_transformer():
    pictures = make_generated_images(12, image_size=48, random_state=0)
    short = SSAFEClassifier("forensic", cv=None).fit(pictures.X, pictures.y)
    long = SSAFEClassifier(FrozenEncoderTransformer("forensic"), cv=None).fit(
        pictures.X, pictures.y
    )
    np.testing.assert_array_equal(
        short.predict_proba(pictures.X[:3]), long.predict_proba(pictures.X[:3])
    )


# Labels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("real", "generated", "pos_label"),
    [
        ("real", "fake", None),
        ("photo", "made", None),
        ("genuine", "AI", None),
        ("b", "a", "a"),
        (False, True, None),
        (-1, 1, None),
        (1, 0, 0),
    ],
)
def test_labels_of_any_name(pool, real, generated, pos_label):
    y = np.where(pool["y"] == 1, generated, real)
    detector = SSAFEClassifier(encoder=None, pos_label=pos_label, threshold=0.6).fit(pool["X"], y)
    plain = SSAFEClassifier(encoder=None, threshold=0.6).fit(pool["X"], pool["y"])
    assert detector.pos_label_ == generated
    np.testing.assert_array_equal(detector.classes_, np.unique(y))
    column = detector.classes_.tolist().index(generated)
    np.testing.assert_array_equal(
        detector.predict_proba(pool["X"])[:, column], plain.predict_proba(pool["X"])[:, 1]
    )
    verdict = detector.predict(pool["X"])
    assert verdict.dtype == detector.classes_.dtype
    np.testing.assert_array_equal(verdict == generated, plain.predict(pool["X"]) == 1)
    # scikit-learn's convention, on which its metrics rely.
    second = detector.decision_function(pool["X"]) > 0
    np.testing.assert_array_equal(detector.classes_[second.astype(int)], verdict)
    auc = cross_validate(detector, pool["X"], y, scoring="roc_auc", cv=3)["test_score"]
    assert auc.min() > 0.8


def test_words_that_say_nothing_are_asked_about(pool):
    y = np.where(pool["y"] == 1, "b", "a")
    with pytest.raises(ValueError, match="pos_label='b'"):
        SSAFEClassifier(encoder=None).fit(pool["X"], y)
    with pytest.raises(ValueError, match="none of the labels"):
        SSAFEClassifier(encoder=None, pos_label="c").fit(pool["X"], y)


# Out of fold -----------------------------------------------------------------------------------


def test_out_of_fold_scores_come_from_heads_that_saw_neither_generator_nor_source(pool):
    detector = fitted(pool)
    scores, names = detector.out_of_fold_, np.where(pool["y"], pool["generator"], pool["source"])
    assert scores.held_out == "generated: whole generators; real: whole real sources"
    rows = pool["X"]
    for fold in np.unique(scores.fold):
        test = scores.fold == fold
        assert not set(names[test]) & set(names[~test])
        head = LogisticRegression(class_weight="balanced", max_iter=1000)
        head.fit(rows[~test], pool["y"][~test])
        np.testing.assert_allclose(scores.score[test], head.predict_proba(rows[test])[:, 1])


def test_single_pictures_are_held_out_where_nothing_is_named(pool):
    detector = SSAFEClassifier(encoder=None).fit(pool["X"], pool["y"])
    assert "no generator is named" in detector.out_of_fold_.held_out


def test_the_training_table_has_a_row_for_each_name(pool):
    detector = fitted(pool, threshold=0.7)
    table = detector.training_table_.set_index("name")
    assert set(table.index) == {"camera", "phone", "web", "glide", "sd", "sdxl", "flux"}
    assert (table["pictures"] == 60).all()
    assert (table["trained_on"] == 60).all()
    called = detector.out_of_fold_.score[pool["source"] == "phone"] >= 0.7
    assert table.loc["phone", "called_generated"] == called.mean()
    assert table["auc"].isna().sum() == 3
    without = fitted(pool, cv=None).training_table_
    assert without["auc"].isna().all()
    assert without["pictures"].sum() == len(pool["y"])


def test_target_fpr_is_met_out_of_fold(pool):
    detector = fitted(pool, target_fpr=0.05)
    real = pool["y"] == 0
    n_called = (detector.out_of_fold_.score[real] >= detector.threshold_).sum()
    point = detector.operating_point_
    assert point.n_false == n_called
    assert point.n_real == real.sum() == 180
    assert point.n_groups is None
    assert point.fpr_upper_bound <= 0.05
    score = detector.predict_proba(pool["X"])[:, 1]
    np.testing.assert_array_equal(detector.predict(pool["X"]), score >= detector.threshold_)
    # Not one real picture more could be called generated.
    looser = fitted(pool, target_fpr=0.05, confidence_level=None)
    assert looser.operating_point_.n_false == 180 - np.ceil(0.95 * 181)
    assert looser.threshold_ < detector.threshold_


def test_with_a_target_the_heads_that_its_threshold_comes_from_are_the_head(pool):
    detector = fitted(pool, target_fpr=0.05)
    out_of_fold, heads = detector.out_of_fold_, detector.head_.heads
    assert len(heads) == out_of_fold.fold.max() + 1 == 3
    for number, head in enumerate(heads):
        tested = out_of_fold.fold == number
        score = head.predict_proba(pool["X"][tested])[:, 1]
        np.testing.assert_allclose(score, out_of_fold.score[tested], atol=1e-9)
    votes = sum(head.predict_proba(pool["X"])[:, 1] >= detector.threshold_ for head in heads)
    np.testing.assert_array_equal(detector.predict(pool["X"]) == 1, votes > len(heads) / 2)
    assert detector.training_indices_.tolist() == list(range(len(pool["y"])))


@pytest.mark.parametrize("n_heads", [1, 2, 3, 4, 5])
def test_a_majority_is_more_than_half(n_heads):
    rng = np.random.default_rng(n_heads)
    X, y = rng.normal(size=(40, 3)), np.repeat([0, 1], 20)
    parts = [rng.permutation(40)[:30] for _ in range(n_heads)]
    heads = [LogisticRegression().fit(X[part], y[part]) for part in parts]
    majority = FoldMajority(heads)
    proba = majority.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    scores = np.array([head.predict_proba(X)[:, 1] for head in heads])
    for threshold in (0.3, 0.5, *scores[:, 0]):
        votes = (scores >= threshold).sum(axis=0)
        np.testing.assert_array_equal(proba[:, 1] >= threshold, votes > n_heads / 2)
    for row, score in zip(X[:5], proba[:5, 1], strict=True):
        assert majority.deciding_head(row).predict_proba([row])[0, 1] == pytest.approx(score)


@pytest.mark.parametrize("pos_label", [0, 1])
def test_a_picture_that_scores_exactly_the_threshold_is_called_generated(pool, pos_label):
    y = pool["y"] if pos_label == 1 else 1 - pool["y"]
    detector = SSAFEClassifier(encoder=None, pos_label=pos_label, cv=None).fit(pool["X"], y)
    score = detector.predict_proba(pool["X"])[:, pos_label]
    for threshold in (*score[::40], score.max(), 0.0, 1.0, 1 - 2**-53):
        detector.threshold_ = threshold
        called = detector.predict(pool["X"]) == pos_label
        np.testing.assert_array_equal(called, score >= threshold)
        decision = detector.decision_function(pool["X"]) * (1 if pos_label == 1 else -1)
        np.testing.assert_array_equal(decision >= 0, called)


def test_scores_that_rounding_made_0_or_1(pool):
    head = KNeighborsClassifier(1)
    detector = SSAFEClassifier(encoder=None, head=head, cv=None).fit(pool["X"], pool["y"])
    assert set(detector.predict_proba(pool["X"])[:, 1]) == {0.0, 1.0}
    for threshold in (0.0, 1e-300, 0.5, 1.0):
        detector.threshold_ = threshold
        called = detector.predict(pool["X"]) == 1
        np.testing.assert_array_equal(detector.decision_function(pool["X"]) >= 0, called)


def test_target_fpr_without_folds_is_refused_before_encoding():
    with pytest.raises(ValueError, match="give cv a number"):
        SSAFEClassifier("no such encoder", target_fpr=0.05, cv=None).fit(["a.jpg"], [0])


def test_target_fpr_where_nothing_can_be_held_out(pool):
    one = {"X": pool["X"][[0, -1, -2]], "y": [0, 1, 1]}
    assert SSAFEClassifier(encoder=None).fit(**one).out_of_fold_ is None
    with pytest.raises(ValueError, match="1 real pictures"):
        SSAFEClassifier(encoder=None, target_fpr=0.05).fit(**one)


# Curation --------------------------------------------------------------------------------------


class EveryThird(BaseEstimator):
    """A curator that takes every third row, and remembers what it was handed."""

    seen = []  # noqa: RUF012  (shared by the clones, which is the point)

    def fit_resample(self, X, y, **origin):
        self.seen.append((X, y, origin))
        self.sample_indices_ = np.arange(len(y))[::3]
        return X[::3], y[::3]


def test_the_curator_chooses_what_the_head_is_trained_on(pool):
    EveryThird.seen.clear()
    detector = SSAFEClassifier(encoder=None, curator=EveryThird(), cv=3)
    domain = np.where(np.arange(len(pool["y"])) % 2, "faces", "scenes")
    detector.fit(**pool, domain=domain)
    np.testing.assert_array_equal(detector.training_indices_, np.arange(len(pool["y"]))[::3])
    by_hand = LogisticRegression(class_weight="balanced", max_iter=1000)
    by_hand.fit(pool["X"][::3], pool["y"][::3])
    np.testing.assert_allclose(detector.head_.coef_, by_hand.coef_)
    table = detector.training_table_
    assert (table["pictures"] == 60).all()
    assert (table["trained_on"] == 20).all()
    # Once for each fold, on its training part alone, then on everything.
    sizes = [len(y) for _, y, _ in EveryThird.seen]
    assert sizes == [*((detector.out_of_fold_.fold != k).sum() for k in range(3)), len(pool["y"])]
    for _, y, origin in EveryThird.seen:
        assert set(origin) == {"generator", "source", "domain"}
        assert all(len(values) == len(y) for values in origin.values())
    tested = detector.out_of_fold_.fold == 0
    assert not set(pool["generator"][tested]) & set(EveryThird.seen[0][2]["generator"]) - {""}


def test_what_is_not_given_is_not_handed_on(pool):
    EveryThird.seen.clear()
    SSAFEClassifier(encoder=None, curator=EveryThird(), cv=None).fit(pool["X"], pool["y"])
    assert [origin for _, _, origin in EveryThird.seen] == [{}]


# Bad pictures ----------------------------------------------------------------------------------


def test_a_bad_picture_is_an_error_or_one_row(picture_files, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    paths = [*picture_files, str(tmp_path / "bad.jpg")]
    y = [*([0, 1] * 5), 1]
    encoder = FrozenEncoderTransformer(SmallTower, preprocess=small_pixels)
    with pytest.raises(EncodingError, match="bad"):
        SSAFEClassifier(encoder).fit(paths, y)
    detector = SSAFEClassifier(clone(encoder).set_params(on_error="nan"))
    with pytest.warns(EncodingWarning):
        detector.fit(paths, y, source=[*"ab" * 5, "a"])
    assert detector.failures_["row"].tolist() == [10]
    np.testing.assert_array_equal(detector.training_indices_, np.arange(10))
    good = SSAFEClassifier(encoder).fit(picture_files, y[:10])
    with pytest.warns(EncodingWarning):
        probability = detector.predict_proba(paths)
    np.testing.assert_allclose(probability[:10], good.predict_proba(picture_files))
    assert np.isnan(probability[10]).all()
    with (
        pytest.warns(EncodingWarning),
        pytest.raises(ValueError, match=r"no verdict on 1 of 11 pictures.*row 10"),
    ):
        detector.predict(paths)


def test_names_of_another_length_are_refused_before_encoding():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SSAFEClassifier("no such encoder").fit(["a.jpg", "b.jpg"], [0, 1], generator=["sd"])


# Where scikit-learn's own tools take a classifier ------------------------------------------------


def test_a_head_without_probabilities_is_told_how_to_get_them(pool):
    with pytest.raises(ValueError, match=r"CalibratedClassifierCV\(LinearSVC"):
        SSAFEClassifier(encoder=None, head=LinearSVC()).fit(pool["X"], pool["y"])
    head = CalibratedClassifierCV(LinearSVC(random_state=0))
    assert (
        SSAFEClassifier(encoder=None, head=head)
        .fit(pool["X"], pool["y"])
        .score(pool["X"], pool["y"])
    )


WHOLE_UNITS = "generated: whole generators; real: whole real sources"


def test_grid_search_hands_generators_and_sources_on(pool):
    group = np.where(pool["y"] == 1, pool["generator"], pool["source"])
    with config_context(enable_metadata_routing=True):
        detector = SSAFEClassifier(
            encoder=None, head=LogisticRegression(), target_fpr=0.2, confidence_level=None, cv=2
        )
        search = GridSearchCV(
            detector, {"head__C": [0.01, 100]}, cv=GeneratorGroupKFold(3), scoring="roc_auc"
        )
        search.fit(**pool, groups=group)
    best = search.best_estimator_
    assert best.out_of_fold_.held_out == WHOLE_UNITS
    assert best.operating_point_.fpr <= 0.2
    assert search.best_score_ > 0.8


def test_cross_validate_hands_generator_source_and_domain_on(pool):
    EveryThird.seen.clear()
    X, y = pool["X"], pool["y"]
    origin = {name: pool[name] for name in ("generator", "source")}
    origin["domain"] = np.where(np.arange(len(y)) % 2, "faces", "scenes")
    detector = SSAFEClassifier(encoder=None, curator=EveryThird(), cv=2)
    with config_context(enable_metadata_routing=True):
        result = cross_validate(
            detector, X, y, params=origin, cv=StratifiedKFold(3), return_estimator=True
        )
    for detector in result["estimator"]:
        assert detector.out_of_fold_.held_out == WHOLE_UNITS
    assert all(set(names) == set(origin) for _, _, names in EveryThird.seen)


def test_a_pipeline_hands_generators_and_sources_on(pool):
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), SSAFEClassifier(encoder=None, cv=2))
        pipe.fit(**pool)
    assert pipe[-1].out_of_fold_.held_out == WHOLE_UNITS


def test_generator_and_source_are_given_by_name(pool):
    with pytest.raises(TypeError, match="positional"):
        SSAFEClassifier(encoder=None).fit(pool["X"], pool["y"], pool["generator"])


def test_cross_validate_on_a_column_of_paths(picture_files):
    encoder = FrozenEncoderTransformer(SmallTower, preprocess=small_pixels)
    detector = SSAFEClassifier(encoder, head=RandomForestClassifier(5, random_state=0), cv=None)
    y = np.array([0, 1] * 5)
    for X in (picture_files, np.array(picture_files), pd.Series(picture_files, index=range(5, 15))):
        scores = cross_validate(detector, X, y, cv=2, error_score="raise")["test_score"]
        assert len(scores) == 2
        assert cross_val_predict(detector, X, y, cv=2, method="predict_proba").shape == (10, 2)


def test_calibration_around_it(pool, picture_files):
    encoder = FrozenEncoderTransformer(SmallTower, preprocess=small_pixels)
    calibrated = CalibratedClassifierCV(SSAFEClassifier(encoder, cv=None), cv=2)
    probability = calibrated.fit(picture_files, [0, 1] * 5).predict_proba(picture_files)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    prefit = CalibratedClassifierCV(SSAFEClassifier(encoder=None), cv=2)
    assert prefit.fit(pool["X"], pool["y"]).score(pool["X"], pool["y"]) > 0.85


def test_tuned_threshold_around_it(pool):
    skewed = SSAFEClassifier(encoder=None, head=LogisticRegression(class_weight={0: 20, 1: 1}))
    tuned = TunedThresholdClassifierCV(
        skewed, scoring="balanced_accuracy", response_method="predict_proba", cv=3
    ).fit(pool["X"], pool["y"])
    assert tuned.score(pool["X"], pool["y"]) > skewed.fit(pool["X"], pool["y"]).score(
        pool["X"], pool["y"]
    )


def test_a_pickle_predicts_the_same(pool):
    detector = fitted(pool, target_fpr=0.05, keep_training_rows=True)
    again = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(again.predict_proba(pool["X"]), detector.predict_proba(pool["X"]))


def test_training_rows_are_kept_only_when_asked_for(pool, picture_files):
    assert fitted(pool).training_rows_ is None
    encoder = FrozenEncoderTransformer(SmallTower, preprocess=small_pixels)
    kept = SSAFEClassifier(encoder, keep_training_rows=True).fit(picture_files, [0, 1] * 5)
    assert kept.training_rows_.paths == picture_files
    rows = encoder.transform(picture_files)
    np.testing.assert_allclose(kept.training_rows_.rows, rows, rtol=1e-6)
    assert kept.training_rows_.y.tolist() == [0, 1] * 5


def test_the_papers_configuration():
    paper = SSAFEClassifier.paper(target_fpr=0.01)
    encoder = paper.encoder
    assert (encoder.encoder, encoder.pretrained) == ("PE-Core-bigG-14-448", "meta")
    assert (paper.head.learning_rate, paper.head.batch_size) == (1e-3, 40)
    assert (paper.curator.n_generators, paper.curator.n_samples) == (8, 10_000)
    assert paper.threshold == 0.5
    assert paper.target_fpr == 0.01


def test_the_papers_weights_may_lie_in_a_file():
    assert SSAFEClassifier.paper().encoder.weights is None
    assert SSAFEClassifier.paper(weights="pe.safetensors").encoder.weights == "pe.safetensors"
    with pytest.raises(ValueError, match="give yours its own"):
        SSAFEClassifier.paper(weights="pe.safetensors", encoder="forensic")


def test_the_papers_curation_and_head_work_together_and_can_be_kept(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    generator = np.where(y, [f"g{k % 10}" for k in range(400)], "")
    source = np.where(y, "", [f"s{k % 4}" for k in range(400)])
    X = rng.normal(size=(400, 12)) + 2 * y[:, None]
    detector = SSAFEClassifier.paper(encoder=None).set_params(curator__n_samples=100)
    detector.fit(X, y, generator=generator, source=source)
    assert len(detector.training_indices_) == 100
    chosen = set(generator[detector.training_indices_]) - {""}
    assert chosen == set(detector.curator_.selected_generators_)
    again = load_detector(detector.save(tmp_path / "detector"))
    np.testing.assert_array_equal(again.predict(X), detector.predict(X))
    assert again.score(X, y) > 0.9


def test_what_a_fit_leaves_behind_prints_in_a_line():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 300)), np.arange(400) % 2
    detector = SSAFEClassifier(None, cv=4, keep_training_rows=True).fit(X, y)
    assert repr(detector.out_of_fold_) == (
        "<HeldOutScores of 200 real and 200 generated pictures in 4 folds; held out: "
        f"{detector.out_of_fold_.held_out}>"
    )
    assert repr(detector.training_rows_) == "<TrainingRows: 400 rows of 300 numbers>"
