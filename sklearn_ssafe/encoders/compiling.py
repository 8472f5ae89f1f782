"""A tower compiled by `torch.compile`."""

import warnings

import torch

from .precision import OutOfDeviceMemory


class Compiled:
    """The features of a tower, compiled, and as they are where that fails."""

    def __init__(self, features, tower):
        tower.module.requires_grad_(True)
        self.names = features.names
        self._name = tower.name
        self._features = features
        self._compiled = torch.compile(features)

    def __call__(self, pixels):
        """Return features (n, len(names)) of pixels (n, 3, height, width)."""
        if self._compiled is not None:
            try:
                return self._compiled(pixels)
            except OutOfDeviceMemory:
                raise
            except Exception as error:  # the compiler may fail in any way
                self._compiled = None
                warnings.warn(
                    f"torch.compile does not work for {self._name} on this machine, and the work "
                    f"goes on without it: {type(error).__name__}: {error}",
                    RuntimeWarning,
                    stacklevel=2,
                )
        return self._features(pixels)
