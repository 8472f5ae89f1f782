"""A user's own module as an encoder."""

import hashlib
import uuid
import weakref
from copy import deepcopy

import torch

from .building import freeze
from .fingerprint import fingerprint_of_own, hash_of_tensors
from .tower import Tower

_tokens = weakref.WeakKeyDictionary()  # module -> what no other module of this process has


class ModuleTower(Tower):
    """A torch.nn.Module from pictures (n, 3, height, width) to features (n, n_features)."""

    origin = None
    """The user's own object, of which `module` may be a frozen copy."""

    @property
    def fingerprint(self):
        """The name that its author gives it, and its weights; see `Encoder.fingerprint`."""
        return {
            "module": fingerprint_of_own(self.module, "a module"),
            "weights": self._weights,
        }

    @property
    def fingerprint_here(self):
        """The object itself, its weights, modes and structure; see `Encoder.fingerprint_here`."""
        modes = [part.training for part in self.origin.modules()]
        structure = f"{modes} {self.origin!r}"
        return {
            "object": _tokens.setdefault(self.origin, uuid.uuid4().hex),
            "weights": self._weights,
            "structure": hashlib.sha256(structure.encode()).hexdigest(),
        }

    @property
    def _weights(self):
        # Not kept: the module is the user's, who may train it on.
        return hash_of_tensors([*self.module.named_parameters(), *self.module.named_buffers()])

    def final(self, pixels):
        """Return what the module gives, once it is what was promised; see `Tower.final`."""
        features = self.module(pixels)
        if not isinstance(features, torch.Tensor) or features.shape[1:] != (self.final_width,):
            raise ValueError(_wrong_output(self.name, features))
        return features


def load_module_tower(encoder, example, device, dtype):
    """Wrap a module, or what a factory makes, as a tower."""
    module = encoder if isinstance(encoder, torch.nn.Module) else encoder()
    if not isinstance(module, torch.nn.Module):
        raise ValueError(
            f"encoder={encoder!r} returned a {type(module).__name__}; it must return a "
            "torch.nn.Module."
        )
    if module is not encoder:
        freeze(module, device, dtype)
    elif not _is_ready(module, device, dtype):
        module = freeze(deepcopy(module), device, dtype)
    name = type(module).__name__
    with torch.inference_mode():
        features = module(example.to(device, dtype))
    if not isinstance(features, torch.Tensor) or features.ndim != 2 or len(features) != 1:
        raise ValueError(_wrong_output(name, features))
    tower = ModuleTower(name, module, None, features.shape[1])
    tower.origin = encoder if isinstance(encoder, torch.nn.Module) else module
    return tower


def _is_ready(module, device, dtype):
    tensors = [*module.parameters(), *module.buffers()]
    return not any(part.training for part in module.modules()) and all(
        tensor.device == device and (tensor.dtype == dtype or not tensor.is_floating_point())
        for tensor in tensors
    )


def _wrong_output(name, features):
    what = f"a {type(features).__name__}"
    if isinstance(features, torch.Tensor):
        what = f"a tensor of shape {tuple(features.shape)}"
    return f"encoder {name} gave {what}; it must give one row of features for each picture."
