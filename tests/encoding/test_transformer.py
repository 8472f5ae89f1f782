import copy
import io
import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.exceptions import EncodingError, EncodingWarning

from ..conftest import encoded, picture
from ..towers import PREPROCESS, BadTower, SmallTower, small_pixels


def small_transformer(**settings):
    # Without a cache, so that every test has its pictures encoded.
    defaults = {"encoder": SmallTower, "preprocess": PREPROCESS, "cache": None}
    return FrozenEncoderTransformer(**{**defaults, **settings})


@pytest.fixture(scope="module")
def pictures():
    return make_generated_images(n_samples=40, image_size=96, random_state=0)


# What goes in, what comes out ------------------------------------------------------------------


def test_rows_come_in_input_order_whatever_the_batch_size(picture_files):
    whole = small_transformer(batch_size=100, num_workers=1).fit_transform(picture_files)
    assert whole.shape == (10, 8)
    assert whole.dtype == np.float32
    for batch_size in (1, 3, 10):
        split = small_transformer(batch_size=batch_size, num_workers=4).fit_transform(picture_files)
        np.testing.assert_allclose(split, whole, atol=1e-6)
    backwards = small_transformer().transform(picture_files[::-1])
    np.testing.assert_allclose(backwards, whole[::-1], atol=1e-6)


def test_features_equal_those_computed_by_hand(picture_files):
    expected = []
    for path in picture_files:
        small = Image.open(path).convert("RGB").resize((16, 16), Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1).float()
        expected.append(SmallTower()(((pixels / 255 - 0.5) / 0.5)[None])[0].detach().numpy())
    settings = {"preprocess": {**PREPROCESS, "interpolation": "bicubic", "resize_mode": "squash"}}
    raw = small_transformer(normalize=False, **settings).transform(picture_files)
    np.testing.assert_allclose(raw, expected, rtol=1e-4, atol=1e-5)
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    unit = small_transformer(**settings).transform(picture_files)
    np.testing.assert_allclose(unit, expected / lengths, rtol=1e-4, atol=1e-5)


def test_paths_bytes_pictures_and_arrays_may_be_mixed(picture_files):
    path = Path(picture_files[0])
    pixels = np.asarray(Image.open(path))
    mixed = [str(path), path, path.read_bytes(), Image.open(path), pixels]
    rows = small_transformer().transform(mixed)
    np.testing.assert_allclose(rows, np.repeat(rows[:1], 5, axis=0), atol=1e-6)
    stack = np.stack([pixels, pixels])
    np.testing.assert_allclose(small_transformer().transform(stack), rows[:2], atol=1e-6)


def test_set_output_gives_named_columns(picture_files):
    series = pd.Series(picture_files, index=np.arange(10) + 100)
    for X in (series, series.to_frame("path")):
        table = small_transformer().set_output(transform="pandas").fit_transform(X)
        assert list(table.index) == list(series.index)
        assert list(table.columns) == list(small_transformer().get_feature_names_out())
        assert set(table.dtypes) == {np.dtype("float32")}
    table = (
        small_transformer().set_output(transform="polars").fit_transform(pl.Series(picture_files))
    )
    assert isinstance(table, pl.DataFrame)
    assert table.shape == (10, 8)


def test_transform_needs_no_fit_and_fit_learns_nothing(picture_files):
    fitted = small_transformer().fit(picture_files[:2])
    assert fitted.n_features_out_ == 8
    np.testing.assert_array_equal(
        fitted.transform(picture_files[5:]), small_transformer().transform(picture_files[5:])
    )


# The snippet of the README, and what else it is put into ---------------------------------------


def design_card_pipeline():
    return Pipeline([("enc", FrozenEncoderTransformer("forensic")), ("clf", LogisticRegression())])


def test_the_pipeline_fits_predicts_and_is_cross_validated(pictures):
    X, y = pictures.X, pictures.y
    pipe = design_card_pipeline().fit(X, y)
    assert pipe.predict(X).shape == (40,)
    assert pipe.score(X, y) > 0.7  # it was trained on these
    np.testing.assert_allclose(pipe.predict_proba(X).sum(axis=1), 1)
    assert cross_val_score(design_card_pipeline(), X, y, cv=2).shape == (2,)


