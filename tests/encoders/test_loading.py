import os
import threading

import numpy as np
import pytest
import timm
import torch

from sklearn_ssafe.encoders import timm_tower
from sklearn_ssafe.encoders.loading import free_encoders, load_encoder

from ..tiny_models import embed, pictures, trained_looking

NAME = "timm/test_vit"


@pytest.fixture(autouse=True)
def forget():
    free_encoders()
    yield
    free_encoders()


@pytest.fixture
def loads(monkeypatch):
    """Counts how often a tower is really loaded."""
    calls = []
    load = timm_tower.load_timm_tower

    def count(*arguments):
        calls.append(arguments)
        return load(*arguments)

    monkeypatch.setattr(timm_tower, "load_timm_tower", count)
    return calls


def load(**options):
    options = {"weights": "random", "device": "cpu", "precision": "fp32"} | options
    return load_encoder(NAME, **options)


def test_one_tower_for_all_that_differ_in_lighter_choices(loads):
    towers = {
        id(encoder.tower)
        for encoder in (
            load(),
            load(layers="all", pooling="mean"),
            load(preprocess="crops", n_views=3),
            load_encoder("test_vit.r160_in1k", weights="random", device="cpu", precision="fp32"),
        )
    }
    assert len(towers) == len(loads) == 1


def test_another_tower_for_another_precision(loads):
    assert load().tower is not load(precision="bf16").tower
    assert len(loads) == 2


def test_threads_load_once(loads):
    start = threading.Barrier(4)
    towers = []

    def work():
        start.wait()
        towers.append(load().tower)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert all(tower is towers[0] for tower in towers)


def test_freed_encoders_are_loaded_anew(loads):
    first = load()
    free_encoders()
    assert load().tower is not first.tower
    assert embed(first, pictures()).shape == (2, first.n_features)


def test_changed_file_is_read_again(tmp_path):
    file = tmp_path / "weights.pt"
    outputs = []
    for seed in (0, 1):
        torch.save(trained_looking(timm.create_model("test_vit"), seed).state_dict(), file)
        os.utime(file, ns=(seed, seed))
        encoder = load(weights=file)
        outputs.append(embed(encoder, pictures()))
        assert load(weights=str(file)).tower is encoder.tower
    assert not torch.allclose(outputs[0], outputs[1], atol=1e-3)


def test_weights_hash_tells_weights_apart(tmp_path):
    state = trained_looking(timm.create_model("test_vit", num_classes=0)).state_dict()
    torch.save(state, tmp_path / "a.pt")
    torch.save({"state_dict": state}, tmp_path / "b.pt")
    state["norm.weight"][3] += 1
    torch.save(state, tmp_path / "c.pt")
    a, b, c = (load(weights=tmp_path / f"{name}.pt").weights_hash for name in "abc")
    assert a == b != c
    assert len(a) == 64
    # It tells what is computed with, so the number format is a part of it.
    half = load(weights=tmp_path / "a.pt", precision="bf16", layers="all")
    assert half.weights_hash not in (a, c)
    assert load(weights=tmp_path / "a.pt", layers="all").weights_hash == a


def test_a_pictures_features_do_not_depend_on_its_neighbours():
    encoder = load(preprocess="crops", n_views=2)
    images = pictures()
    together = embed(encoder, images)
    alone = torch.cat([embed(encoder, [image]) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_features_are_float32_on_the_cpu_without_gradient():
    features = embed(load(precision="bf16"), pictures())
    assert (features.dtype, features.device.type) == (torch.float32, "cpu")
    assert not features.requires_grad
    assert np.isfinite(features.numpy()).all()


def test_forensic_encoder():
    from sklearn_ssafe.encoders.forensic import ForensicEncoder

    encoder = load_encoder("forensic", n_views=3, device="cpu")
    assert isinstance(encoder, ForensicEncoder)
    assert encoder.prepare(pictures()[0]).shape[0] == 3
    assert load_encoder("forensic").n_views == ForensicEncoder().n_views


@pytest.mark.parametrize(
    "option",
    [
        {"pretrained": "openai"},
        {"weights": "random"},
        {"layers": "all"},
        {"layers": [1, 2]},
        {"pooling": "mean"},
        {"preprocess": "squash"},
    ],
)
def test_forensic_encoder_has_nothing_to_choose(option):
    with pytest.raises(ValueError, match=rf"{next(iter(option))}=.* with encoder='forensic'"):
        load_encoder("forensic", **option)


def test_cuda_gives_the_same_features():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    cuda = load(device="cuda")
    torch.testing.assert_close(
        embed(cuda, pictures()), embed(load(), pictures()), rtol=1e-2, atol=1e-2
    )
