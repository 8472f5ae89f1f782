"""Batches that are dealt to several devices, and wait there, come back in order."""

import numpy as np
import pytest

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoders import loading
from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.encoders.several_devices import SeveralDevices

from ..towers import PREPROCESS, SmallTower


def noting(calls, number, encode):
    def encode_and_note(views):
        calls.append(number)
        return encode(views)

    return encode_and_note


@pytest.mark.parametrize("n_in_flight", [1, 2, 5])
def test_all_take_their_turn_and_rows_keep_their_order(picture_files, monkeypatch, n_in_flight):
    work = FrozenEncoderTransformer(
        SmallTower, preprocess=PREPROCESS, batch_size=2, cache=None, verbose=False
    )
    expected = work.transform(picture_files)
    calls = []

    def three_devices(*args, **settings):
        encoders = [load_encoder(*args, **settings) for _ in range(3)]
        for number, encoder in enumerate(encoders):
            encoder.n_in_flight = n_in_flight
            encoder.encode = noting(calls, number, encoder.encode)
        return SeveralDevices(encoders)

    monkeypatch.setattr("sklearn_ssafe.encoding.transformer.load_encoder", three_devices)
    np.testing.assert_allclose(work.transform(picture_files), expected, atol=1e-6)
    assert calls == [0, 1, 2, 0, 1]


def test_it_is_recognised_as_the_encoder_it_is(monkeypatch):
    one = load_encoder("forensic")
    monkeypatch.setattr(loading, "resolve_devices", lambda device: ["cpu", "cpu"])
    several = load_encoder("forensic", device="cuda")
    assert isinstance(several, SeveralDevices)
    assert several.fingerprint == one.fingerprint
    assert several.normalize_by_default == one.normalize_by_default
    assert several.feature_names.tolist() == one.feature_names.tolist()