def test_grid_search_over_encoder_and_head(pictures):
    grid = {"enc__normalize": [False, True], "clf__C": [0.1, 1.0]}
    search = GridSearchCV(design_card_pipeline(), grid, cv=2).fit(pictures.X, pictures.y)
    assert len(search.cv_results_["params"]) == 4
    assert set(search.best_params_) == set(grid)


def test_grid_search_in_worker_processes(pictures):
    grid = {"clf__C": [0.1, 1.0]}
    search = GridSearchCV(design_card_pipeline(), grid, cv=2, n_jobs=2)
    search.fit(pictures.X[:12], pictures.y[:12])
    assert search.n_splits_ == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_beside_tabular_columns(pictures):
    table = pd.DataFrame({"image": pictures.X, "price": np.arange(40.0), "year": np.arange(40)})
    columns = ColumnTransformer(
        [
            ("image", FrozenEncoderTransformer("forensic"), "image"),
            ("rest", "passthrough", ["price", "year"]),
        ]
    )
    features = columns.fit_transform(table)
    names = columns.get_feature_names_out()
    assert features.shape == (40, len(names))
    assert names[-1] == "rest__year"
    np.testing.assert_array_equal(features[:, -2], table["price"])
    as_one_column = ColumnTransformer([("image", FrozenEncoderTransformer("forensic"), ["image"])])
    np.testing.assert_array_equal(as_one_column.fit_transform(table), features[:, :-2])
    pipe = Pipeline([("columns", columns), ("clf", LogisticRegression(max_iter=2000))])
    assert pipe.fit(table, pictures.y).predict(table.iloc[:3]).shape == (3,)


def test_with_lightgbm(pictures):
    lightgbm = pytest.importorskip("lightgbm")
    head = lightgbm.LGBMClassifier(n_estimators=5, min_child_samples=2, verbose=-1)
    encoder = FrozenEncoderTransformer("forensic").set_output(transform="pandas")
    pipe = Pipeline([("enc", encoder), ("clf", head)]).fit(pictures.X, pictures.y)
    assert pipe.predict_proba(pictures.X).shape == (40, 2)
    assert list(head.feature_name_) == list(encoder.get_feature_names_out())


def test_with_a_regressor(pictures):
    pipe = Pipeline([("enc", FrozenEncoderTransformer("forensic")), ("reg", Ridge())])
    target = np.linspace(0, 1, 40)
    assert pipe.fit(pictures.X, target).predict(pictures.X).shape == (40,)


def test_an_outlier_detector_trained_on_real_pictures_alone(pictures):
    pipe = Pipeline(
        [("enc", FrozenEncoderTransformer("forensic")), ("out", IsolationForest(random_state=0))]
    )
    pipe.fit(pictures.X[pictures.y == 0])
    assert set(pipe.predict(pictures.X)) <= {-1, 1}
    assert pipe.score_samples(pictures.X).shape == (40,)


# Bad pictures ----------------------------------------------------------------------------------


