"""Shape of the distribution of high-pass residuals.

Camera noise, demosaicing and generation leave residuals of different strength and different
tails. For each filter (on means of 2x2 pixels) of the spatial rich model the exact histogram of
the whole-number residual gives the logarithm of its standard deviation (``log_std``), mean
magnitude over standard deviation (``mean_abs_over_std``, 0.80 for a Gaussian, less for heavy
tails), the logarithm of the kurtosis (``log_kurtosis``), the share of zeros (``zero_share``) and
the share of values larger than three standard deviations (``tail_share``).

References
----------
J. Fridrich and J. Kodovsky, "Rich Models for Steganalysis of Digital Images", IEEE TIFS 7(3),
2012. S. G. Mallat, "A theory for multiresolution signal decomposition: the wavelet
representation", IEEE TPAMI 11(7), 1989 (generalised Gaussian shape from absolute moments).
"""

import torch

from .counting import count_codes, shares
from .filters import KERNELS

STATISTICS = ("log_std", "mean_abs_over_std", "log_kurtosis", "zero_share", "tail_share")
LARGEST = 511


def names():
    """Column names, see the module's description."""
    return [
        f"srm_half_scale_{kernel}_residual_{statistic}"
        for kernel in KERNELS
        for statistic in STATISTICS
    ]


def _describe(counts, step):
    """Five statistics of a histogram of magnitudes, shape (n_images, 5)."""
    share = shares(counts)
    magnitude = torch.arange(LARGEST + 1, device=counts.device, dtype=torch.float32) / step
    power = share @ magnitude.square()
    # The variance of rounding to whole numbers keeps flat pictures finite.
    std = (power + 1 / 12).sqrt()
    fourth = share @ magnitude.pow(4)
    kurtosis = (fourth + 3 / 144) / (power + 1 / 12).square()
    tail = (share * (magnitude > 3 * std[:, None])).sum(1)
    return torch.stack(
        [
            std.log(),
            4 * ((share @ magnitude) / std - 0.6),
            kurtosis.log() - 2,
            2 * share[:, 0] - 0.5,
            50 * (tail - 0.015),
        ],
        1,
    )


def compute(planes):
    """Compute the family for a batch.

    Parameters
    ----------
    planes : Planes
        The batch.

    Returns
    -------
    features : torch.Tensor of float32, shape (n_images, len(names()))
    """
    columns = []
    for kernel, (_, step) in KERNELS.items():
        counts = sum(
            count_codes(residual.abs().clamp_(max=LARGEST), LARGEST + 1)
            for residual in planes.residuals("half_luma", kernel)
        )
        columns.append(_describe(counts, step))
    return torch.cat(columns, 1)
