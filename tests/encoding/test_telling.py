"""Bad pictures in searches and cross-validation: one warning, in the user's line, naming files."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.exceptions import EncodingWarning

from ..conftest import encoded, picture
from ..towers import SmallTower, small_pixels


@pytest.fixture
def problem(tmp_path):
    """Forty files, five of them bad, and a pipeline that takes NaN."""
    paths = []
    for number in range(40):
        path = tmp_path / f"picture_{number:02}.png"
        bad = number % 9 == 2
        path.write_bytes(b"no picture" if bad else encoded(picture(number), "PNG"))
        paths.append(str(path))
    encoder = FrozenEncoderTransformer(SmallTower, preprocess=small_pixels, on_error="nan")
    pipe = make_pipeline(encoder, SimpleImputer(), LogisticRegression())
    return pipe, np.array(paths), np.arange(40) % 2, [paths[row] for row in range(2, 40, 9)]


SEARCH = {"logisticregression__C": [0.1, 1, 10]}
CALLS = {
    "grid search": lambda pipe, X, y: GridSearchCV(pipe, SEARCH, cv=4).fit(X, y),
    "no refit": lambda pipe, X, y: GridSearchCV(pipe, SEARCH, cv=4, refit=False).fit(X, y),
    "halving": lambda pipe, X, y: HalvingGridSearchCV(pipe, SEARCH, cv=2).fit(X, y),
    "scores": lambda pipe, X, y: cross_val_score(pipe, X, y, cv=4),
    "validate": lambda pipe, X, y: cross_validate(pipe, X, y, cv=4, return_train_score=True),
    "predict": lambda pipe, X, y: cross_val_predict(pipe, X, y, cv=4),
}


def caught(call, *arguments):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call(*arguments)
    return [each for each in found if issubclass(each.category, EncodingWarning)]


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("halving", "predict")])
def test_a_search_gives_one_warning_that_names_every_file(problem, name):
    pipe, X, y, bad = problem
    for _ in range(2):  # the second time as well
        (warning,) = caught(CALLS[name], pipe, X, y)
        assert warning.filename == __file__
        assert all(path in str(warning.message) for path in bad)
        assert "row " not in str(warning.message)  # which would count within a fold


@pytest.mark.parametrize("name", ["halving", "predict"])
def test_each_file_is_named_once_where_loops_follow_each_other(problem, name):
    pipe, X, y, bad = problem
    found = caught(CALLS[name], pipe, X, y)
    assert 1 <= len(found) <= len(bad)
    assert all(any(path in str(each.message) for each in found) for path in bad)
    assert all(each.filename == __file__ for each in found)


def test_a_head_that_takes_no_nan_does_not_hide_the_files(problem):
    pipe, X, y, bad = problem
    search = GridSearchCV(make_pipeline(pipe[0], LogisticRegression()), SEARCH, cv=4)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="fits failed"):
            search.fit(X, y)
    text = "".join(str(each.message) for each in found if each.category is EncodingWarning)
    assert all(path in text for path in bad)


def test_a_call_of_ones_own_always_tells_with_rows(problem):
    pipe, X, _, bad = problem
    for _ in range(2):
        (warning,) = caught(pipe[0].transform, X)
        assert warning.filename == __file__
        assert f"row 11: {bad[1]}" in str(warning.message)
    (warning,) = caught(pipe[0].transform, pd.Series(X, index=np.arange(40) * 10))
    assert f"row 110: {bad[1]}" in str(warning.message)


def test_worker_processes_name_each_file_once(problem, capfd):
    pipe, X, y, bad = problem
    pipe[0].set_params(encoder="forensic", preprocess="auto", n_views=1)
    search = GridSearchCV(pipe, SEARCH, cv=4, n_jobs=2)
    (warning,) = caught(search.fit, X, y)  # of the refit, which sees all
    assert all(path in str(warning.message) for path in bad)