@pytest.fixture
def with_bad_files(picture_files, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(Path(picture_files[0]).read_bytes()[:-60])
    paths = [*picture_files, str(broken), str(tmp_path / "absent.jpg"), None]
    return [paths[i] for i in (0, 10, 1, 2, 11, 3, 4, 5, 12, 6, 7, 8, 9)], [1, 4, 8]


def test_raise_names_every_bad_picture_at_once(with_bad_files):
    X, bad = with_bad_files
    with pytest.raises(EncodingError) as caught:
        small_transformer().fit_transform(X)
    message = str(caught.value)
    assert "3 of 13 pictures" in message
    for row in bad:
        assert f"row {row}: " in message
    assert "broken.jpg" in message
    assert "no such file" in message
    assert caught.value.failures["row"].tolist() == bad
    assert 'on_error="nan"' in message


def test_raise_encodes_nothing_when_a_look_at_the_headers_is_enough(with_bad_files):
    calls = []

    class Counting(SmallTower):
        def forward(self, pixels):
            calls.append(len(pixels))
            return super().forward(pixels)

    transformer = small_transformer(encoder=Counting())
    transformer.fit(["ignored.jpg"])
    calls.clear()
    X, _ = with_bad_files
    with pytest.raises(EncodingError):
        transformer.transform(X)
    assert sum(calls) <= 1  # one, to learn the width


def test_raise_keeps_the_good_rows_of_a_run_that_met_a_truncated_file(with_bad_files):
    X, bad = with_bad_files
    X = [path for row, path in enumerate(X) if row not in bad[1:]]  # the truncated file stays
    with pytest.raises(EncodingError) as caught:
        small_transformer().transform(X)
    features = caught.value.features
    good = np.delete(np.arange(11), 1)
    assert np.isnan(features[1]).all()
    expected = small_transformer().transform([X[row] for row in good])
    np.testing.assert_allclose(features[good], expected, atol=1e-6)


def test_nan_keeps_every_row_and_warns_once(with_bad_files):
    X, bad = with_bad_files
    transformer = small_transformer(on_error="nan", batch_size=4)
    with pytest.warns(EncodingWarning, match="3 of 13 pictures") as caught:
        features = transformer.fit_transform(X)
    assert len(caught) == 1
    assert features.shape == (13, 8)
    assert np.flatnonzero(np.isnan(features).all(axis=1)).tolist() == bad
    assert np.isfinite(np.delete(features, bad, axis=0)).all()
    table = transformer.failures_
    assert list(table.columns) == ["row", "path", "reason"]
    assert table["row"].tolist() == bad
    assert table["path"].tolist() == [X[1], X[4], "<missing>"]
    assert table["reason"].str.len().min() > 5
    transformer.transform([X[0]])
    assert transformer.failures_.empty


ALL_BAD = ["absent.jpg", "https://a.org/b.jpg"]


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("transform", {"on_error": "raise"}),
        ("transform", {"on_error": "raise", "on_all_failed": "nan"}),
        ("transform", {"on_error": "nan", "on_all_failed": "raise"}),
        ("fit_transform", {"on_error": "raise"}),
        ("fit_transform", {"on_error": "nan"}),
        ("fit_transform", {"on_error": "nan", "on_all_failed": "raise"}),
    ],
)
def test_all_bad_is_an_error(method, settings):
    with pytest.raises(EncodingError, match="None of the 2 pictures"):
        getattr(small_transformer(**settings), method)(ALL_BAD)


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("transform", {"on_error": "nan"}),
        ("transform", {"on_error": "nan", "on_all_failed": "nan"}),
        ("fit_transform", {"on_error": "nan", "on_all_failed": "nan"}),
    ],
)
def test_a_bad_picture_gets_the_same_answer_alone_as_beside_a_good_one(
    method, settings, picture_files
):
    transformer = small_transformer(**settings)
    with pytest.warns(EncodingWarning, match="None of the 1 pictures"):
        alone = getattr(transformer, method)(ALL_BAD[:1])
    reasons = transformer.failures_["reason"].tolist()
    with pytest.warns(EncodingWarning, match="1 of 2 pictures"):
        beside = getattr(transformer, method)([ALL_BAD[0], picture_files[0]])
    np.testing.assert_array_equal(alone, beside[:1])
    assert np.isnan(alone).all()
    assert transformer.failures_["reason"].tolist() == reasons


class Raising:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name):
        raise ZeroDivisionError(name)


class RaisingPath(str):
    def __str__(self):
        raise RuntimeError("no text")


class RaisingArray(np.ndarray):
    @property
    def shape(self):
        raise RecursionError("no shape")


ODD_ITEMS = {
    "memoryview that is not contiguous": lambda content: memoryview(content * 2)[::2],
    "memoryview of no dimension": lambda content: memoryview(np.array(7, np.uint8)),
    "released memoryview": lambda content: released(content),
    "object that raises": lambda content: Raising(),
    "path that raises": lambda content: RaisingPath("a.jpg"),
    "array that raises": lambda content: np.zeros((4, 4, 3), np.uint8).view(RaisingArray),
    "closed PIL image": lambda content: closed(content),
    "path with a null byte": lambda content: "a\0b",
    "nested list": lambda content: [[1], [2]],
}


def released(content):
    view = memoryview(content)
    view.release()
    return view


