"""What changes an embedding changes the fingerprint; what does not, does not."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sklearn_ssafe.encoders.fingerprint import NotRecognisableError
from sklearn_ssafe.encoders.loading import free_encoders, load_encoder
from sklearn_ssafe.images.picture import as_picture
from sklearn_ssafe.store import keys
from sklearn_ssafe.store.keys import Settings

from ..conftest import encoded, picture
from ..towers import PREPROCESS, NamedTower, SmallTower, small_pixels


def key(encoder="forensic", **settings):
    return Settings(load_encoder(encoder, **settings)).key


def assert_all_differ(made):
    for one, other in itertools.combinations(made, 2):
        assert made[one] != made[other], (one, other)


# Settings --------------------------------------------------------------------------------------

VIT = {"encoder": "ViT-B-32", "pretrained": "openai", "weights": "random", "precision": "fp32"}


def test_every_setting_of_a_named_encoder_that_changes_an_embedding_changes_the_key():
    changes = [
        {},
        {"pretrained": "laion2b_s34b_b79k"},  # another activation
        {"encoder": "ViT-B-16"},
        {"precision": "bf16"},
        {"layers": "pre_projection"},
        {"layers": -1},
        {"layers": [-1, -2]},
        {"layers": -1, "pooling": "mean"},
        {"preprocess": "squash"},
        {"preprocess": "center_crop"},
        {"preprocess": "crops", "n_views": 3},
        {"preprocess": {"mean": (0.4, 0.4, 0.4)}},
        {"preprocess": {"interpolation": "bilinear"}},
        {"preprocess": prepare},
    ]
    made = {str(change): key(**{**VIT, **change}) for change in changes}
    free_encoders()
    assert_all_differ(made)
    assert key(**VIT) == made["{}"]
    assert key(**{**VIT, "layers": [10, 11]}) == made[str({"layers": [-1, -2]})]
    free_encoders()


def test_one_weight_changes_the_key():
    encoder = load_encoder(**VIT)
    before = Settings(encoder).key
    with torch.no_grad():
        encoder.tower.module.conv1.weight[0, 0, 0, 0] += 1e-3
    encoder.tower.__dict__.pop("weights_hash")
    assert Settings(encoder).key != before
    free_encoders()


def test_the_number_of_crops_and_the_formulas_change_the_key_of_the_embedded_encoder(monkeypatch):
    from sklearn_ssafe.encoders.forensic import encoder

    before = key()
    assert key(n_views=4) == before
    assert key(n_views=2) != before
    monkeypatch.setattr(encoder, "_hash_of_formulas", lambda: "others")
    assert key() != before


def test_another_decoder_changes_the_key(monkeypatch):
    before = key()
    keys._decoders.cache_clear()
    version = keys.version
    monkeypatch.setattr(keys, "version", lambda p: "99" if p == "simplejpeg" else version(p))
    changed = key()
    keys._decoders.cache_clear()
    assert changed != before


def test_the_key_is_the_same_in_another_process():
    script = (
        "from tests.encoders.test_fingerprint import *\n"
        "print(key(NamedTower, preprocess=prepare).hex(), key().hex())"
    )
    path = os.pathsep.join([str(Path(__file__).parents[2]), *(p for p in sys.path if p)])
    for seed in "12":
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True
        )
        expected = [key(NamedTower, preprocess=prepare).hex(), key().hex()]
        assert done.stdout.split() == expected, done.stderr


def test_the_description_is_json():
    settings = Settings(load_encoder(NamedTower, preprocess=prepare))
    assert json.loads(json.dumps(settings.description))["encoder"] == "NamedTower"


# A user's own code -----------------------------------------------------------------------------


def prepare(image):
    return small_pixels(image)


prepare.fingerprint = "16 x 16"


def test_own_code_is_known_by_the_fingerprint_that_it_is_given():
    with pytest.raises(NotRecognisableError, match="a module of your own"):
        key(SmallTower, preprocess=prepare)
    with pytest.raises(NotRecognisableError, match="a preprocessing function of your own"):
        key(NamedTower, preprocess=small_pixels)
    before = key(NamedTower, preprocess=prepare)
    assert key(NamedTower(), preprocess=prepare) == before
    other = NamedTower()
    other.fingerprint = "another"
    assert key(other, preprocess=prepare) != before


def test_a_module_that_is_trained_on_gets_another_key():
    module = NamedTower().eval()
    before = key(module, preprocess=PREPROCESS)
    module.kernel.data.add_(1e-3)
    assert key(module, preprocess=PREPROCESS) != before


# Content ---------------------------------------------------------------------------------------


def test_pixels_are_known_by_shape_and_values():
    pixels = picture(0, (12, 20))
    made = {
        "pixels": as_picture(pixels).digest(),
        "other": as_picture(picture(1, (12, 20))).digest(),
        "shape": as_picture(pixels.reshape(20, 12, 3)).digest(),
        "grey": as_picture(pixels[:, :, 0]).digest(),
        "file": as_picture(encoded(pixels, "PNG")).digest(),
    }
    assert_all_differ(made)
    assert as_picture(np.asfortranarray(pixels)).digest() == made["pixels"]
