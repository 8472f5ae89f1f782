"""Where a tower runs and in which number format."""

import re
from pathlib import Path

import torch

_PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_CPU_FLAGS = Path("/proc/cpuinfo")

# What PyTorch raises when a device has too little memory, under its name before and since 2.5.
OutOfDeviceMemory = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)


def resolve_device(device="auto"):
    """Turn the `device` parameter into a device that exists here."""
    if isinstance(device, str) and device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device={device!r} is not a device. Use 'auto', 'cpu', 'cuda', 'cuda:1', 'mps' or a "
            "torch.device."
        ) from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise ValueError(
                f"device='{device}' was asked for, but PyTorch sees {count} CUDA devices here. "
                "Use device='auto' or 'cpu'."
            )
        if device.index is None:
            device = torch.device("cuda", torch.cuda.current_device())
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError(
            "device='mps' was asked for, but this machine has none. Use device='auto' or 'cpu'."
        )
    return device


def resolve_devices(device="auto"):
    """Turn the `device` parameter into all devices that share the work."""
    if isinstance(device, str) and device == "cuda" and torch.cuda.is_available():
        device = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    names = device if isinstance(device, (list, tuple)) else [device]
    devices = list(dict.fromkeys(resolve_device(name) for name in names))
    if len({one.type for one in devices}) != 1:
        raise ValueError(f"device={device!r}: name one device, or several of one kind.")
    return devices


def resolve_precision(precision="auto", device="cpu"):
    """Turn the `precision` parameter into the number format of a tower."""
    device = torch.device(device)
    if precision == "auto":
        return torch.bfloat16 if has_native_bf16(device) else torch.float32
    if precision not in _PRECISIONS:
        raise ValueError(f"precision={precision!r}: use 'auto', 'fp32', 'bf16' or 'fp16'.")
    if precision == "fp16" and device.type != "cuda":
        raise ValueError(
            f"precision='fp16' needs a CUDA device and this encoder runs on '{device}'. "
            "Use 'auto', 'fp32' or 'bf16'."
        )
    return _PRECISIONS[precision]


def has_native_bf16(device):
    """Whether bf16 is faster than fp32 on `device`, not merely emulated."""
    if device.type == "cuda":
        # ROCm numbers its devices otherwise, and PyTorch answers for it.
        if torch.version.hip:
            return torch.cuda.is_bf16_supported()
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type == "cpu" and torch.backends.mkldnn.is_available() and _CPU_FLAGS.exists():
        flags = re.search(r"^(?:flags|Features)\s*:(.*)$", _CPU_FLAGS.read_text(), re.MULTILINE)
        return bool(flags and {"avx512_bf16", "amx_bf16", "bf16"} & set(flags[1].split()))
    return False