def closed(content):
    image = Image.open(io.BytesIO(content))
    image.close()
    return image


def test_a_memoryview_with_gaps_is_read_as_its_bytes(picture_files):
    content = Path(picture_files[0]).read_bytes()
    gaps = memoryview(bytes(byte for pair in zip(content, content, strict=True) for byte in pair))
    rows = small_transformer().transform([content, gaps[::2]])
    np.testing.assert_array_equal(rows[0], rows[1])


@pytest.mark.parametrize("cache", [None, "memory"])
@pytest.mark.parametrize("kind", ODD_ITEMS)
def test_whatever_an_item_raises_costs_its_row_alone(kind, cache, picture_files):
    odd = ODD_ITEMS[kind](Path(picture_files[0]).read_bytes())
    transformer = small_transformer(on_error="nan", cache=cache)
    with pytest.warns(EncodingWarning, match="1 of 3 pictures"):
        features = transformer.transform([picture_files[0], odd, picture_files[1]])
    assert np.isnan(features[1]).all()
    assert np.isfinite(features[[0, 2]]).all()
    assert transformer.failures_["row"].tolist() == [1]
    with pytest.raises(EncodingError, match="row 1"):
        small_transformer(cache=cache).transform([picture_files[0], odd])


def test_the_limit_of_pixels_is_a_setting():
    large = encoded(np.zeros((40, 50, 3), np.uint8), "PNG")
    for item in (large, np.zeros((40, 50, 3), np.uint8), Image.new("RGB", (50, 40))):
        transformer = small_transformer(on_error="nan", max_pixels=1999)
        with pytest.warns(EncodingWarning, match="2000|50 x 40"):
            assert np.isnan(transformer.transform([item])).all()
        assert "raise max_pixels" in transformer.failures_["reason"][0]
        assert np.isfinite(small_transformer(max_pixels=2000).transform([item])).all()
    with pytest.raises(ValueError, match="max_pixels"):
        small_transformer(max_pixels=0).transform([large])


def test_a_missing_value_in_a_pandas_column_costs_one_row(picture_files):
    column = pd.Series([picture_files[0], pd.NA, np.nan, None], dtype="object")
    with pytest.warns(EncodingWarning):
        features = small_transformer(on_error="nan").fit_transform(column)
    assert np.isnan(features[1:]).all()
    assert np.isfinite(features[0]).all()


def test_values_that_are_not_finite_are_failures(picture_files):
    transformer = small_transformer(encoder=BadTower, on_error="nan")
    with pytest.warns(EncodingWarning, match="not finite"):
        features = transformer.transform([picture_files[0], np.zeros((20, 20, 3), np.uint8)])
    assert transformer.failures_["row"].tolist() == [1]
    assert np.isfinite(features[0]).all()


def test_the_error_survives_the_way_back_from_a_worker_process(with_bad_files):
    with pytest.raises(EncodingError) as caught:
        small_transformer().transform(with_bad_files[0])
    copied = pickle.loads(pickle.dumps(caught.value))
    assert str(copied) == str(caught.value)
    pd.testing.assert_frame_equal(copied.failures, caught.value.failures)


# Settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"on_error": "ignore"},
        {"batch_size": 0},
        {"precision": "fp8"},
        {"pooling": "max"},
        {"num_workers": 0},
        {"encoder": 3},
        {"n_views": 0},
    ],
)
def test_a_wrong_setting_is_named(settings, picture_files):
    with pytest.raises(ValueError, match=next(iter(settings))):
        FrozenEncoderTransformer(**settings).fit_transform(picture_files)


def test_an_unknown_encoder_is_answered_with_close_names(picture_files):
    with pytest.raises(ValueError, match="ViT-B-32"):
        FrozenEncoderTransformer(encoder="ViT-B32").fit(picture_files)


def test_making_one_loads_nothing_and_clone_copies_no_weights(picture_files):
    before = SmallTower.built
    transformer = small_transformer()
    copies = [clone(transformer) for _ in range(5)]
    assert SmallTower.built == before
    for copied in copies:
        copied.transform(picture_files[:1])
    assert SmallTower.built <= before + 1
    module = SmallTower()
    held = clone(clone(small_transformer(encoder=module)).set_output(transform="pandas"))
    assert held.encoder is module
    assert isinstance(held.transform(picture_files[:1]), pd.DataFrame)


