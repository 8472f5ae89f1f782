"""What the loaders of the several libraries have in common: a tower, and the encoder around it."""

import hashlib
from copy import copy
from functools import cached_property
from importlib.metadata import version

import numpy as np
import torch

from .base import Encoder, Preparation
from .compiling import Compiled
from .fingerprint import NotRecognisableError, hash_of_tensors


class Tower:
    """A frozen vision tower on its device, shared by every encoder that uses it.

    Subclasses, one a library, say how to get features out of it.
    """

    libraries = ()

    n_blocks = 0
    block_width = None
    has_class_token = False
    pre_projection_width = None
    configuration = None

    def __init__(self, name, module, view_spec, final_width):
        self.name = name
        self.module = module
        self.view_spec = view_spec
        self.final_width = final_width
        parameter = next(module.parameters(), torch.empty(0))
        self.device = parameter.device
        self.compiled = {}  # names of features -> the function that gives them
        self.dtype = parameter.dtype

    def final(self, pixels):
        """Return the embedding of each picture, (n, final_width)."""
        return self.module(pixels)

    def pre_projection(self, pixels):
        """Return the pooled features before the projection, (n, pre_projection_width)."""
        raise NotImplementedError

    def blocks(self, pixels, indices):
        """Return, for each block of ascending `indices`, what it puts out."""
        raise NotImplementedError

    @cached_property
    def weights_hash(self):
        """SHA-256 of the weights as they are in memory, as 64 hexadecimal digits."""
        return hash_of_tensors(sorted(self.module.state_dict().items()))

    @property
    def fingerprint(self):
        """What the tower computes, as a dict of str to str; see `Encoder.fingerprint`."""
        return {
            "weights": self.weights_hash,
            "architecture": self._architecture_hash,
            **({"configuration": self.configuration} if self.configuration else {}),
            **{library: version(library) for library in self.libraries},
        }

    @property
    def fingerprint_here(self):
        """What tells the tower from others within this process, where nothing else does."""
        return None

    @cached_property
    def _architecture_hash(self):
        # Activations, widths and constants, which the weights do not tell.
        return hashlib.sha256(repr(self.module).encode()).hexdigest()


class TowerEncoder(Encoder):
    """A tower with a choice of layers and of preprocessing."""

    def __init__(self, tower, features, cut_views, view_spec):
        self.name = tower.name
        self.tower = tower
        self.feature_names = np.array(features.names, dtype=object)
        self.device = tower.device
        self._features = features
        self._cut_views = cut_views
        self.view_spec = view_spec
        self.resizer = getattr(cut_views, "resizer", None)
        mean, std = (view_spec.mean, view_spec.std) if view_spec else ((0.0,) * 3, (1.0,) * 3)
        self._mean = torch.tensor(mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(1, 3, 1, 1)
        if self.device.type == "cuda":
            self.n_in_flight = 2  # one is computed while the next is brought over
            self._copies = torch.cuda.Stream(self.device)

    @property
    def weights_hash(self):
        """SHA-256 of the tower's weights, computed when first asked for."""
        return self.tower.weights_hash

    @property
    def fingerprint(self):
        """The tower, its layers and how pictures are prepared; see `Encoder.fingerprint`."""
        return {**self._fingerprint_of_settings(), **self.tower.fingerprint}

    @property
    def fingerprint_here(self):
        """As `fingerprint`, of a tower known by its object; see `Encoder.fingerprint_here`."""
        known = self.tower.fingerprint_here
        try:
            return None if known is None else {**self._fingerprint_of_settings(), **known}
        except NotRecognisableError:  # preprocessing of the user's own
            return None

    def _fingerprint_of_settings(self):
        precision = str(self.tower.dtype).removeprefix("torch.")
        if torch.get_float32_matmul_precision() != "highest":
            precision += f", matrix products {torch.get_float32_matmul_precision()}"
        return {
            "encoder": self.name,
            "layers": list(dict.fromkeys(name.rpartition("_")[0] for name in self.feature_names)),
            "precision": precision,
            "views": self._cut_views.fingerprint,
            "mean": self._mean.flatten().tolist(),
            "std": self._std.flatten().tolist(),
        }

    def prepare(self, image):
        """Cut the views of one picture; see `Encoder.prepare`."""
        return self._cut_views(image)

    @property
    def preparation(self):
        """What cuts the views, without the tower; see `Encoder.preparation`."""
        return Preparation(self.name, self._cut_views)

    def compiled(self):
        """Return this encoder with its tower compiled; see `Encoder.compiled`."""
        if self.tower.module is None:  # nothing of torch's to compile
            return self
        encoder = copy(self)
        known, key = self.tower.compiled, tuple(self.feature_names)
        if key not in known:
            known[key] = Compiled(self._features, self.tower)
        encoder._features = known[key]
        return encoder

    @torch.inference_mode()
    def encode(self, views):
        """Embed a batch of prepared pictures; see `Encoder.encode`.

        Views of a user's own preprocessing may be float32: they are taken as they are, without
        the division by 255 and the normalisation.
        """
        n_images, n_views = views.shape[:2]
        features = self._features(self._pixels(views)).float()
        return features.view(n_images, n_views, -1).mean(1)

    @property
    def gives_tokens(self):
        """Whether the features are means of patch tokens, which `encode_tokens` returns."""
        return getattr(self._features, "pooling", None) == "mean"

    @torch.inference_mode()
    def encode_tokens(self, views):
        """Return the patch tokens of a batch of prepared pictures."""
        return self._features.tokens(self._pixels(views)).float()

    def _pixels(self, views):
        """Return what the tower takes, (n_images * n_views, 3, height, width)."""
        pixels = self._on_device(views).flatten(0, 1).permute(0, 3, 1, 2)
        if not pixels.is_floating_point():
            # In fp32 and in open_clip's order, whatever the tower's own format. The permuted
            # pixels stay "channels last" in memory, which convolutions like best.
            pixels = pixels.float().div_(255).sub_(self._mean).div_(self._std)
        return pixels.to(self.tower.dtype)

    def _on_device(self, views):
        if self.device.type != "cuda":
            return views.to(self.device)
        # On a stream of its own, so that it need not wait for the batch that is being computed.
        current = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self._copies):
            moved = views.to(self.device, non_blocking=True)
        current.wait_stream(self._copies)
        moved.record_stream(current)
        return moved
