"""Build a module and put a checkpoint into it without holding the weights twice."""

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from .weights import WeightsFileError


class _UnfilledParameters(TorchFunctionMode):
    """Skip the random initialisation of parameters, in this thread alone.

    Memory that nobody writes to is not taken from the system, so a module built this way costs
    next to nothing until its weights are put in. Buffers are computed as ever.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        target = args[0] if args else kwargs.get("tensor")
        name = getattr(func, "__name__", "")
        fills_in_place = name.endswith("_") and not name.endswith(("__", "requires_grad_"))
        if fills_in_place and isinstance(target, torch.nn.Parameter):
            return target
        return func(*args, **kwargs)


def build_unfilled(build):
    """Call `build`, whose module gets parameters without values."""
    # Some initialisers draw numbers of their own before they write to the parameter.
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), _UnfilledParameters():
        return build()


def build_random(build, seed=0):
    """Call `build` with a fixed seed and leave the global generator as it was."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(seed)
        return build()


def fill(module, state, dtype, source, what):
    """Put a checkpoint's tensors into a module, every one of them and no other."""
    expected = module.state_dict()
    missing = sorted(set(expected) - set(state))
    unexpected = sorted(set(state) - set(expected))
    misshapen = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    if missing or unexpected or misshapen:
        parts = (("missing", missing), ("unexpected", unexpected), ("other shape", misshapen))
        listed = "; ".join(
            f"{len(names)} {kind}: {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
            for kind, names in parts
            if names
        )
        raise WeightsFileError(
            f"{source} does not hold the weights of {what}'s vision tower ({listed}). It is most "
            "likely of another architecture or input size: check `encoder` against the file."
        )
    expected.clear()
    copies = {}
    for name in list(state):
        tensor = state.pop(name)
        target = tensor.dtype
        if tensor.is_floating_point():
            target = dtype if tensor.ndim > 1 else torch.float32
        # Always a copy: a file that is written over later must not change a loaded model.
        copies[name] = tensor.to(target, copy=True)
    module.load_state_dict(copies, strict=True, assign=True)


def freeze(module, device, dtype):
    """Make a module ready to encode: in place, on its device, in its number format.

    Batch normalisation keeps its statistics in fp32, which PyTorch mixes with bf16 activations.
    """
    normalisations = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    exact = [{name: t.clone() for name, t in part.state_dict().items()} for part in normalisations]
    module.to(device=device, dtype=dtype)
    for part, state in zip(normalisations, exact, strict=True):
        part.float().load_state_dict(state)
    return module.requires_grad_(False).eval()
