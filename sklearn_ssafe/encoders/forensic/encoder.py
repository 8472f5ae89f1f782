"""The encoder that needs no weights: published forensic statistics with readable names."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from ..base import Encoder
from ..fingerprint import NotRecognisableError
from . import (
    block_dct,
    colour,
    colour_cooccurrence,
    correlation,
    noise,
    residual_cooccurrence,
    residual_histogram,
    spectrum,
    texture,
    upsampling,
    wavelet,
)
from .crops import CROP_SIZE, native_crops
from .planes import Planes

FAMILIES = {
    "residual_cooccurrence": residual_cooccurrence,
    "residual_histogram": residual_histogram,
    "colour_cooccurrence": colour_cooccurrence,
    "spectrum": spectrum,
    "block_dct": block_dct,
    "upsampling": upsampling,
    "correlation": correlation,
    "noise": noise,
    "wavelet": wavelet,
    "texture": texture,
    "colour": colour,
}
"""Feature families in column order: each module has ``names()`` and ``compute(planes)``."""

DEFAULT_N_VIEWS = 4


class ForensicEncoder(Encoder):
    """Fixed forensic statistics of native-resolution crops, one named column for each.

    Nothing is learned and nothing is downloaded: every column is a published statistic with a fixed
    formula, described in its family's module. Pictures are never resized.

    Parameters
    ----------
    n_views : int or None, default=None
        Number of 256x256 crops that the statistics are taken over; None stands for 4. A picture
        smaller than a crop is extended by mirror reflection. Statistics are those of all
        crops together, not averages of each crop's.
    device : str or torch.device, default="cpu"
        Where the statistics are computed.

    Attributes
    ----------
    feature_names : ndarray of str, shape (n_features,)
        What each column measures.
    feature_families : ndarray of str, shape (n_features,)
        The family of each column, a key of `FAMILIES`.

    Raises
    ------
    ValueError
        If `n_views` is less than 1.
    """

    name = "forensic"
    normalize_by_default = False

    def __init__(self, *, n_views=None, device="cpu"):
        self.n_views = DEFAULT_N_VIEWS if n_views is None else int(n_views)
        if self.n_views < 1:
            raise ValueError(
                f"n_views must be at least 1, got {n_views!r}. Pass the number of "
                f"{CROP_SIZE}x{CROP_SIZE} crops to take from each picture, or None for "
                f"{DEFAULT_N_VIEWS}."
            )
        self.device = torch.device(device)
        columns = {family: module.names() for family, module in FAMILIES.items()}
        self.feature_names = np.array([name for names in columns.values() for name in names])
        self.feature_families = np.repeat(list(columns), [len(names) for names in columns.values()])

    @property
    def fingerprint(self):
        """The formulas, by their source code, and the crops; see `Encoder.fingerprint`."""
        return {"encoder": self.name, "n_views": self.n_views, "formulas": _hash_of_formulas()}

    def prepare(self, image):
        """Cut native-resolution crops, see `native_crops`.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            RGB values, any size from 1x1 up.

        Returns
        -------
        views : ndarray of uint8, shape (n_views, 256, 256, 3)
        """
        return native_crops(image, self.n_views)

    def encode(self, views):
        """Compute all families for a batch.

        Parameters
        ----------
        views : torch.Tensor of uint8, shape (n_images, n_views, 256, 256, 3)
            Stacked results of `prepare`.

        Returns
        -------
        features : torch.Tensor of float32, shape (n_images, n_features)
        """
        if len(views) == 0:
            return torch.empty(0, self.n_features)
        if self.device.type == "cpu":
            return self._encode_on_cpu(views)
        return self._encode_chunk(views.to(self.device))

    def _encode_on_cpu(self, views):
        """Encode one picture at a time on each core.

        Its planes stay in the cache, no core waits for another inside the hundreds of small
        operations, and sums are the same to the last bit whatever else is in the batch.
        """
        pictures = views.cpu().split(1)
        n_threads = min(torch.get_num_threads(), len(pictures))
        if n_threads == 1:
            return torch.cat([self._encode_chunk(picture) for picture in pictures])
        with ThreadPoolExecutor(n_threads, initializer=_compute_single_threaded) as threads:
            return torch.cat(list(threads.map(self._encode_chunk, pictures)))

    @torch.inference_mode()
    def _encode_chunk(self, views):
        planes = Planes(views)
        columns = torch.cat([module.compute(planes) for module in FAMILIES.values()], 1)
        # The families' own scales make columns of order one. Divided by the root of their number,
        # they make rows of length one or so, like normalised embeddings, on which linear models
        # converge and are regularised sensibly with scikit-learn's defaults.
        return columns / self.n_features**0.5


def _compute_single_threaded():
    """Let torch use no further threads for what this thread computes."""
    torch.get_num_threads()  # torch sets a thread's number when first asked, and not again
    threadpool_limits(1, user_api="openmp")


@cache
def _hash_of_formulas():
    files = sorted(Path(__file__).parent.glob("*.py"))
    if not files:
        raise NotRecognisableError("the source code of the forensic measurements is not installed")
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
