"""Power spectrum of the luma and of the colour differences.

Up-sampling layers leave an excess or lack of power at high frequencies and peaks at simple
fractions of the sampling frequency. The power spectrum of each crop (Hann window) is averaged
over crops, in logarithms of power, and relative to the picture's mean log power between 0.05 and
0.40 cycles per pixel, which cancels contrast and most of the content.

- ``spectrum_radial_0.45_to_0.47_cycles_per_px``: mean over all directions
  (``spectrum_corner_above_0.500``: what lies beyond);
- ``spectrum_peak_1/4_horizontal``: power at that frequency over its surroundings;
- ``spectrum_slope``: slope of log power against log frequency (about -2 in photographs);
- ``spectrum_red_minus_green_*``, ``spectrum_blue_minus_green_*``: the same radial mean for colour
  differences, at half the resolution, relative to the luma of the same frequency.

References
----------
R. Durall, M. Keuper and J. Keuper, "Watch your Up-Convolution: CNN Based Generative Deep Neural
Networks are Failing to Reproduce Spectral Distributions", CVPR 2020 (equation 2, azimuthal
integration). R. Corvi et al., "Intriguing properties of synthetic images: from generative
adversarial networks to diffusion models", CVPR workshops 2023. X. Zhang, S. Karaman and S.-F.
Chang, "Detecting and Simulating Artifacts in GAN Fake Images", WIFS 2019 (peaks).
"""

from functools import cache
from itertools import pairwise

import torch

from .fourier import power_spectrum

N_RADIAL = 32
N_COLOUR = 8
PEAKS = {"1/2": 0.5, "3/8": 0.375, "1/4": 0.25, "1/8": 0.125, "1/16": 0.0625}
DIRECTIONS = ("horizontal", "vertical", "diagonal")
FLOOR = 1e-2
"""Power added (grey levels squared), so that flat pictures stay finite."""

COLOURS = ("red_minus_green", "blue_minus_green")


def _edges(n_bins):
    return [0.5 * i / n_bins for i in range(n_bins + 1)]


def _radial_names(prefix, n_bins, pixel=1):
    """Names of rings; `pixel` is the size of the plane's pixels in pixels of the picture."""
    edges = [edge / pixel for edge in _edges(n_bins)]
    return [f"{prefix}_{a:.3f}_to_{b:.3f}_cycles_per_px" for a, b in pairwise(edges)]


def names():
    """Column names, see the module's description."""
    columns = _radial_names("spectrum_radial", N_RADIAL)
    columns.append("spectrum_corner_above_0.500_cycles_per_px")
    columns += [f"spectrum_peak_{peak}_{way}" for peak in PEAKS for way in DIRECTIONS]
    columns.append("spectrum_slope")
    for colour in COLOURS:
        columns += _radial_names(f"spectrum_{colour}", N_COLOUR, pixel=2)
    return columns


@cache
def _frequencies(size):
    """Vertical and horizontal frequency of each cell of an rfft2, in cycles per pixel."""
    return torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None, :]


def _averaging(masks):
    """Matrix whose columns average over the cells of each mask."""
    columns = torch.stack([mask.flatten() for mask in masks], 1).float()
    return columns / columns.sum(0)


@cache
def radial_averaging(size, n_bins):
    """Matrix that averages a flattened spectrum over rings of equal width below 0.5 cycles."""
    down, across = _frequencies(size)
    radius = (down.square() + across.square()).sqrt()
    edges = _edges(n_bins)
    masks = [(radius >= a) & (radius < b) for a, b in pairwise(edges)]
    masks[0] = masks[0] & (radius > 0)
    return _averaging([*masks, radius >= 0.5])


@cache
def _peak_contrast(size):
    """Matrix that subtracts the surroundings from each frequency in `PEAKS`."""
    down, across = _frequencies(size)
    columns = []
    for frequency in PEAKS.values():
        for place in ((0, frequency), (frequency, 0), (frequency, frequency)):
            # -0.5 and 0.5 cycles per pixel are the same frequency.
            vertical = (down.abs() - place[0]).abs() * size
            horizontal = (across - place[1]).abs() * size
            distance = torch.maximum(vertical, horizontal)
            peak = _averaging([distance < 1.5])
            columns.append(peak - _averaging([(distance >= 3) & (distance < 9)]))
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
    size = planes.size
    log_power = (planes.luma_power + FLOOR).log().flatten(1)
    device = log_power.device
    radial = log_power @ radial_averaging(size, N_RADIAL).to(device)
    centres = (torch.arange(N_RADIAL, device=device) + 0.5) * 0.5 / N_RADIAL
    middle = (centres > 0.05) & (centres < 0.40)
    level = radial[:, :N_RADIAL][:, middle].mean(1, keepdim=True)
    log_frequency = centres.log() - centres[middle].log().mean()
    in_middle = log_frequency[middle]
    slope = (radial[:, :N_RADIAL][:, middle] @ in_middle) / in_middle.square().sum()
    peaks = log_power @ _peak_contrast(size).to(device)

    colour = (power_spectrum(planes.half_colour_differences) + FLOOR).log().flatten(2)
    half_luma = (power_spectrum(planes.half_luma.float()) + FLOOR).log().flatten(1)
    averaging = radial_averaging(size // 2, N_COLOUR).to(device)[:, :N_COLOUR]
    colour = (colour @ averaging) - (half_luma @ averaging)[:, None]

    shape = radial - level
    # Photographs fall off about as frequency ** -2: take that away, so that columns are small.
    shape[:, :N_RADIAL] += 2 * log_frequency
    return torch.cat(
        [
            shape,
            peaks,
            slope[:, None] + 2,
            0.5 * (colour.flatten(1) + 1),
        ],
        1,
    )
