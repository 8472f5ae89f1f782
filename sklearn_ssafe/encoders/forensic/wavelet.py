"""Moments of wavelet coefficients, and how they go together across scale and direction.

A Haar pyramid of the luma (scales 2 to 4) and of the colour differences (scales 2 and 3); scale 1
is left out, because JPEG compression shapes it most. For each scale and direction
(``horizontal``, ``vertical``, ``diagonal`` detail): ``log_std`` (relative to ``wavelet_level``,
the luma's mean at scale 2), ``mean_abs_over_std``, ``log_kurtosis``; and the correlation of log
magnitudes with the parent at the next coarser scale and with the other directions.

References
----------
S. Lyu and H. Farid, "How Realistic is Photorealistic?", IEEE TSP 53(2), 2005. R. W. Buccigrossi
and E. P. Simoncelli, "Image compression via joint statistical characterization in the wavelet
domain", IEEE TIP 8(12), 1999 (magnitudes of parents and children).
"""

from itertools import pairwise

import torch

from .noise import correlation

LUMA_SCALES = (2, 3, 4)
COLOUR_SCALES = (2, 3)
WAYS = ("horizontal", "vertical", "diagonal")
WAY_PAIRS = [(0, 1), (0, 2), (1, 2)]
COLOURS = ("red_minus_green", "blue_minus_green")
STATISTICS = ("log_std", "mean_abs_over_std", "log_kurtosis")
FLOOR = 0.05
"""Variance added (grey levels squared), so that flat pictures stay finite."""


def _band_names(prefix, scales):
    return [
        f"{prefix}_scale{scale}_{way}_{statistic}"
        for scale in scales
        for way in WAYS
        for statistic in STATISTICS
    ]


def names():
    """Column names, see the module's description."""
    columns = ["wavelet_level"]
    columns += _band_names("wavelet_luma", LUMA_SCALES)
    for scale in LUMA_SCALES:
        columns += [
            f"wavelet_luma_scale{scale}_{WAYS[i]}_{WAYS[j]}_magnitude_correlation"
            for i, j in WAY_PAIRS
        ]
    for scale in LUMA_SCALES[:-1]:
        columns += [f"wavelet_luma_scale{scale}_{way}_parent_magnitude_correlation" for way in WAYS]
    for colour in COLOURS:
        columns += _band_names(f"wavelet_{colour}", COLOUR_SCALES)
    return columns


def haar(x):
    """One level of the orthonormal two-dimensional Haar transform.

    Parameters
    ----------
    x : torch.Tensor of float32, shape (..., height, width)
        Even height and width.

    Returns
    -------
    mean, details : torch.Tensor, tuple of three torch.Tensor
        Each of half the size. Details: across columns, across rows, across both.
    """
    left, right = x[..., ::2], x[..., 1::2]
    low, high = left + right, left - right
    mean = (low[..., ::2, :] + low[..., 1::2, :]) / 2
    horizontal = (high[..., ::2, :] + high[..., 1::2, :]) / 2
    vertical = (low[..., ::2, :] - low[..., 1::2, :]) / 2
    diagonal = (high[..., ::2, :] - high[..., 1::2, :]) / 2
    return mean, (horizontal, vertical, diagonal)


def _moments(band):
    """Log standard deviation, shape and log kurtosis of a band, each of shape (n_images,)."""
    band = band.flatten(1)
    square = band.square()
    power = square.mean(1) + FLOOR
    kurtosis = (square.square().mean(1) + 3 * FLOOR**2) / power.square()
    return (
        0.5 * power.log(),
        4 * (band.abs().mean(1) / power.sqrt() - 0.6),
        0.5 * (kurtosis.log() - 2),
    )


def _log_magnitude(band):
    return (band.abs() + 0.5).log()


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
    approximation = planes.half_luma.float()
    bands = []
    for _ in LUMA_SCALES:
        approximation, details = haar(approximation)
        bands.append(details)
    moments = [_moments(band) for details in bands for band in details]
    level = (moments[0][0] + moments[1][0] + moments[2][0]) / 3
    columns = [0.5 * (level - 1)]
    for log_std, shape, log_kurtosis in moments:
        columns += [0.5 * (log_std - level), shape, log_kurtosis]

    magnitudes = [[_log_magnitude(band) for band in details] for details in bands]
    for details in magnitudes:
        flat = [band.flatten(1) for band in details]
        columns += [2 * correlation(flat[i], flat[j]) - 0.5 for i, j in WAY_PAIRS]
    for details, parents in pairwise(magnitudes):
        for band, parent in zip(details, parents, strict=True):
            children = torch.nn.functional.avg_pool2d(band, 2)
            columns.append(2 * correlation(children.flatten(1), parent.flatten(1)) - 0.5)

    approximation = planes.half_colour_differences
    for colour in range(len(COLOURS)):
        plane = approximation[:, :, colour]
        for _ in COLOUR_SCALES:
            plane, details = haar(plane)
            for band in details:
                log_std, shape, log_kurtosis = _moments(band)
                columns += [0.5 * (log_std - level), shape, log_kurtosis]
    return torch.stack(columns, 1)
