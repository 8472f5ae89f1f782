"""The hash, against a transform by hand, and on copies of pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.exceptions import ImageReadError
from sklearn_ssafe.images import read_image
from sklearn_ssafe.images.near_copies import number_near_copies, perceptual_hash
from sklearn_ssafe.images.picture import as_picture

from ..conftest import encoded, picture


def n_different(first, second):
    return int((perceptual_hash(first) != perceptual_hash(second)).sum())


def test_bits_are_those_of_cosines_written_out():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    frequency, place = np.mgrid[:16, :64]
    cosines = np.cos(np.pi * frequency * (2 * place + 1) / 128)
    cosines[0] /= np.sqrt(2)
    waves = (cosines @ pixels @ cosines.T).ravel()
    expected = waves > np.median(waves[1:])
    assert (perceptual_hash(pixels)[1:] == expected[1:]).all()
    assert not perceptual_hash(pixels)[0]


def test_copies_are_close_and_other_pictures_are_not():
    files = make_generated_images(12, image_size=192, random_state=0).X
    greys = [as_picture(file).small_grey() for file in files]
    for number, file in enumerate(files):
        image = Image.open(io.BytesIO(file))
        for copy in (
            encoded(image, quality=30),
            encoded(image.resize((96, 96)), quality=70),
            encoded(image.resize((300, 300)), "PNG"),
            encoded(image.convert("L"), "WEBP", quality=50),
        ):
            assert n_different(greys[number], as_picture(copy).small_grey()) <= 24
        for other in greys[:number]:
            assert n_different(greys[number], other) > 60


def test_small_grey_is_the_picture_shrunk():
    image = Image.fromarray(picture(size=(600, 900)))
    expected = np.asarray(image.resize((384, 256), Image.Resampling.BOX).convert("L"), dtype=float)
    for content in (encoded(image, "PNG"), encoded(image, quality=95), np.asarray(image)):
        small = as_picture(content).small_grey()
        assert small.shape == (256, 384)
        assert np.abs(small - expected).mean() < 2
    assert as_picture(encoded(picture(size=(48, 64)))).small_grey().shape == (48, 64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_small_grey_is_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(picture(size=(40, 60)), exif=exif, quality=95)
    upright = np.asarray(Image.fromarray(read_image(content)).convert("L"), dtype=float)
    small = as_picture(content).small_grey()
    assert small.shape == upright.shape
    assert np.abs(small - upright).mean() < 2


def test_a_truncated_file_is_an_error():
    with pytest.raises(ImageReadError, match="truncated"):
        as_picture(encoded(picture())[:-400]).small_grey()


def test_flat_pictures_are_no_copies_of_one_another():
    flat = [np.full((96, 96), level, np.uint8) for level in (0, 128, 128, 255)]
    noisy = np.random.default_rng(0).integers(120, 124, (256, 256), dtype=np.uint8)
    hashes = [perceptual_hash(grey) for grey in (*flat, noisy)]
    assert not np.any(hashes)
    ordinary = perceptual_hash(np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8))
    assert ordinary.any()
    numbers = number_near_copies(np.stack([*hashes, ordinary, ordinary]))
    assert len(set(numbers.tolist())) == 6
    assert numbers[-1] == numbers[-2]
