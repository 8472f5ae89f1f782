"""A compiled tower gives the same features, and a compiler that fails costs a warning."""

import numpy as np
import pytest
import torch

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoders import free_encoders
from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.encoding.engine import is_worth_compiling

from ..towers import PREPROCESS, SmallTower


def transformer(**settings):
    return FrozenEncoderTransformer(
        SmallTower, preprocess=PREPROCESS, cache=None, verbose=False, batch_size=4, **settings
    )


def test_the_features_are_the_same_and_it_is_compiled_once(picture_files, monkeypatch):
    free_encoders()
    compiled, calls = torch.compile, []

    def eager(function, **options):  # all but the code generation, which takes long
        calls.append(function)
        return compiled(function, backend="eager", **options)

    monkeypatch.setattr(torch, "compile", eager)
    expected = transformer(compile=False).transform(picture_files)
    for _ in range(2):
        rows = transformer(compile=True).transform(picture_files)
        np.testing.assert_allclose(rows, expected, atol=1e-6)
    assert len(calls) == 1
    free_encoders()


def test_a_compiler_that_fails_costs_a_warning(picture_files, monkeypatch):
    free_encoders()

    def fails(pixels):
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(torch, "compile", lambda function, **options: fails)
    expected = transformer(compile=False).transform(picture_files)
    with pytest.warns(RuntimeWarning, match="no C\\+\\+ compiler"):
        rows = transformer(compile=True).transform(picture_files)
    np.testing.assert_array_equal(rows, expected)
    free_encoders()


def test_auto_compiles_for_many_pictures_on_a_gpu_only():
    encoder = load_encoder(SmallTower, preprocess=PREPROCESS)
    assert not is_worth_compiling(encoder, 10**7)
    encoder.device = torch.device("cuda:0")
    assert is_worth_compiling(encoder, 10**7)
    assert not is_worth_compiling(encoder, 1000)
