"""What changes an embedding changes the fingerprint; what does not, does not."""

import functools
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sklearn_ssafe.encoders.fingerprint import NotRecognisableError, hash_of_code
from sklearn_ssafe.encoders.loading import free_encoders, load_encoder
from sklearn_ssafe.store import keys
from sklearn_ssafe.store.keys import Settings, hash_of_content, hash_of_pixels

from .conftest import encoded, picture
from .towers import PREPROCESS, SmallTower, small_pixels


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
        {"preprocess": small_pixels},
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
        "from tests.test_fingerprint import *\n"
        "print(key(SmallTower, preprocess=small_pixels).hex(), key().hex())"
    )
    path = os.pathsep.join([str(Path(__file__).parents[1]), *(p for p in sys.path if p)])
    for seed in "12":
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True
        )
        expected = [key(SmallTower, preprocess=small_pixels).hex(), key().hex()]
        assert done.stdout.split() == expected, done.stderr


def test_the_description_is_json():
    settings = Settings(load_encoder(SmallTower, preprocess=small_pixels))
    assert json.loads(json.dumps(settings.description))["encoder"] == "SmallTower"


# A user's own code -----------------------------------------------------------------------------

SIZE = 16


def _resized(image):
    return image.resize((SIZE, SIZE))


class Scale:
    factor = 2.0

    def __init__(self, shift=0.0):
        self.shift = shift

    def __call__(self, image):
        return self.factor * np.asarray(_resized(image)) + self.shift


def test_own_code_is_told_apart_by_all_that_it_uses(monkeypatch):
    def with_closure(shift):
        return lambda image: np.asarray(image) + shift

    def with_default(image, shift=1):
        return np.asarray(image) + shift

    made = {
        "function": hash_of_code(_resized),
        "closure 1": hash_of_code(with_closure(1)),
        "closure 2": hash_of_code(with_closure(2)),
        "closure [1]": hash_of_code(with_closure([1])),
        "default": hash_of_code(with_default),
        "partial": hash_of_code(functools.partial(with_default, shift=2)),
        "other partial": hash_of_code(functools.partial(with_default, shift=3)),
        "object": hash_of_code(Scale()),
        "other object": hash_of_code(Scale(1.0)),
        "method": hash_of_code(Scale().__call__),
        "constant": hash_of_code(lambda image: np.asarray(image) + 5),
        "array": hash_of_code(with_closure(np.zeros(3))),
        "other array": hash_of_code(with_closure(np.ones(3))),
        "tensor": hash_of_code(with_closure(torch.zeros(3))),
        "other tensor": hash_of_code(with_closure(torch.ones(3))),
        "library": hash_of_code(torch.nn.Conv2d(3, 3, 3).requires_grad_(False)),
    }
    monkeypatch.setattr(sys.modules[__name__], "SIZE", 17)
    made["global"] = hash_of_code(_resized)
    made["global of a function that is called"] = hash_of_code(Scale())
    monkeypatch.undo()
    monkeypatch.setattr(Scale, "factor", 3.0)
    made["attribute of the class"] = hash_of_code(Scale())
    monkeypatch.undo()
    assert_all_differ(made)
    assert hash_of_code(_resized) == made["function"]
    assert hash_of_code(with_closure(1)) == made["closure 1"]
    assert hash_of_code(Scale()) == made["object"]


class Configured(SmallTower):
    def __init__(self, gain=1.0):
        super().__init__()
        self.gain = gain
        self.register_buffer("offset", torch.zeros(1), persistent=False)

    def forward(self, pixels):
        return self.gain * super().forward(pixels) + self.offset


def test_a_module_is_told_apart_by_weights_buffers_attributes_and_code():
    offset = Configured()
    offset.offset += 1
    weight = Configured()
    with torch.no_grad():
        weight.kernel[0, 0, 0, 0] += 1
    hooked = Configured()
    hooked.register_forward_hook(lambda module, args, output: output + 1)
    modules = {
        "module": Configured(),
        "attribute": Configured(2.0),
        "buffer": offset,
        "weight": weight,
        "hook": hooked,
        "class": SmallTower(),
    }
    assert_all_differ({name: key(m, preprocess=PREPROCESS) for name, m in modules.items()})
    assert key(Configured, preprocess=PREPROCESS) == key(Configured(), preprocess=PREPROCESS)


def test_a_module_that_is_trained_on_gets_another_key():
    module = Configured().eval()
    before = key(module, preprocess=PREPROCESS)
    module.kernel.data.add_(1e-3)
    assert key(module, preprocess=PREPROCESS) != before


def test_counting_changes_nothing():
    log, table = [], {"n": 0}

    class Counting(SmallTower):
        n_of_class = 0

        def __init__(self):
            super().__init__()
            self.n = 0

        def forward(self, pixels):
            log.append(len(pixels))
            table["n"] += 1
            self.n += 1
            type(self).n_of_class += 1
            return super().forward(pixels)

    def preprocess(image):
        log.append(image.size)
        return small_pixels(image)

    for encoder in (Counting, Counting().eval()):
        before = key(encoder, preprocess=preprocess)
        loaded = load_encoder(encoder, preprocess=preprocess)
        view = loaded.prepare(np.zeros((20, 20, 3), np.uint8))
        loaded.encode(torch.from_numpy(view[None]))
        assert key(encoder, preprocess=preprocess) == before


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_what_hides_its_state_is_refused():
    generator = np.random.default_rng(0)
    with pytest.raises(NotRecognisableError, match="Generator"):
        hash_of_code(lambda image: np.asarray(image) + generator.normal())
    with pytest.raises(NotRecognisableError):
        hash_of_code(torch.jit.script(torch.nn.ReLU()))


# Content ---------------------------------------------------------------------------------------


def test_pixels_are_known_by_shape_and_values():
    pixels = picture(0, (12, 20))
    made = {
        "pixels": hash_of_pixels(pixels),
        "other": hash_of_pixels(picture(1, (12, 20))),
        "shape": hash_of_pixels(pixels.reshape(20, 12, 3)),
        "grey": hash_of_pixels(pixels[:, :, 0]),
        "file": hash_of_content(encoded(pixels, "PNG")),
    }
    assert_all_differ(made)
    assert hash_of_pixels(np.asfortranarray(pixels)) == made["pixels"]