def test_clone_carries_settings_and_no_fitted_state(picture_files):
    transformer = small_transformer(batch_size=7, weights=None).fit(picture_files)
    copied = clone(transformer)
    assert copied.get_params() == transformer.get_params()
    assert not hasattr(copied, "n_features_out_")


# Pickles ---------------------------------------------------------------------------------------


def test_a_pickle_holds_settings_and_no_weights(picture_files):
    transformer = FrozenEncoderTransformer(
        "ViT-B-32", pretrained="openai", weights="random", precision="fp32"
    ).fit(picture_files)
    assert len(pickle.dumps(transformer)) < 3000
    copied = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(
        copied.transform(picture_files[:2]), transformer.transform(picture_files[:2])
    )


def test_a_module_stays_out_of_the_pickle_and_is_found_again_at_home(picture_files):
    module = SmallTower()
    module.ballast = torch.nn.Parameter(torch.zeros(100_000))
    transformer = small_transformer(encoder=module).fit(picture_files)
    pickled = pickle.dumps(transformer)
    assert len(pickled) < 3000
    assert pickle.loads(pickled).encoder is module
    assert copy.deepcopy(transformer).encoder is module


def test_a_module_missing_in_another_process_is_asked_for(picture_files):
    pickled = pickle.dumps(small_transformer(encoder=SmallTower()))  # the module dies here
    orphan = pickle.loads(pickled)
    with pytest.raises(ValueError, match=r"set_params\(encoder=module\)"):
        orphan.transform(picture_files)
    rows = orphan.set_params(encoder=SmallTower()).transform(picture_files)
    np.testing.assert_allclose(rows, small_transformer().transform(picture_files), atol=1e-6)


def test_a_fitted_pipeline_is_dumped_by_joblib_and_predicts_the_same(pictures, tmp_path):
    pipe = design_card_pipeline().fit(pictures.X, pictures.y)
    joblib.dump(pipe, tmp_path / "detector.joblib")
    loaded = joblib.load(tmp_path / "detector.joblib")
    np.testing.assert_array_equal(loaded.predict_proba(pictures.X), pipe.predict_proba(pictures.X))


# Interruption, memory, progress ----------------------------------------------------------------


def test_ctrl_c_leaves_no_thread_behind(picture_files):
    import threading

    class Interrupting(SmallTower):
        calls = 0

        def forward(self, pixels):
            type(self).calls += 1
            if self.calls > 2:
                raise KeyboardInterrupt
            return super().forward(pixels)

    with pytest.raises(KeyboardInterrupt):
        small_transformer(encoder=Interrupting, batch_size=1).fit_transform(picture_files * 20)
    assert not [t for t in threading.enumerate() if t.name.startswith("ssafe")]


def test_out_of_memory_halves_the_batch_and_loses_no_row(picture_files):
    sizes = []

    class SmallMemory(SmallTower):
        def forward(self, pixels):
            sizes.append(len(pixels))
            if len(pixels) > 3:
                raise getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)("full")
            return super().forward(pixels)

    work = small_transformer(encoder=SmallMemory()).fit(picture_files)
    sizes.clear()
    X = [*picture_files, *(picture(number) for number in range(50, 60))]
    rows = work.set_params(batch_size=10).transform(X)
    np.testing.assert_allclose(rows, small_transformer().transform(X), atol=1e-6)
    sizes = sizes[sizes.index(10) :]  # without the look at the width
    assert sizes == [10, 5, *[2] * 10]  # what did not fit is not tried again

    class NoMemory(SmallTower):
        armed = False

        def forward(self, pixels):
            if self.armed:
                raise getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)("full")
            return super().forward(pixels)

    hopeless = small_transformer(encoder=NoMemory)
    hopeless.fit(picture_files)
    NoMemory.armed = True
    with pytest.raises(MemoryError, match='device="cpu"'):
        hopeless.transform(picture_files)


