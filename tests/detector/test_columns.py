"""``SSAFEClassifier(columns=...)``: pictures and columns judged together, saved and loaded."""

import json
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_ssafe import (
    FrozenEncoderTransformer,
    GeneratorCurator,
    SSAFEClassifier,
    evaluation_report,
    load_detector,
    robustness_curve,
)
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.exceptions import DetectorFileError
from sklearn_ssafe.images import perturb
from sklearn_ssafe.metrics.scores import log_odds

COLUMNS = ["age", "device", "verified"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Sixty pictures in files, and columns with gaps of which the age tells something."""
    folder = tmp_path_factory.mktemp("columns")
    data = make_generated_images(60, image_size=48, output_dir=folder, random_state=0)
    rng = np.random.default_rng(0)
    data.table = pd.DataFrame(
        {
            "path": data.X,
            "age": rng.normal(size=60) + data.y,
            "device": rng.choice(["phone", "desktop", "tablet"], 60),
            "verified": rng.random(60) < 0.5,
            "comment": "of no use",
        }
    )
    data.table.loc[[2, 30], "age"] = np.nan
    data.table.loc[[4, 41], "device"] = None
    return data


@pytest.fixture(scope="module")
def detector(data):
    return SSAFEClassifier(columns=COLUMNS).fit(
        data.table, data.y, generator=data.generator, source=data.source
    )


def test_the_order_of_rows_decides_nothing(data, detector):
    order = np.random.default_rng(0).permutation(len(data.y))
    known = {"generator": data.generator[order], "source": data.source[order]}
    again = SSAFEClassifier(columns=COLUMNS).fit(data.table.iloc[order], data.y[order], **known)
    score = detector.predict_proba(data.table)
    np.testing.assert_allclose(again.predict_proba(data.table), score, atol=1e-4)
    np.testing.assert_allclose(
        again.out_of_fold_.score, detector.out_of_fold_.score[order], atol=1e-4
    )


def test_scores_are_those_of_a_pipeline_made_by_hand(data, detector):
    features = FrozenEncoderTransformer().fit_transform(data.X).astype(float)
    device = data.table["device"].fillna("(missing)").to_frame()
    numbers = data.table[["age", "verified"]].astype(float).to_numpy()
    X = np.hstack([features, numbers, OneHotEncoder(sparse_output=False).fit_transform(device)])
    n = features.shape[1]
    ready = ColumnTransformer(
        [
            (
                "p",
                make_pipeline(StandardScaler(), PCA(15, whiten=True, svd_solver="full")),
                slice(0, n),
            ),
            ("n", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [n, n + 1]),
            ("w", "passthrough", slice(n + 2, None)),
        ]
    )
    head = LogisticRegression(class_weight="balanced", max_iter=1000)
    by_hand = make_pipeline(ready, head).fit(X, data.y)
    np.testing.assert_allclose(
        detector.predict_proba(data.table), by_hand.predict_proba(X), atol=1e-4
    )
    assert detector.column_kinds_ == {"age": "number", "device": "words", "verified": "number"}


def test_columns_that_tell_the_label_are_used_and_held_out_properly(data):
    table = data.table.assign(age=data.y + 0.01 * np.arange(60))
    detector = SSAFEClassifier(columns=["age"]).fit(
        table, data.y, generator=data.generator, source=data.source
    )
    assert roc_auc_score(data.y, detector.out_of_fold_.score) > 0.95
    # The verdict follows the column where the pictures stay as they are.
    swapped = table.assign(age=1 - data.y)
    assert roc_auc_score(data.y, detector.predict_proba(swapped)[:, 1]) < 0.2
    assert np.isfinite(detector.training_table_["called_generated"]).all()


@pytest.mark.parametrize("head", [None, LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1)])
def test_it_can_be_saved_and_judges_as_before(data, head, tmp_path):
    detector = SSAFEClassifier(columns=COLUMNS, head=head, cv=None).fit(data.table, data.y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing in it has to be trusted
        detector.save(tmp_path / "detector")
    again = load_detector(tmp_path / "detector")
    np.testing.assert_array_equal(
        again.predict_proba(data.table), detector.predict_proba(data.table)
    )
    assert again.columns == COLUMNS
    assert again.column_kinds_ == detector.column_kinds_
    card = (tmp_path / "detector" / "README.md").read_text()
    assert "`age` (number), `device` (words), `verified` (number)" in card
    assert "detector.predict(table)  # columns: path, age, device, verified" in card
    (line,) = [line for line in card.splitlines() if line.startswith("- head: ")]
    assert line.startswith(f"- head: `{type(detector.head_['head']).__name__}(")
    assert len(line) < 200
    assert not [path for path in (tmp_path / "detector").iterdir() if "pickle" in path.name]
    again.save(tmp_path / "again")
    np.testing.assert_array_equal(
        load_detector(tmp_path / "again").predict(data.table), detector.predict(data.table)
    )


def test_a_head_that_treats_columns_otherwise_is_noticed(detector, tmp_path):
    detector.save(tmp_path / "detector")
    file = tmp_path / "detector" / "detector.json"
    settings = json.loads(file.read_text())
    settings["columns"]["check"]["device"] = ["tablet", "tablet", "phone", "phone"]
    file.write_text(json.dumps(settings))
    with pytest.raises(DetectorFileError):
        load_detector(tmp_path / "detector")


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "other order", "other index"])
def test_any_table_will_do(data, detector, kind):
    given = {
        "polars": lambda: pl.from_pandas(data.table),
        "pyarrow": lambda: pa.Table.from_pandas(data.table),
        "other order": lambda: data.table[["device", "path", "verified", "age"]],
        "other index": lambda: data.table.set_index(np.arange(60)[::-1] * 10),
    }[kind]()
    np.testing.assert_allclose(
        detector.predict_proba(given), detector.predict_proba(data.table), atol=1e-12
    )


def test_the_column_of_pictures_may_have_any_name_where_it_is_the_only_other_one(data, detector):
    table = data.table.rename(columns={"path": "photo"}).drop(columns="comment")
    np.testing.assert_array_equal(detector.predict(table), detector.predict(data.table))
    with pytest.raises(ValueError, match=r"which column holds the pictures.*photo, comment"):
        detector.predict(data.table.rename(columns={"path": "photo"}))


def test_a_table_that_does_not_fit_is_explained(data, detector):
    with pytest.raises(TypeError, match="X has to be a table"):
        detector.predict(data.X)
    with pytest.raises(ValueError, match="no column 'device', which the detector needs"):
        detector.predict(data.table.drop(columns="device"))
    words = data.table.assign(age=["old"] + ["7"] * 59)
    with pytest.raises(ValueError, match=r"column 'age' held numbers in training.*'old' in row 0"):
        detector.predict(words)
    # Numbers written as words, a new word, and a column that is empty are no errors.
    assert np.isfinite(detector.predict_proba(data.table.assign(age="7"))).all()
    assert np.isfinite(detector.predict_proba(data.table.assign(device="watch"))).all()
    assert np.isfinite(detector.predict_proba(data.table.assign(device=np.nan, age=np.nan))).all()
    with pytest.raises(ValueError, match="stand beside pictures"):
        SSAFEClassifier(None, columns=["age"]).fit(data.table, data.y)
    with pytest.raises(ValueError, match="neither numbers nor words"):
        SSAFEClassifier(columns=["when"]).fit(
            data.table.assign(when=pd.Timestamp("2026-01-01")), data.y
        )


def test_words_that_are_digits_are_the_same_word_in_a_column_with_gaps(data):
    table = data.table.assign(device=np.where(data.y == 1, "7", "8").astype(object))
    detector = SSAFEClassifier(columns=["device"], cv=None).fit(table, data.y)
    as_numbers = table.assign(device=table["device"].astype(float))
    np.testing.assert_array_equal(detector.predict_proba(as_numbers), detector.predict_proba(table))


def test_a_picture_that_cannot_be_read_costs_its_row(data, tmp_path):
    table = data.table.copy()
    table.loc[7, "path"] = str(tmp_path / "absent.jpg")
    encoder = FrozenEncoderTransformer(on_error="nan")
    with pytest.warns(UserWarning, match=r"absent\.jpg"):
        detector = SSAFEClassifier(encoder, columns=COLUMNS).fit(table, data.y)
    assert detector.n_failures_ == 1
    without = table.drop(index=7)
    alone = SSAFEClassifier(encoder, columns=COLUMNS).fit(without, np.delete(data.y, 7))
    with pytest.warns(UserWarning, match=r"absent\.jpg"):
        score = detector.predict_proba(table)[:, 1]
    assert np.flatnonzero(np.isnan(score)).tolist() == [7]
    np.testing.assert_allclose(np.delete(score, 7), alone.predict_proba(without)[:, 1], atol=1e-6)


def test_curation_looks_at_the_pictures_alone(data):
    curator = GeneratorCurator(2, n_samples=16, random_state=0)
    origin = {"generator": data.generator, "source": data.source}
    detector = SSAFEClassifier(columns=COLUMNS, curator=curator, cv=None)
    detector.fit(data.table, data.y, **origin)
    features = FrozenEncoderTransformer().fit_transform(data.X)
    curator.fit(features, data.y, **origin)
    np.testing.assert_array_equal(detector.training_indices_, curator.sample_indices_)


def test_it_is_a_scikit_learn_estimator(data):
    detector = SSAFEClassifier(columns=COLUMNS, picture_components=5, cv=None)
    assert clone(detector).columns == COLUMNS
    scores = cross_val_score(detector, data.table, data.y, cv=2, scoring="roc_auc")
    assert np.isfinite(scores).all()


def test_explain_keeps_the_columns_as_they_are(data, detector):
    row = data.table.iloc[[3]]
    explanation = detector.explain(row, grid=2)
    assert explanation.method == "occlusion"
    assert explanation.score == pytest.approx(detector.predict_proba(row)[0, 1])
    assert explanation.heat.shape == (2, 2)
    effects = explanation.columns.set_index("column")
    assert set(effects.index) == {*COLUMNS, "(picture)"}
    assert effects["effect"].abs().is_monotonic_decreasing
    for name in COLUMNS:  # by hand: the same row without it
        without = log_odds(detector.predict_proba(row.assign(**{name: np.nan}))[0, 1])
        expected = log_odds(explanation.score) - without
        assert effects.loc[name, "effect"] == pytest.approx(expected, abs=1e-6)
    assert effects.loc["age", "value"] == row["age"].iloc[0]
    assert effects.loc["device", "value"] == row["device"].iloc[0]
    # A linear head of scaled features: the picture's own terms, less those of the mean, which is 0.
    ready, head = detector.head_.steps[0][1], detector.head_.steps[1][1]
    features = FrozenEncoderTransformer().fit_transform(row["path"].tolist()).astype(float)
    names = [f"picture_{number}" for number in range(features.shape[1])]
    given = pd.DataFrame(features, columns=names)
    parts = ready.named_transformers_["picture"].transform(given).to_numpy()
    expected = (parts @ head.coef_[0][: parts.shape[1]])[0]
    assert effects.loc["(picture)", "effect"] == pytest.approx(expected, abs=1e-4)
    with pytest.raises(TypeError, match="X has to be a table"):
        detector.explain(row["path"].iloc[0])
    with pytest.raises(ValueError, match="a table of one row, and has 60"):
        detector.explain(data.table)
    of_folds = SSAFEClassifier(columns=COLUMNS, target_fpr=0.2, confidence_level=None, cv=2)
    of_folds.fit(data.table, data.y)
    effects = of_folds.explain(row, grid=1).columns
    assert np.isfinite(effects["effect"]).all() and len(effects) == 4


def test_robustness_and_evaluation_take_the_table(data, detector):
    table, jpeg = data.table.iloc[:24], {"jpeg": [60]}
    curve = robustness_curve(detector, table, data.y[:24], perturbations=jpeg, n_resamples=0)
    np.testing.assert_allclose(
        curve.score[:, 0], detector.predict_proba(table)[:, 1], rtol=1e-5, atol=1e-7
    )
    changed = [perturb(path, "jpeg", 60) for path in table["path"]]
    by_hand = table.assign(path=pd.Series(changed, index=table.index, dtype=object))
    np.testing.assert_allclose(
        curve.score[:, 1], detector.predict_proba(by_hand)[:, 1], rtol=1e-5, atol=1e-7
    )
    page = evaluation_report(
        detector, table, data.y[:24], robustness=jpeg, n_resamples=0, thumbnails=False
    )
    assert page.facts["data"]["pictures"] == 24
    with pytest.raises(TypeError, match="X has to be a table"):
        robustness_curve(detector, data.X, data.y)
