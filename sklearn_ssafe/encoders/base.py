"""The one interface that every encoder has."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from .fingerprint import NotRecognisableError
from .precision import OutOfDeviceMemory


class EncoderIdentity(NamedTuple):
    """What a store has to know of an encoder; without `fingerprint` it keeps nothing of it.

    `why_none` says why there is none, or none that holds in another process.
    """

    name: str
    n_features: int
    fingerprint: dict | None
    why_none: str = ""


class Preparation(NamedTuple):
    """The first half of an encoder, without its weights: it may go to other processes."""

    name: str
    prepare: Callable


class Encoder(ABC):
    """A frozen function from pictures to rows of named features.

    The work is cut in two so that reading threads can do the first half while the
    device is busy with the second:

    - `prepare` turns one picture into one or more views of one fixed size. It runs on
      the CPU, in threads, on one picture at a time, and must be thread-safe.
    - `encode` turns a batch of prepared pictures into features. It runs on the device.

    Both are deterministic, and a picture's features do not depend on its neighbours
    in the batch.

    Attributes
    ----------
    name : str
        What the encoder is called in messages and tables.
    feature_names : ndarray of str, shape (n_features,)
        One name for each output column.
    normalize_by_default : bool
        Whether ``normalize="auto"`` scales the rows to unit length. True for embeddings,
        whose direction carries the meaning; False for named measurements.
    resizer : str or None
        What resizes the pictures in `prepare`: "pillow", "torch", or None where nothing does.
    device : torch.device
        Where `encode` runs; the first one where there are several.
    n_in_flight : int
        How many batches keep the hardware busy: 1 where `encode` returns when it is done, more
        where it returns at once and computes on.
    """

    normalize_by_default = True
    resizer = None
    n_in_flight = 1
    _most_at_once = None  # pictures, once the device has had too little memory for more

    @property
    def parts(self):
        """The encoders whose columns stand side by side, each with rows of its own: this one."""
        return [self]

    @property
    def n_features(self):
        """Number of output columns."""
        return len(self.feature_names)

    @property
    def fingerprint(self):
        """Everything that decides the features beside the picture, so that they can be kept.

        Two encoders with equal fingerprints give equal features, up to the rounding of another
        device or batch. Values can be written as JSON.

        Returns
        -------
        fingerprint : dict of str to object

        Raises
        ------
        NotRecognisableError
            When a change of the encoder could go unnoticed. Its features are never kept then.
        """
        raise NotRecognisableError(f"{type(self).__name__} has no fingerprint")

    @property
    def fingerprint_here(self):
        """A fingerprint that holds within this process only, or None where there is none."""
        return None

    def identity(self, recognise=True):
        """Return the `EncoderIdentity`; taking the fingerprint of large weights costs seconds."""
        fingerprint, why_none = None, ""
        try:
            fingerprint = self.fingerprint if recognise else None
        except NotRecognisableError as error:
            fingerprint = self.fingerprint_here
            why_none = str(error)
        return EncoderIdentity(self.name, len(self.feature_names), fingerprint, why_none)

    @abstractmethod
    def prepare(self, image):
        """Turn one picture into the views that `encode` takes.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            RGB values, 0 to 255. Any height and width from 1 pixel up.

        Returns
        -------
        views : ndarray of uint8, shape (n_views, view_height, view_width, 3)
            The same shape for every picture.
        """

    @property
    def preparation(self):
        """The first half of the work by itself, as a `Preparation`."""
        return Preparation(self.name, self.prepare)

    @abstractmethod
    def encode(self, views):
        """Turn a batch of prepared pictures into features.

        Parameters
        ----------
        views : torch.Tensor of uint8, shape (n_images, n_views, height, width, 3)
            Stacked results of `prepare`, on the CPU or already on `device`.

        Returns
        -------
        features : torch.Tensor of float32, shape (n_images, n_features)
            On the device, which may still be computing them. Not yet normalised to unit length.
        """

    def encode_list(self, views):
        """Return the features of a list of results of `prepare`, as a list of tensors.

        In smaller parts once the device has had too little memory.
        """
        parts, start = [], 0
        while start < len(views):
            some = views[start : start + (self._most_at_once or len(views))]
            try:
                parts.append(self.encode(self._stacked(some)))
                start += len(some)
            except OutOfDeviceMemory as error:
                if len(some) == 1:
                    raise MemoryError(
                        f"{self.device} has too little free memory to encode even one picture with "
                        f'{self.name}: free some, take a smaller encoder, or device="cpu"'
                    ) from error
                self._most_at_once = len(some) // 2
                if self._on_cuda():
                    torch.cuda.empty_cache()
        return parts

    def _stacked(self, views):
        first = torch.from_numpy(views[0])
        # Pages that cannot be moved, so that the device can fetch them while it computes.
        stacked = torch.empty(
            len(views), *first.shape, dtype=first.dtype, pin_memory=self._on_cuda()
        )
        np.stack(views, out=stacked.numpy())
        return stacked

    def _on_cuda(self):
        return str(self.device).startswith("cuda")

    def compiled(self):
        """Return an encoder of the same features that has been compiled, where that is possible.

        Returns
        -------
        encoder : Encoder
        """
        return self