def test_verbose_shows_a_bar_that_reaches_the_end(picture_files, capsys):
    small_transformer(verbose=True, batch_size=4).transform(picture_files)
    assert "10/10" in capsys.readouterr().err
    for verbose in (False, "auto"):  # no terminal here
        small_transformer(verbose=verbose).transform(picture_files)
        assert capsys.readouterr().err == ""


def test_scikit_learns_callbacks_hear_of_every_batch(picture_files):
    pytest.importorskip("sklearn.callback")
    heard = []

    class Listener:
        def setup(self, estimator, context):
            heard.append(("setup", context.max_subtasks))

        def on_fit_task_begin(self, estimator, context, **ignored):
            pass

        def on_fit_task_end(self, estimator, context, **ignored):
            heard.append(context.task_name)

        def teardown(self, estimator, context):
            heard.append("teardown")

    small_transformer(batch_size=4).set_callbacks(Listener()).fit_transform(picture_files)
    assert heard == [("setup", 3), "batch", "batch", "batch", "fit", "teardown"]


def test_no_warning_in_the_ordinary_case(picture_files):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FrozenEncoderTransformer("forensic").fit_transform(picture_files)


def test_encoding_one_picture_of_one_pixel():
    rows = FrozenEncoderTransformer("forensic").fit_transform(
        [encoded(np.full((1, 1, 3), 7, np.uint8), "PNG")]
    )
    assert np.isfinite(rows).all()
    assert FrozenEncoderTransformer("forensic").fit_transform([picture(0)]).shape == rows.shape


# Preprocessing of one's own, and functions that make modules --------------------------------------


def test_a_preprocessing_that_fails_costs_one_row(picture_files):
    def picky(image):
        if image.width == 20:
            raise ZeroDivisionError("too small")
        return small_pixels(image)[:, : 16 if image.width != 21 else 8]

    odd = [np.zeros((20, width, 3), np.uint8) for width in (20, 21)]
    transformer = small_transformer(preprocess=picky, on_error="nan", batch_size=4)
    with pytest.warns(EncodingWarning, match="2 of 12"):
        features = transformer.transform([*picture_files, *odd])
    assert transformer.failures_["row"].tolist() == [10, 11]
    assert "ZeroDivisionError: too small" in transformer.failures_["reason"][0]
    assert "shape" in transformer.failures_["reason"][1]
    assert np.isfinite(features[:10]).all()


def test_a_strip_that_would_be_blown_up_to_gigabytes_costs_one_row(picture_files):
    settings = {"encoder": "ViT-B-32", "pretrained": "openai", "weights": "random"}
    transformer = FrozenEncoderTransformer(on_error="nan", **settings)
    strip = np.zeros((1, 65_000, 3), np.uint8)
    with pytest.warns(EncodingWarning, match="too long and narrow"):
        features = transformer.transform([strip, picture_files[0]])
    assert np.isfinite(features[1]).all()


def test_a_factory_sent_to_a_worker_again_and_again_builds_one_module(picture_files):
    import cloudpickle  # what worker processes are sent with

    built = []

    def make():
        built.append(1)
        return SmallTower()

    transformer = small_transformer(encoder=make).fit(picture_files)
    sent = cloudpickle.dumps(transformer)
    arrived = [pickle.loads(sent) for _ in range(4)]
    assert len({id(copied.encoder) for copied in arrived}) == 4
    for copied in arrived:
        copied.transform(picture_files[:1])
    assert len(built) == 1
    assert "_factory_token" not in vars(arrived[0])


def test_no_standard_error_is_no_error(picture_files, monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    for verbose in (True, "auto"):
        small_transformer(verbose=verbose).transform(picture_files)


def test_transforming_in_two_threads_leaves_torchs_threads_as_they_were(pictures):
    from concurrent.futures import ThreadPoolExecutor

    before = torch.get_num_threads()
    expected = FrozenEncoderTransformer("forensic").transform(pictures.X[:6])
    with ThreadPoolExecutor(2) as threads:
        rows = list(
            threads.map(FrozenEncoderTransformer("forensic").transform, [pictures.X[:6]] * 4)
        )
    for row in rows:
        np.testing.assert_array_equal(row, expected)
    assert torch.get_num_threads() == before
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == before
