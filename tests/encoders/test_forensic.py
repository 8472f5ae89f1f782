"""The embedded encoder as a whole: shape, names, determinism, odd pictures."""

import warnings

import numpy as np
import pytest
import torch

from sklearn_ssafe.encoders.forensic import FAMILIES, ForensicEncoder
from sklearn_ssafe.encoders.forensic.crops import crop_starts, mirror_to_size, native_crops


@pytest.fixture(scope="module")
def encoder():
    """One encoder for all tests: it has no state."""
    return ForensicEncoder()


def noise_picture(seed, height=300, width=280):
    """White noise around mid-grey."""
    rng = np.random.default_rng(seed)
    return rng.normal(128, 20, (height, width, 3)).clip(0, 255).astype(np.uint8)


def encode(encoder, *pictures):
    """Features of a batch of pictures as an array."""
    views = np.stack([encoder.prepare(picture) for picture in pictures])
    return encoder.encode(torch.from_numpy(views)).numpy()


def column(encoder, features, name):
    """Values of the column called `name`."""
    return features[:, list(encoder.feature_names).index(name)]


def test_names_are_unique_and_one_for_each_column(encoder):
    features = encode(encoder, noise_picture(0))
    assert features.dtype == np.float32
    assert features.shape == (1, encoder.n_features)
    assert len(set(encoder.feature_names)) == encoder.n_features
    assert len(encoder.feature_families) == encoder.n_features
    assert set(encoder.feature_families) == set(FAMILIES)


def test_same_picture_twice_gives_the_same_bits(encoder):
    np.testing.assert_array_equal(
        encode(encoder, noise_picture(1)), encode(ForensicEncoder(), noise_picture(1))
    )


def test_features_do_not_depend_on_the_batch(encoder):
    pictures = [noise_picture(0), np.zeros((5, 7, 3), np.uint8), noise_picture(1, 64, 400)]
    together = encode(encoder, *pictures)
    alone = np.concatenate([encode(encoder, picture) for picture in pictures])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
    np.testing.assert_allclose(encode(encoder, *pictures[::-1])[::-1], together, rtol=0, atol=1e-5)


def test_families_computed_for_a_whole_batch_equal_those_of_one_picture(encoder):
    # On an accelerator the whole batch is computed at once; check that code on the CPU.
    views = torch.from_numpy(
        np.stack([encoder.prepare(p) for p in (noise_picture(0), noise_picture(1)[:90, :90])])
    )
    np.testing.assert_allclose(
        encoder._encode_chunk(views).numpy(), encoder.encode(views).numpy(), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 1, 3), np.uint8),
        np.full((1, 1, 3), 255, np.uint8),
        np.full((300, 300, 3), 255, np.uint8),
        np.full((256, 256, 3), 77, np.uint8),
        np.full((1, 900, 3), (255, 0, 0), np.uint8),
        (np.indices((260, 260)).sum(0)[..., None].repeat(3, 2) % 2 * 255).astype(np.uint8),
        np.random.default_rng(0).integers(0, 2, (300, 300, 3), dtype=np.uint8) * 255,
    ],
    ids=["1x1 black", "1x1 white", "white", "grey", "one row", "checkerboard", "extreme noise"],
)
def test_odd_pictures_give_finite_small_features(encoder, picture):
    features = encode(encoder, picture)
    assert np.isfinite(features).all()
    assert np.abs(features).max() < 2.5


def test_typical_features_are_of_order_one(encoder):
    features = encode(encoder, *(noise_picture(seed) for seed in range(3)))
    assert np.abs(features).max() < 1


def test_nearest_neighbour_upsampling_is_told_from_white_noise(encoder):
    white = [noise_picture(seed) for seed in range(3)]
    upsampled = [noise_picture(seed, 150, 140).repeat(2, 0).repeat(2, 1) for seed in range(3)]
    features = encode(encoder, *white, *upsampled)
    for name in ("npr_equal_share_horizontal", "npr_equal_share_vertical"):
        values = column(encoder, features, name)
        assert values[3:].min() > 10 * values[:3].max()


def test_default_logistic_regression_converges_on_raw_features(encoder):
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    pictures, labels = [], []
    for seed in range(40):
        smooth = rng.normal(128, 30, (33, 33, 3)).repeat(8, 0).repeat(8, 1)
        strength = rng.uniform(1, 10)
        picture = smooth + rng.normal(0, strength, smooth.shape)
        pictures.append(picture.clip(0, 255).astype(np.uint8))
        labels.append(seed % 2)
    features = encode(encoder, *pictures)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LogisticRegression().fit(features, labels)


def test_encoding_leaves_the_number_of_threads_alone(encoder):
    before = torch.get_num_threads()
    encode(encoder, noise_picture(0), noise_picture(1))
    assert torch.get_num_threads() == before


def test_views_are_native_pixels_on_the_jpeg_grid():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (700, 521, 3), dtype=np.uint8)
    crops = native_crops(picture, 4)
    tops, lefts = crop_starts(700, 2), crop_starts(521, 2)
    assert all(start % 8 == 0 for start in tops + lefts)
    expected = {picture[t : t + 256, u : u + 256].tobytes() for t in tops for u in lefts}
    assert {crop.tobytes() for crop in crops} == expected


@pytest.mark.parametrize("n_views", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("shape", [(1, 1), (256, 256), (100, 2000), (769, 1025)])
def test_every_picture_gives_the_same_shape(n_views, shape):
    views = ForensicEncoder(n_views=n_views).prepare(np.zeros((*shape, 3), np.uint8))
    assert views.shape == (n_views, 256, 256, 3)
    assert views.dtype == np.uint8


def test_one_view_is_the_centre():
    picture = np.random.default_rng(0).integers(0, 256, (512, 1024, 3), dtype=np.uint8)
    view = native_crops(picture, 1)[0]
    np.testing.assert_array_equal(view, picture[128:384, 384:640])


def test_small_pictures_are_mirrored():
    picture = np.random.default_rng(0).integers(0, 256, (3, 300, 3), dtype=np.uint8)
    mirrored = mirror_to_size(picture)
    assert mirrored.shape == (256, 300, 3)
    np.testing.assert_array_equal(mirrored[:3], picture)
    np.testing.assert_array_equal(mirrored[3:6], picture[::-1])
    np.testing.assert_array_equal(mirrored[6:9], picture)


def test_no_views_is_an_error():
    with pytest.raises(ValueError, match="n_views must be at least 1, got 0"):
        ForensicEncoder(n_views=0)
