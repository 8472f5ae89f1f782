"""scikit-learn's own checks, run on image paths.

`check_estimator` passes over nearly every check for an estimator that does not take a matrix. So
the matrices that the checks make are turned into picture files here, one a row, and the transformer
that is checked reads those files: the code under test is the real one, from paths to features.
"""

import inspect
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpydoc.docscrape import NumpyDocString
from PIL import Image
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from sklearn.utils.validation import validate_data

import sklearn_ssafe
from sklearn_ssafe import FrozenEncoderTransformer

from .towers import SmallTower, small_pixels

_FOLDER = tempfile.TemporaryDirectory()


def as_picture_file(row):
    """Write one row of numbers as a grey PNG of one line, and return its path."""
    row = np.ascontiguousarray(row, dtype=np.float64)
    path = Path(_FOLDER.name) / f"{sha256(row.tobytes()).hexdigest()}.png"
    if not path.exists():
        values = (128 + 40 * row).clip(0, 255).astype(np.uint8)
        Image.fromarray(np.tile(values, (8, 1))).save(path)
    return str(path)


def as_picture_files(X, matrix):
    """Write the validated rows of X, as a Series where X was a table."""
    paths = [as_picture_file(row) for row in matrix]
    return pd.Series(paths, index=X.index) if isinstance(X, pd.DataFrame) else paths


class OnPicturesOfRows(FrozenEncoderTransformer):
    """The transformer, with the rows of a matrix written to files first."""

    def __init__(self, encoder=SmallTower, *, preprocess=small_pixels, on_error="raise"):
        super().__init__(encoder, preprocess=preprocess, on_error=on_error, num_workers=1)

    @classmethod
    def _get_param_names(cls):
        return ["encoder", "on_error", "preprocess"]

    def fit(self, X, y=None):
        return super().fit(as_picture_files(X, validate_data(self, X)))

    def transform(self, X):
        return super().transform(as_picture_files(X, validate_data(self, X, reset=False)))

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        tags.input_tags.string = False
        return tags


EXPECTED = {
    "check_dict_unchanged": "failures_ tells of the last call, so transform has to set it",
}


@parametrize_with_checks([OnPicturesOfRows()], expected_failed_checks=lambda _: EXPECTED)
def test_scikit_learns_checks_on_picture_files(estimator, check):
    check(estimator)


def test_many_checks_ran():
    results = check_estimator(
        OnPicturesOfRows(), expected_failed_checks=EXPECTED, on_skip=None, on_fail=None
    )
    passed = [result["check_name"] for result in results if result["status"] == "passed"]
    assert len(passed) > 35
    for name in (
        "check_methods_subset_invariance",
        "check_methods_sample_order_invariance",
        "check_transformer_general",
        "check_pipeline_consistency",
        "check_estimators_pickle",
    ):
        assert any(name in str(check) for check in passed), name


@pytest.mark.parametrize(
    "name",
    [
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_set_output_transform_polars",
    ],
)
@pytest.mark.filterwarnings("ignore:X .*feature names")  # the checks switch containers
def test_checks_that_scikit_learn_runs_on_its_own_transformers_only(name):
    getattr(estimator_checks, name)("OnPicturesOfRows", OnPicturesOfRows())


@pytest.mark.parametrize(
    "name",
    [
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_checks_that_need_no_data_on_the_transformer_itself(name):
    getattr(estimator_checks, name)(
        "FrozenEncoderTransformer", FrozenEncoderTransformer("forensic")
    )


# Our own checks, over every public estimator ---------------------------------------------------

ESTIMATORS = [
    value
    for value in (getattr(sklearn_ssafe, name) for name in sklearn_ssafe.__all__)
    if inspect.isclass(value) and hasattr(value, "get_params")
]


def test_the_public_estimators_are_found():
    names = {"FrozenEncoderTransformer", "GeneratorCurator", "LinearProbe", "SSAFEClassifier"}
    assert {Estimator.__name__ for Estimator in ESTIMATORS} == names


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_init_only_keeps_its_parameters(Estimator):
    names = list(inspect.signature(Estimator).parameters)
    sentinels = {name: object() for name in names}
    made = Estimator(**sentinels)
    assert {name: made.__dict__[name] for name in names} == sentinels
    assert set(made.__dict__) == set(names)
    assert set(Estimator._parameter_constraints) == set(names)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_every_parameter_is_documented_with_its_default(Estimator):
    documented = {p.name: p.type for p in NumpyDocString(inspect.getdoc(Estimator))["Parameters"]}
    signature = inspect.signature(Estimator).parameters
    assert list(documented) == list(signature)
    for name, parameter in signature.items():
        default = (
            f'"{parameter.default}"' if isinstance(parameter.default, str) else parameter.default
        )
        assert f"default={default}" in documented[name]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_the_html_representation_links_to_the_page_that_autosummary_writes(Estimator):
    page = f"api/generated/{Estimator.__module__}.{Estimator.__name__}.html"
    url = f"https://sklearn-ssafe.readthedocs.io/stable/{page}"
    assert f'href="{url}"' in Estimator()._repr_html_()


def test_subclasses_of_others_and_scikit_learns_own_are_not_linked_there():
    assert "sklearn-ssafe.readthedocs.io" not in OnPicturesOfRows()._repr_html_()
    html = make_pipeline(FrozenEncoderTransformer(), StandardScaler())._repr_html_()
    assert html.count("sklearn-ssafe.readthedocs.io/stable/api/generated/") >= 1
    assert "generated/sklearn.preprocessing.StandardScaler.html" in html
