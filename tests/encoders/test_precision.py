import pytest
import torch

from sklearn_ssafe.encoders import precision
from sklearn_ssafe.encoders.precision import resolve_device, resolve_devices, resolve_precision


def test_device_auto_takes_what_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert resolve_device("auto") == torch.device("cuda:0")


def test_device_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert resolve_device("cpu") == resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert resolve_device("cuda:0") == torch.device("cuda:0")
    assert resolve_device("cuda") == torch.device("cuda:1")
    with pytest.raises(ValueError, match="2 CUDA devices"):
        resolve_device("cuda:2")


def test_several_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    cuda = [torch.device("cuda", index) for index in range(3)]
    assert resolve_devices("cuda") == cuda
    assert resolve_devices(["cuda:2", "cuda:0", "cuda:2"]) == [cuda[2], cuda[0]]
    assert resolve_devices("cuda:1") == [cuda[1]]
    assert resolve_devices("cpu") == [torch.device("cpu")]
    for wrong in (["cpu", "cuda:0"], []):
        with pytest.raises(ValueError, match="of one kind"):
            resolve_devices(wrong)


@pytest.mark.parametrize(("device", "message"), [("gpu", "not a device"), (3.5, "not a device")])
def test_device_that_means_nothing(device, message):
    with pytest.raises(ValueError, match=message):
        resolve_device(device)


def test_device_that_is_not_here(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for device in ("cuda", "mps"):
        with pytest.raises(ValueError, match="device='auto'"):
            resolve_device(device)


@pytest.mark.parametrize(
    ("line", "dtype"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 aes", torch.bfloat16),
        ("flags\t\t: fpu avx512f amx_bf16", torch.bfloat16),
        ("Features\t: fp asimd bf16", torch.bfloat16),
        ("flags\t\t: fpu avx2", torch.float32),
        ("no such line", torch.float32),
    ],
)
def test_precision_auto_on_a_cpu(line, dtype, tmp_path, monkeypatch):
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this PyTorch has no oneDNN")
    monkeypatch.setattr(precision, "_CPU_FLAGS", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}\n\nprocessor\t: 1\n{line}\n")
    assert resolve_precision("auto", "cpu") == dtype


def test_precision_auto_where_flags_are_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "_CPU_FLAGS", tmp_path / "absent")
    assert resolve_precision("auto", "cpu") == torch.float32
    assert resolve_precision("auto", "mps") == torch.float32


@pytest.mark.parametrize(
    ("capability", "dtype"), [((7, 5), torch.float32), ((8, 0), torch.bfloat16)]
)
def test_precision_auto_on_cuda(capability, dtype, monkeypatch):
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert resolve_precision("auto", "cuda:0") == dtype


def test_precision_named():
    assert resolve_precision("fp32", "cpu") == torch.float32
    assert resolve_precision("bf16", "cpu") == torch.bfloat16
    assert resolve_precision("fp16", "cuda:0") == torch.float16
    with pytest.raises(ValueError, match="needs a CUDA device"):
        resolve_precision("fp16", "cpu")
    with pytest.raises(ValueError, match="'fp32', 'bf16' or 'fp16'"):
        resolve_precision("float32", "cpu")
