"""Statistics of 8x8 block DCT coefficients of the luma.

Up-sampling inside a generator leaves grids in the DCT domain, and the shape of the Laplacian of
each coefficient tells natural from generated pictures. Blocks are of means of 2x2 pixels and lie
off the JPEG grid of the file, so that they show the picture rather than its compression. For each
of the 63 coefficients other than the mean, ``dct_half_scale_8x8_u3_v5_*`` with u the vertical and
v the horizontal frequency: ``log_mean_abs`` is the logarithm of the Laplacian's scale (Giudice's
beta), relative to the mean of all 63 (``dct_half_scale_8x8_all_log_mean_abs``);
``dct_half_scale_8x8_first_digit_*`` are the shares of first digits 1 to 9 of low, middle and high
frequencies, minus the share that Benford's law gives.

References
----------
J. Frank et al., "Leveraging Frequency Analysis for Deep Fake Image Recognition", ICML 2020. O.
Giudice, L. Guarnera and S. Battiato, "Fighting Deepfakes by Detecting GAN DCT Anomalies", Journal
of Imaging 7(8), 2021. N. Bonettini et al., "On the use of Benford's law to detect GAN-generated
images", ICPR 2020.
"""

import math
from functools import cache

import torch

from .counting import count_codes

BLOCK = 8
OFF_GRID = 2
"""First row and column of the blocks: at half scale the JPEG grid has a period of 4."""

COEFFICIENTS = [(u, v) for u in range(BLOCK) for v in range(BLOCK)][1:]
BANDS = {"low": range(1, 4), "middle": range(4, 8), "high": range(8, 15)}
FLOOR = 0.05
"""Grey levels added to magnitudes, so that flat pictures stay finite."""

BENFORD = [math.log10(1 + 1 / digit) for digit in range(1, 10)]


def names():
    """Column names, see the module's description."""
    columns = [f"dct_half_scale_8x8_u{u}_v{v}_log_mean_abs" for u, v in COEFFICIENTS]
    columns.append("dct_half_scale_8x8_all_log_mean_abs")
    columns += [
        f"dct_half_scale_8x8_first_digit_{band}_{d}" for band in BANDS for d in range(1, 10)
    ]
    return columns


@cache
def dct_matrix():
    """Orthonormal DCT-II of 8x8 blocks as one (64, 64) matrix acting on flattened blocks."""
    n = torch.arange(BLOCK, dtype=torch.float64)
    basis = torch.cos(math.pi * n[:, None] * (2 * n + 1) / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    return torch.kron(basis, basis).float()


def block_coefficients(luma):
    """DCT coefficients of all 8x8 blocks.

    Parameters
    ----------
    luma : torch.Tensor of float32, shape (n_images, n_views, size, size)
        Grey levels.

    Returns
    -------
    coefficients : torch.Tensor of float32, shape (n_images, n_blocks, 64)
        Orthonormal scaling, coefficient ``8 u + v``.
    """
    n_images, n_views, size, _ = luma.shape
    n = (size - OFF_GRID) // BLOCK
    inside = slice(OFF_GRID, OFF_GRID + n * BLOCK)
    luma = luma[:, :, inside, inside]
    blocks = luma.reshape(n_images, n_views, n, BLOCK, n, BLOCK).transpose(3, 4)
    return blocks.reshape(n_images, -1, BLOCK * BLOCK) @ dct_matrix().to(luma.device).T


def _first_digits(coefficients):
    """Shares of first digits by band, minus Benford's, shape (n_images, 27)."""
    expected = torch.tensor(BENFORD, device=coefficients.device)
    columns = []
    for band in BANDS.values():
        chosen = [u * BLOCK + v for u, v in COEFFICIENTS if u + v in band]
        size = coefficients[..., chosen]
        power = torch.floor(torch.log10(size.clamp(min=1.0)))
        digit = torch.floor(size / 10.0**power).clamp(0, 9)
        counts = count_codes(digit.to(torch.uint8), 10)[:, 1:]
        columns.append(10 * (counts / counts.sum(1, keepdim=True).clamp(min=1) - expected))
    return torch.cat(columns, 1)


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
    # Centred on mid-grey, so that the mean coefficient is small and rounding does not matter.
    coefficients = block_coefficients(planes.half_luma.float() - 128)
    magnitude = coefficients[..., 1:].abs()
    log_mean_abs = (magnitude.mean(1) + FLOOR).log()
    overall = log_mean_abs.mean(1, keepdim=True)
    digits = _first_digits(coefficients.abs())
    return torch.cat([log_mean_abs - overall, overall, digits], 1)
