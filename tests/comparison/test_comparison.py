import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score, root_mean_squared_error
from sklearn.pipeline import Pipeline

from sklearn_ssafe import FrozenEncoderTransformer, compare_detectors
from sklearn_ssafe.comparison.heads import make_heads
from sklearn_ssafe.comparison.importance import _shap_values
from sklearn_ssafe.comparison.inputs import feature_families, make_inputs
from sklearn_ssafe.encoders.forensic import ForensicEncoder
from sklearn_ssafe.metrics import tpr_at_fpr
from sklearn_ssafe.metrics.intervals import corrected_interval

from ..conftest import encoded, picture
from ..towers import SmallTower, small_pixels

N = 120


def problem(seed=0):
    """Pictures that are alike, features that tell a little, a table that tells a little."""
    rng = np.random.default_rng(seed)
    names = np.repeat(["a", "b", "c", "u", "v", "w"], N // 6)
    y = np.repeat([1, 0], N // 2)
    file = encoded(picture(0, size=(16, 16)))
    X = np.array([file] * N, dtype=object)
    features = pd.DataFrame(rng.normal(size=(N, 8)) + 0.8 * y[:, None] * (np.arange(8) < 2))
    table = pd.DataFrame(
        {
            "age": rng.normal(size=N) + y,
            "device": rng.choice(["phone", "desktop", None], N),
            "paid": rng.integers(0, 2, N).astype(bool),
        }
    )
    table.loc[::17, "age"] = np.nan
    known = {"generator": np.where(y, names, ""), "source": np.where(y, "", names)}
    return X, y, features, table, known


@pytest.fixture(scope="module")
def comparison():
    X, y, features, table, known = problem()
    forest = RandomForestClassifier(20, random_state=0)
    return compare_detectors(
        X,
        y,
        encoders={"mine": features},
        heads={**make_heads(["linear"]), "random_forest": forest},
        tabular=table,
        **known,
    )


def test_all_candidates_are_judged_on_the_same_folds(comparison):
    frame = comparison.frame()
    assert len(frame) == 5 * 2
    assert set(frame["input"][frame["baseline"]]) == {
        "file properties", "table", "table + file properties",
    }  # fmt: skip
    assert frame["auc"].is_monotonic_decreasing
    folds = comparison.folds
    assert (folds.groupby(["input", "head"]).size() == 3).all()
    assert (folds.groupby("fold")["n_test"].nunique() == 1).all()
    _, y, _, _, known = problem()
    names = np.where(y, known["generator"], known["source"])
    for train, test in comparison.splits:
        assert not set(names[train]) & set(names[test])
        assert set(y[test]) == {0, 1}


def test_the_figures_are_those_of_a_plain_loop(comparison):
    _, y, features, table, _ = problem()
    both = pd.concat([table, features.set_axis([str(c) for c in features], axis=1)], axis=1)
    given = comparison.inputs["table + mine"]
    assert list(given.table.columns) == list(both.columns)
    for row, (train, test) in zip(
        comparison._of("table + mine", "linear").itertuples(), comparison.splits, strict=True
    ):
        columns = given.preprocessor(30).fit(both.iloc[train])
        head = comparison.heads["linear"].fit(columns.transform(both.iloc[train]), y[train])
        score = head.predict_proba(columns.transform(both.iloc[test]))[:, 1]
        assert row.auc == pytest.approx(roc_auc_score(y[test], score))
        assert row.tpr_at_fpr == pytest.approx(tpr_at_fpr(y[test], score, max_fpr=0.05))


def test_differences_are_paired(comparison):
    reference = "table", "linear"
    table = comparison.differences(reference)
    assert len(table) == len(comparison.frame()) - 1
    folds = comparison.folds.set_index(["input", "head"]).sort_index(kind="stable")
    paired = (
        folds.loc[("mine", "linear"), "auc"].to_numpy() - folds.loc[reference, "auc"].to_numpy()
    )
    row = table[(table["input"] == "mine") & (table["head"] == "linear")].iloc[0]
    assert row["auc"] == pytest.approx(paired.mean())
    sizes = [(len(train), len(test)) for train, test in comparison.splits]
    expected = corrected_interval(paired, *zip(*sizes, strict=True))
    assert (row["auc_low"], row["auc_high"]) == pytest.approx(expected)
    best = comparison.frame().query("baseline").iloc[0]
    assert comparison.differences()["reference"][0] == f"{best['input']} / {best['head']}"
    with pytest.raises(ValueError, match=r"no candidate \('table', 'svm'\)"):
        comparison.differences(("table", "svm"))


def test_what_pictures_add_to_columns_is_paired_by_fold(comparison):
    folds = comparison.folds.pivot(index=["input", "head"], columns="fold", values="auc")
    best = {name: folds.loc[name].mean(axis=1).idxmax() for name in ("table", "table + mine")}
    columns, both = (folds.loc[(name, head)] for name, head in best.items())
    sizes = [(len(train), len(test)) for train, test in comparison.splits]
    low, high = corrected_interval((both - columns).to_numpy(), *zip(*sizes, strict=True))
    answer = comparison.added_by_pictures()
    assert answer["columns"] == f"table / {best['table']}"
    assert answer["both"] == f"table + mine / {best['table + mine']}"
    assert answer["of_columns"] == pytest.approx(columns.mean())
    assert answer["of_both"] == pytest.approx(both.mean())
    assert answer["difference"] == pytest.approx((both - columns).mean())
    assert (answer["low"], answer["high"]) == pytest.approx((low, high))
    assert (
        f"Do pictures add to your columns? AUC of columns alone {columns.mean():.2f} "
        f"({answer['columns']}), of columns and pictures {both.mean():.2f} ({answer['both']}). "
        f"Difference, fold by fold: {answer['difference']:+.2f} [{low:+.2f}, {high:+.2f}]"
    ) in str(comparison)


def test_rows_without_a_label_are_left_out_and_named(capsys):
    X, y, _, _, known = problem()
    encoders = {"mine": np.random.default_rng(0).normal(size=(N, 4)) + y[:, None]}
    gaps = y.astype(object)
    gaps[[2, 7]] = None
    options = {"encoders": encoders, "heads": ["linear"], "baselines": False, "verbose": True}
    comparison = compare_detectors(X, gaps, **options, **known)
    assert comparison.failures[["row", "reason"]].to_numpy().tolist() == [
        [2, "no label"], [7, "no label"],
    ]  # fmt: skip
    assert not any({2, 7} & set(rows) for split in comparison.splits for rows in split)
    assert "training and judging heads" in capsys.readouterr().err
    kept = np.delete(np.arange(N), [2, 7])
    without = compare_detectors(
        [X[row] for row in kept],
        y[kept],
        encoders={"mine": encoders["mine"][kept]},
        heads=["linear"],
        baselines=False,
        **{name: np.asarray(values)[kept] for name, values in known.items()},
    )
    assert comparison.frame()["auc"][0] == pytest.approx(without.frame()["auc"][0])
    with pytest.raises(ValueError, match="no label at all"):
        compare_detectors(X, np.full(N, None), encoders=encoders)


def test_only_a_candidate_that_sees_pictures_becomes_a_detector(comparison):
    with pytest.raises(ValueError, match="no encoder that could be saved"):
        comparison.make_detector()
    with pytest.raises(ValueError, match="no candidate of table and any head sees pictures"):
        comparison.make_detector("table")


def test_a_detector_is_the_candidate_that_was_judged():
    X, y, _, table, known = problem()
    X = np.array([encoded(picture(i)) for i in range(N)], dtype=object)
    comparison = compare_detectors(
        X, y, encoders=["forensic"], heads=["linear"], tabular=table, **known
    )
    pictures = pd.DataFrame({"path": X})
    for name, given in (
        ("forensic", X),
        ("table + forensic", pd.concat([table.reset_index(drop=True), pictures], axis=1)),
    ):
        detector = comparison.make_detector(name, "linear").set_params(cv=None).fit(given, y)
        judged = comparison.inputs[name]
        ready = judged.preprocessor(30).fit(judged.table)
        head = clone(comparison.heads["linear"]).fit(ready.transform(judged.table), y)
        np.testing.assert_allclose(
            detector.predict_proba(given), head.predict_proba(ready.transform(judged.table)),
            atol=1e-4,
        )  # fmt: skip


def test_it_says_whether_pictures_add_anything(comparison):
    assert "table + mine / " in str(comparison).partition("Do pictures add")[2]
    assert "File properties alone: AUC" in str(comparison)
    assert comparison._repr_html_().count("<tr>") == 1 + 10
    loaded = json.loads(comparison.to_json(), parse_constant=pytest.fail)
    assert len(loaded["candidates"]) == 10
    assert loaded["settings"]["encode_seconds"] == {"mine": None}


class CountingEncoder(FrozenEncoderTransformer):
    calls = []  # noqa: RUF012  (shared by the clones, which is the point)

    def transform(self, X):
        self.calls.append(len(X))
        return super().transform(X)


def test_each_picture_is_encoded_once_and_bad_ones_cost_a_row():
    X, y, _, _, known = problem()
    X = np.array([encoded(picture(i)) for i in range(N)], dtype=object)
    X[5] = b"no picture"
    CountingEncoder.calls.clear()
    encoder = CountingEncoder(SmallTower, preprocess=small_pixels)
    comparison = compare_detectors(
        X, y, encoders={"one": encoder}, heads=["knn", "linear"], **known
    )
    assert CountingEncoder.calls == [N]
    assert comparison.failures["row"].tolist() == [5]
    assert comparison.settings["pictures"] == N - 1
    assert not any(5 in rows for split in comparison.splits for rows in split)
    assert "1 row was left out for all: row 5: <10 bytes>: is no picture" in str(comparison)
    assert comparison.frame().query("input == 'one'")["encode_seconds"].gt(0).all()


def test_regression():
    X, _, features, table, known = problem()
    target = features[0] * 2 + table["age"].fillna(0)
    comparison = compare_detectors(
        X, target, encoders={"mine": features}, heads=["linear"], tabular=table, **known
    )
    assert comparison.metrics == ["r2", "rmse"]
    assert comparison.frame()["input"][0] == "table + mine"
    given = comparison.inputs["mine"]
    for row, (train, test) in zip(
        comparison._of("mine", "linear").itertuples(), comparison.splits, strict=True
    ):
        columns = given.preprocessor(None).fit(given.table.iloc[train])
        head = comparison.heads["linear"].fit(
            columns.transform(given.table.iloc[train]), target[train]
        )
        predicted = head.predict(columns.transform(given.table.iloc[test]))
        assert row.r2 == pytest.approx(r2_score(target[test], predicted))
        assert row.rmse == pytest.approx(root_mean_squared_error(target[test], predicted))
    assert "R2" in str(comparison)


def test_words_as_labels():
    X, y, features, _, known = problem()
    options = {"encoders": {"mine": features}, "heads": ["linear"], "baselines": False, **known}
    words = compare_detectors(X, np.array(["b real", "a fake"])[y], pos_label="a fake", **options)
    numbers = compare_detectors(X, y, **options)
    np.testing.assert_allclose(words.folds["auc"], numbers.folds["auc"], atol=1e-6)
    assert words.differences().empty  # one candidate alone


class Spy(ClassifierMixin, BaseEstimator):
    seen = []  # noqa: RUF012  (shared by the clones, which is the point)

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen.append(X)
        return self

    def predict_proba(self, X):
        return np.tile([0.5, 0.5], (len(X), 1))


def test_the_table_is_prepared_within_each_fold():
    X, y, features, table, known = problem()
    Spy.seen.clear()
    compare_detectors(
        X, y, encoders={"mine": features}, heads={"spy": Spy()}, tabular=table,
        baselines=False, picture_components=3, **known,
    )  # fmt: skip
    assert len(Spy.seen) == 3 * 3
    for seen in Spy.seen:
        assert not seen.isna().any(axis=None)
        numbers = [c for c in seen if "=" not in c]
        np.testing.assert_allclose(seen[numbers].mean(), 0, atol=1e-9)
    # Three components, three columns; the words became columns of their own.
    assert set(Spy.seen[-1].columns) == {
        "pca0", "pca1", "pca2", "age", "paid",
        "device=(missing)", "device=desktop", "device=phone",
    }  # fmt: skip


def test_tables_of_every_kind():
    X, y, _, table, known = problem()
    options = {"encoders": [], "heads": ["linear"], "baselines": False, **known}
    expected = compare_detectors(X, y, tabular=table, **options).folds["auc"]
    frames = pl.from_pandas(table), table.set_index(np.arange(N)[::-1])
    for given in frames:
        found = compare_detectors(X, y, tabular=given, **options).folds["auc"]
        np.testing.assert_allclose(found, expected)
    array = compare_detectors(X, y, tabular=table[["paid"]].to_numpy(), **options)
    assert array.inputs["table"].families == {"table_0": "table_0"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tabular": pd.DataFrame({"a": [1, 2]})}, "'table' has 2 rows for 120 pictures"),
        ({"tabular": pd.DataFrame({"when": pd.date_range("2020", periods=N)})}, "column 'when'"),
        ({"tabular": np.zeros(N)}, r"must be a table, got an array of shape \(120,\)"),
        ({"encoders": {"pca": PCA()}}, "encoder 'pca' .PCA. has to be fitted"),
        ({"encoders": ["forensic", FrozenEncoderTransformer("forensic")]}, "the same name"),
        ({"encoders": {"file properties": np.zeros((N, 2))}}, "called like a baseline"),
        ({"encoders": [], "baselines": False}, "nothing to compare"),
        ({"task": "clustering"}, "'regression', got 'clustering'"),
        ({"groups": ["one"] * N, "encoders": []}, "cannot be split"),
    ],
)
def test_what_is_wrong_is_said(change, message):
    X, y, _, _, known = problem()
    with pytest.raises(ValueError, match=message):
        compare_detectors(X, y, **{"heads": ["linear"], **known, **change})


def test_two_columns_of_one_name_are_kept_apart():
    X = pd.DataFrame({"width": [1.0], "x": [2.0]})
    both = make_inputs({"enc": X}, None, X[["width"]])[-1]
    assert list(both.table.columns) == ["width", "enc: width", "x"]
    assert both.picture_columns == ["enc: width", "x"]


def test_families_are_the_encoders_own():
    encoder = FrozenEncoderTransformer("forensic")
    names = encoder.get_feature_names_out()
    assert list(feature_families(names).values()) == ForensicEncoder().feature_families.tolist()
    assert feature_families(["mine_12", "34"]) == {"mine_12": "mine", "34": "34"}


# What a candidate goes by ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["permutation", "model", "shap"])
@pytest.mark.parametrize("head", ["linear", "random_forest"])
@pytest.mark.filterwarnings("ignore")  # shap's own, and matplotlib's on its import
def test_the_columns_that_tell_are_found(comparison, head, method):
    if method == "shap":
        pytest.importorskip("shap")
    found = comparison.importances("table + mine", head, method=method)
    assert found.families["importance"].is_monotonic_decreasing
    assert found.families["family"][0] in {"age", "0", "1"}
    expected = {"age", "device", "paid", *map(str, range(8))}
    assert set(found.families["family"]) == expected
    if method == "permutation":
        assert found.features is None
    else:
        devices = found.features[found.features["family"] == "device"]["feature"]
        assert {"device=phone", "device=desktop"} <= set(devices)


@pytest.mark.filterwarnings("ignore")  # shap's own, and matplotlib's on its import
def test_shap_values_add_up_and_are_shaps(comparison):
    shap = pytest.importorskip("shap")
    _, y, _, _, _ = problem()
    given = comparison.inputs["table + mine"]
    train, test = (given.table.iloc[rows] for rows in comparison.splits[0])
    for head in (*comparison.heads.values(), LogisticRegression()):
        fitted = Pipeline([("columns", given.preprocessor(30)), ("head", head)])
        fitted.fit(train, y[comparison.splits[0][0]])
        values = _shap_values(fitted, train, test, positive=1)
        if head is comparison.heads["random_forest"]:
            score = fitted.predict_proba(test)[:, 1]
        else:
            score = fitted.decision_function(test)
        np.testing.assert_allclose(np.ptp(score - values.sum(axis=1)), 0, atol=1e-6)
        np.testing.assert_allclose(_shap_values(fitted, train, test, positive=0), -values)
    columns = [fitted[0].transform(part) for part in (test, train)]
    explained = shap.LinearExplainer(fitted[-1], shap.maskers.Independent(columns[1], 1000))
    np.testing.assert_allclose(values, explained(columns[0]).values, atol=1e-6)


def test_a_head_without_importances_is_told(comparison):
    X, y, features, _, known = problem()
    plain = compare_detectors(X, y, encoders={"mine": features}, heads=["knn"], **known)
    for method in ("model", "shap"):
        with pytest.raises(ValueError, match="'permutation' works for every head"):
            plain.importances("mine", "knn", method=method)
    assert plain.importances("mine", "knn").families["features"].eq(1).all()
    with pytest.raises(ValueError, match="got 'gain'"):
        plain.importances("mine", "knn", method="gain")
