import os
import pickle
import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sklearn_ssafe.encoders.weights import (
    FOLDER_ORDER,
    WeightsFileError,
    WeightsNotFoundError,
    find_weights_file,
    read_checkpoint,
)

STATE = {"visual.a": torch.arange(6.0).reshape(2, 3), "text.b": torch.ones(4)}


def test_folder_order(tmp_path):
    for name in reversed(FOLDER_ORDER):
        (tmp_path / name).touch()
        assert find_weights_file(tmp_path) == (tmp_path / name).resolve()


def test_folder_with_one_file_of_another_name(tmp_path):
    (tmp_path / "README.md").touch()
    (tmp_path / "tuned.pth").touch()
    assert find_weights_file(tmp_path).name == "tuned.pth"
    assert find_weights_file(str(tmp_path / "tuned.pth")).name == "tuned.pth"
    (tmp_path / "model-00001-of-00002.safetensors").touch()
    with pytest.raises(WeightsFileError, match=r"several weights files \(model-00001"):
        find_weights_file(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(WeightsNotFoundError, match=r"holds no \.safetensors"):
        find_weights_file(tmp_path)
    with pytest.raises(WeightsNotFoundError, match="no such file or folder"):
        find_weights_file(tmp_path / "absent")
    assert issubclass(WeightsNotFoundError, OSError)


def test_safetensors_reads_only_what_is_wanted(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    state = read_checkpoint(tmp_path / "w.safetensors", lambda name: name.startswith("visual."))
    assert list(state) == ["visual.a"]
    assert torch.equal(state["visual.a"], STATE["visual.a"])


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_pytorch_files(tmp_path, legacy, wrapper):
    prefixed = {f"module._orig_mod.{name}": tensor for name, tensor in STATE.items()}
    content = prefixed if wrapper is None else {wrapper: prefixed, "epoch": 1}
    torch.save(content, tmp_path / "w.pt", _use_new_zipfile_serialization=not legacy)
    state = read_checkpoint(tmp_path / "w.pt")
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[name], STATE[name]) for name in STATE)


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_code_in_a_file_is_not_run(tmp_path, writer):
    sprung = tmp_path / "sprung"
    if writer == "torch":
        torch.save({"a": Trap(sprung)}, tmp_path / "w.pt")
    else:
        (tmp_path / "w.pt").write_bytes(pickle.dumps({"a": Trap(sprung)}))
    with pytest.raises(WeightsFileError, match="would run code stored in it"):
        read_checkpoint(tmp_path / "w.pt")
    assert not sprung.exists()


@pytest.mark.filterwarnings("ignore:.torch.jit")
def test_torchscript_is_refused_with_a_way_out(tmp_path):
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(tmp_path / "w.pt")
    with pytest.raises(WeightsFileError, match="TorchScript program"):
        read_checkpoint(tmp_path / "w.pt")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
@pytest.mark.parametrize("kept", [0, 7, 60])
def test_truncated_files_are_named(tmp_path, name, kept):
    file = tmp_path / name
    if name.endswith("pt"):
        torch.save(STATE, file)
    else:
        save_file(STATE, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * kept // 100])
    with pytest.raises(WeightsFileError, match=re.escape(str(file))):
        read_checkpoint(file)


def test_other_contents_are_named(tmp_path):
    torch.save([1, 2], tmp_path / "w.pt")
    with pytest.raises(WeightsFileError, match="holds a list"):
        read_checkpoint(tmp_path / "w.pt")
    np.savez(tmp_path / "w.npz", a=np.zeros(2))
    with pytest.raises(WeightsFileError, match="NumPy archives"):
        read_checkpoint(tmp_path / "w.npz")


def test_a_copied_hub_cache_is_read_through_its_links(tmp_path):
    tensors = {"a": torch.arange(3.0)}
    blob = tmp_path / "blobs" / "0a1b2c"
    blob.parent.mkdir()
    save_file(tensors, blob)
    snapshot = tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").symlink_to(blob)
    for weights in (snapshot, snapshot / "model.safetensors", blob):
        state = read_checkpoint(find_weights_file(weights))
        torch.testing.assert_close(state["a"], tensors["a"])
