import numpy as np
import pytest
import torch

from sklearn_ssafe.encoders.loading import free_encoders, load_encoder

from ..tiny_models import embed, pictures, register


@pytest.fixture(scope="module", autouse=True)
def tiny_models():
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("tiny-vit", "tiny-siglip", "tiny-resnet", "tiny-mobileclip"):
            register(monkeypatch, name)
        yield
    free_encoders()


def load(name, **options):
    return load_encoder(name, weights="random", device="cpu", precision="fp32", **options)


def block_outputs(encoder):
    """What a forward hook on every block sees while the model runs as a whole."""
    module = encoder.tower.module
    trunk = getattr(module, "trunk", module)
    blocks = trunk.transformer.resblocks if hasattr(trunk, "transformer") else trunk.blocks
    seen = []
    hooks = [
        block.register_forward_hook(lambda _, inputs, output: seen.append(output))
        for block in blocks
    ]
    embed(encoder, pictures())
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("name", ["tiny-vit", "timm/test_vit", "tiny-siglip"])
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_blocks_are_what_a_hook_sees(name, pooling):
    tokens = block_outputs(load(name))
    if name == "tiny-siglip" and pooling == "cls":
        with pytest.raises(ValueError, match="no class token"):
            load(name, layers=0, pooling=pooling)
        return
    # The one prefix token is a class token in two of them and a register in the third.
    expected = [t[:, 0] if pooling == "cls" else t[:, 1:].mean(1) for t in tokens]
    encoder = load(name, layers="all", pooling=pooling)
    features = embed(encoder, pictures())
    assert len(expected) > 3
    assert features.shape[1] == encoder.n_features
    torch.testing.assert_close(features, torch.cat(expected, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "blocks"),
    [(1, [1]), (-1, [3]), ("penultimate", [2]), ([3, 0], [0, 3]), ((-1, 3, np.int64(1)), [1, 3])],
)
def test_choice_of_blocks(layers, blocks):
    every = embed(load("tiny-vit", layers="all"), pictures()).reshape(2, 4, 32)
    encoder = load("tiny-vit", layers=layers)
    torch.testing.assert_close(embed(encoder, pictures()), every[:, blocks].flatten(1))
    assert encoder.feature_names[0] == f"tiny-vit_block{blocks[0]:02d}_cls_0000"
    assert encoder.feature_names[-1] == f"tiny-vit_block{blocks[-1]:02d}_cls_0031"


def test_pooling_of_ones_own():
    assert load("tiny-vit", layers=0).feature_names[0] == "tiny-vit_block00_cls_0000"
    assert load("tiny-siglip", layers=0).feature_names[0] == "tiny-siglip_block00_mean_0000"


def test_names_are_unique():
    names = load("tiny-vit", layers="all").feature_names
    assert len(set(names)) == len(names) == 4 * 32


@pytest.mark.parametrize("name", ["tiny-resnet", "tiny-mobileclip"])
def test_towers_without_blocks(name):
    with pytest.raises(ValueError, match="no transformer blocks"):
        load(name, layers="all")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 4}, "0 to 3"),
        ({"layers": [0, -5]}, r"there is no \[-5\]"),
        ({"layers": "last"}, "none of 'final'"),
        ({"layers": []}, "at least one block"),
        ({"layers": [True]}, "whole number"),
        ({"layers": 1.5}, "whole number"),
        ({"pooling": "max"}, "none of"),
        ({"pooling": "mean"}, "layers=-1"),
    ],
)
def test_wrong_choices_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        load("tiny-vit", **options)
