"""Autocorrelation of the noise residual, correlation of colours, traces of the colour mosaic.

- ``residual_autocorrelation_dy1_dx2``: correlation of the high-pass residual of the luma with
  itself 2 pixels to the right and 1 below, mean of the two mirrored directions; the residual is
  that of the second difference in both directions. Interpolation and denoising each leave their
  own shape.
- ``colour_residual_correlation_red_green`` ...: correlation of the residuals of two colours, in
  Fisher's z; ``colour_residual_log_ratio_*``: their strengths.
- ``mosaic_green_phase_contrast`` ...: logarithm of the variance of the residual at one half of
  the checkerboard over the other, in magnitude, as demosaicing makes it.

References
----------
A. C. Popescu and H. Farid, "Exposing Digital Forgeries in Color Filter Array Interpolated
Images", IEEE TSP 53(10), 2005. A. C. Gallagher and T. Chen, "Image authentication by detecting
traces of demosaicing", CVPR workshops 2008. R. Corvi et al., "Intriguing properties of synthetic
images: from generative adversarial networks to diffusion models", CVPR workshops 2023
(autocorrelation).
"""

from functools import cache

import torch

from . import filters

REACH = 2
LAGS = [(dy, dx) for dy in range(REACH + 1) for dx in range(REACH + 1) if dy + dx]
COLOURS = ("red", "green", "blue")
PAIRS = [(0, 1), (1, 2), (0, 2)]
FLOOR = 0.1
"""Power added to a residual's (grey levels squared), so that flat pictures stay finite."""


def names():
    """Column names, see the module's description."""
    columns = [f"residual_autocorrelation_dy{dy}_dx{dx}" for dy, dx in LAGS]
    for scale in ("", "half_scale_"):
        pairs = [f"{COLOURS[i]}_{COLOURS[j]}" for i, j in PAIRS]
        columns += [f"{scale}colour_residual_correlation_{pair}" for pair in pairs]
        columns += [f"{scale}colour_residual_log_ratio_{pair}" for pair in pairs]
    columns += [f"mosaic_{colour}_phase_contrast" for colour in COLOURS]
    return columns


@cache
def _high_pass_response(size):
    """Squared response of the 3x3 square filter (divided by 4) to each frequency."""
    down = 2 - 2 * torch.cos(2 * torch.pi * torch.fft.fftfreq(size))
    across = 2 - 2 * torch.cos(2 * torch.pi * torch.fft.rfftfreq(size))
    return (down[:, None] * across[None, :] / 4).square()


def autocorrelation(power):
    """Normalised autocorrelation of the residual from the luma's power spectrum.

    Parameters
    ----------
    power : torch.Tensor of float32, shape (n_images, size, size / 2 + 1)
        Power spectrum of the luma, to which `FLOOR` is added.

    Returns
    -------
    correlation : torch.Tensor of float32, shape (n_images, size, size)
        1 at lag (0, 0) (Wiener-Khinchin theorem).
    """
    size = power.shape[-2]
    residual = (power + FLOOR) * _high_pass_response(size).to(power.device)
    correlation = torch.fft.irfft2(residual, s=(size, size))
    return correlation / correlation[:, :1, :1]


def _colour_columns(rgb):
    """Correlations and strength ratios of colour residuals, shape (n_images, 6)."""
    residual = filters.square_3x3(rgb).float().flatten(3)
    # Summed over crops; residuals have mean zero.
    products = (residual @ residual.mT).mean(1) / residual.shape[-1] / 16
    power = products.diagonal(dim1=1, dim2=2) + FLOOR
    columns = []
    for i, j in PAIRS:
        correlation = products[:, i, j] / (power[:, i] * power[:, j]).sqrt()
        columns.append(torch.atanh(0.999 * correlation.clamp(-1, 1)) - 1.5)
    columns += [2 * (power[:, i] / power[:, j]).log() for i, j in PAIRS]
    return torch.stack(columns, 1)


def _mosaic_columns(rgb):
    """Imbalance of the residual's variance between the halves of a checkerboard."""
    power = filters.square_3x3(rgb).float().square()
    same = power[..., ::2, ::2].mean((1, 3, 4)) + power[..., 1::2, 1::2].mean((1, 3, 4))
    other = power[..., ::2, 1::2].mean((1, 3, 4)) + power[..., 1::2, ::2].mean((1, 3, 4))
    return 5 * ((same + FLOOR).log() - (other + FLOOR).log()).abs()


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
    correlation = autocorrelation(planes.luma_power)
    lags = [(correlation[:, dy, dx] + correlation[:, dy, -dx]) / 2 for dy, dx in LAGS]
    return torch.cat(
        [
            5 * torch.stack(lags, 1),
            _colour_columns(planes.rgb),
            _colour_columns(planes.half_rgb),
            _mosaic_columns(planes.rgb),
        ],
        1,
    )
