"""Several encoders in one transformer: their columns, their caches, their failures."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.exceptions import EncodingError, EncodingWarning

BOTH = ["efficientnet_lite0", "forensic"]


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (3, 40, 50, 3), dtype=np.uint8))


def test_columns_stand_side_by_side_under_the_names_of_their_encoders(pictures):
    both = FrozenEncoderTransformer(BOTH, device="cpu")
    parts = [FrozenEncoderTransformer(name, device="cpu") for name in BOTH]
    rows = both.fit_transform(pictures)
    np.testing.assert_array_equal(rows, np.hstack([part.transform(pictures) for part in parts]))
    names = [f"{part.encoder}__{name}" for part in parts for name in part.get_feature_names_out()]
    assert both.get_feature_names_out().tolist() == names
    assert both.n_features_out_ == len(names) == rows.shape[1]
    assert both.failures_.empty


def test_each_ones_rows_are_scaled_by_themselves(pictures):
    rows = FrozenEncoderTransformer(BOTH, device="cpu", normalize=True).transform(pictures)
    for part in np.split(rows, [2848], axis=1):
        np.testing.assert_allclose(np.linalg.norm(part, axis=1), 1, rtol=1e-5)


def test_each_encoder_finds_its_own_rows_in_the_cache(pictures, tmp_path, monkeypatch):
    from sklearn_ssafe.encoders.efficientnet_lite import EfficientNetLiteEncoder
    from sklearn_ssafe.encoders.forensic import ForensicEncoder

    encoded = []
    for kind in (EfficientNetLiteEncoder, ForensicEncoder):
        monkeypatch.setattr(kind, "encode", counting(kind.encode, encoded))
    settings = {"device": "cpu", "cache": tmp_path / "cache"}
    FrozenEncoderTransformer("forensic", **settings).transform(pictures)
    assert encoded == [("forensic", 3)]
    both = FrozenEncoderTransformer(BOTH, **settings).transform(pictures)
    assert encoded[1:] == [("efficientnet_lite0", 3)]
    alone = FrozenEncoderTransformer("efficientnet_lite0", **settings).transform(pictures)
    again = FrozenEncoderTransformer(BOTH[::-1], **settings).transform(pictures)
    assert len(encoded) == 2
    np.testing.assert_array_equal(both[:, :2848], alone)
    np.testing.assert_array_equal(again[:, -2848:], alone)


def counting(encode, encoded):
    def count(self, views):
        encoded.append((self.name, len(views)))
        return encode(self, views)

    return count


def test_a_picture_that_cannot_be_read_fails_once(pictures, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    transformer = FrozenEncoderTransformer(BOTH, device="cpu", on_error="nan")
    with pytest.warns(EncodingWarning, match="1 of 4"):
        rows = transformer.transform([pictures[0], bad, *pictures[1:]])
    assert transformer.failures_["row"].tolist() == [1]
    assert np.isnan(rows[1]).all()
    assert np.isfinite(rows[[0, 2, 3]]).all()
    with pytest.raises(EncodingError, match="1 of 4"):
        transformer.set_params(on_error="raise").transform([pictures[0], bad, *pictures[1:]])


def test_what_one_encoder_cannot_do_costs_the_whole_row(pictures, monkeypatch):
    from sklearn_ssafe.encoders.forensic import ForensicEncoder

    prepare = ForensicEncoder.prepare

    def fails_on_dark_pictures(self, image):
        if image.max() == 0:
            raise ValueError("too dark")
        return prepare(self, image)

    monkeypatch.setattr(ForensicEncoder, "prepare", fails_on_dark_pictures)
    dark = np.zeros((40, 50, 3), dtype=np.uint8)
    transformer = FrozenEncoderTransformer(BOTH, device="cpu", on_error="nan", cache=None)
    with pytest.warns(EncodingWarning):
        rows = transformer.transform([dark, *pictures])
    assert np.isnan(rows).all(axis=1).tolist() == [True, False, False, False]
    (reason,) = transformer.failures_["reason"]
    assert "could not be prepared for forensic: ValueError: too dark" in reason


def test_clones_and_pickles(pictures):
    transformer = FrozenEncoderTransformer(BOTH, device="cpu")
    rows = transformer.fit_transform(pictures)
    for copy in (clone(transformer), pickle.loads(pickle.dumps(transformer))):
        assert copy.get_params()["encoder"] == BOTH
        np.testing.assert_array_equal(copy.transform(pictures), rows)


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (["forensic"], {}, "two or more and each once"),
        (["forensic", "forensic"], {}, "two or more and each once"),
        (["forensic", FrozenEncoderTransformer()], {}, "given by their names"),
        (["forensic", "forensics"], {}, "'forensics' is not a known encoder"),
        (BOTH, {"layers": "all"}, "layers='all' .* said for which of them"),
        (BOTH, {"weights": "random"}, "weights='random' .* said for which of them"),
        (BOTH, {"pretrained": "openai"}, "pretrained='openai' .* said for which of them"),
        (BOTH, {"preprocess": "squash"}, "preprocess='squash' .* said for which of them"),
        (BOTH, {"precision": "bf16"}, "precision='bf16' with encoder='forensic'"),
    ],
)
def test_what_cannot_stand_side_by_side_is_an_error(pictures, encoder, options, message):
    with pytest.raises(ValueError, match=message):
        FrozenEncoderTransformer(encoder, device="cpu", **options).fit(pictures)


def test_the_number_of_crops_is_that_of_all(pictures):
    rows = FrozenEncoderTransformer(BOTH, n_views=1, device="cpu").transform(pictures)
    alone = FrozenEncoderTransformer("forensic", n_views=1, device="cpu").transform(pictures)
    np.testing.assert_array_equal(rows[:, 2848:], alone)
