"""Local noise: how strong, how it depends on brightness, how it varies over the picture.

The second difference in both directions (Immerkaer's filter) is measured in blocks of 8x8 pixels.

- ``noise_log_std_percentile_10`` ...: over the blocks of the picture, relative to the median;
- ``noise_log_std_median``, ``noise_log_std_spread`` (standard deviation over blocks);
- ``noise_level_brightness_032_to_064``: lower quartile of the log noise of blocks of that
  brightness, relative to the picture's median (0 where fewer than 16 blocks): sensor noise grows
  with light;
- ``noise_brightness_correlation``, ``noise_texture_correlation``: correlation of log noise with
  the block's brightness, and with the logarithm of its contrast;
- ``noise_neighbour_correlation``: correlation of log noise of neighbouring blocks;
- ``noise_flat_block_share``: share of blocks without any noise.

References
----------
J. Immerkaer, "Fast Noise Variance Estimation", CVIU 64(2), 1996. C. Liu et al., "Automatic
Estimation and Removal of Noise from a Single Image", IEEE TPAMI 30(2), 2008 (noise level
function). B. Mahdian and S. Saic, "Using noise inconsistencies for blind image forensics", Image
and Vision Computing 27(10), 2009.
"""

from itertools import pairwise

import torch

BLOCK = 8
PERCENTILES = (2, 5, 10, 25, 75, 90, 95, 98)
BRIGHTNESS_EDGES = tuple(range(0, 257, 32))
FEWEST_BLOCKS = 16
FLOOR = 0.02
"""Variance added (grey levels squared), so that flat blocks stay finite."""


def names():
    """Column names, see the module's description."""
    columns = [f"noise_log_std_percentile_{p:02d}" for p in PERCENTILES]
    columns += ["noise_log_std_median", "noise_log_std_spread"]
    columns += [f"noise_level_brightness_{a:03d}_to_{b:03d}" for a, b in pairwise(BRIGHTNESS_EDGES)]
    columns += [
        "noise_brightness_correlation",
        "noise_texture_correlation",
        "noise_neighbour_correlation",
        "noise_flat_block_share",
    ]
    return columns


def block_means(values, block=BLOCK):
    """Means over square blocks of the last two dimensions; what does not fill one is left out."""
    rows = values.shape[-2] // block
    columns = values.shape[-1] // block
    values = values[..., : rows * block, : columns * block]
    values = values.reshape(*values.shape[:-2], rows, block, columns, block)
    return values.mean(-1).mean(-2)


def correlation(a, b):
    """Pearson correlation along dimension 1; 0 where one of them is constant."""
    a = a - a.mean(1, keepdim=True)
    b = b - b.mean(1, keepdim=True)
    scale = (a.square().mean(1) + 1e-3) * (b.square().mean(1) + 1e-3)
    return (a * b).mean(1) / scale.sqrt()


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
    luma = planes.luma_float[..., 1:-1, 1:-1]
    # The filter's weights have squares that sum to 36.
    power = block_means(planes.residuals("luma", "square3x3")[0].float().square()) / 36
    log_std = 0.5 * (power + FLOOR).log()
    brightness = block_means(luma)
    contrast = (block_means(luma.square()) - brightness.square()).clamp(min=0)
    log_contrast = 0.5 * (contrast + 1).log()

    noise = log_std.flatten(1)
    light = brightness.flatten(1)
    ordered = noise.sort(1).values
    last = ordered.shape[1] - 1

    def percentile(p):
        return ordered[:, round(last * p / 100)]

    median = percentile(50)
    columns = [percentile(p) - median for p in PERCENTILES]
    columns += [median, 2 * (noise.std(1) - 0.6)]
    for low, high in pairwise(BRIGHTNESS_EDGES):
        inside = (light >= low) & (light < high)
        count = inside.sum(1)
        in_bin = torch.where(inside, noise, torch.inf).sort(1).values
        quartile = in_bin.gather(1, (count // 4)[:, None].clamp(max=last)).squeeze(1)
        columns.append(torch.where(count < FEWEST_BLOCKS, 0.0, quartile - median))
    right = correlation(log_std[..., 1:].flatten(1), log_std[..., :-1].flatten(1))
    below = correlation(log_std[..., 1:, :].flatten(1), log_std[..., :-1, :].flatten(1))
    columns += [
        2 * correlation(noise, light / 64),
        2 * correlation(noise, log_contrast.flatten(1)) - 1,
        right + below - 1,
        4 * (power == 0).flatten(1).float().mean(1),
    ]
    return torch.stack(columns, 1)
