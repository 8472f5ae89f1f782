"""Exposure and colour: how many pixels are clipped, how colours are spread.

- ``colour_clipped_high_*``, ``colour_clipped_low_*``: share of pixels at 253 or more, 2 or less,
  in each colour; generators that normalise their activations rarely saturate;
- ``colour_luma_share_*``: share of pixels in eight ranges of brightness;
- ``colour_histogram_roughness_*``: how much the 256-value histogram jumps between neighbouring
  values, the comb that contrast enhancement leaves;
- ``colour_correlation_*``, ``colour_saturation_*``: correlation of colours, saturation and its
  spread.

References
----------
S. McCloskey and M. Albright, "Detecting GAN-Generated Imagery Using Saturation Cues", ICIP 2019.
M. C. Stamm and K. J. R. Liu, "Forensic detection of image manipulation using statistical
intrinsic fingerprints", IEEE TIFS 5(3), 2010 (histogram combs). H. Li et al., "Identification of
deep network generated images using disparities in color components", Signal Processing 174, 2020.
"""

import torch

from .counting import count_codes
from .noise import correlation

COLOURS = ("red", "green", "blue")
PAIRS = [(0, 1), (1, 2), (0, 2)]
N_RANGES = 8
CLIPPED = 3


def names():
    """Column names, see the module's description."""
    columns = []
    for colour in COLOURS:
        columns += [
            f"colour_clipped_high_{colour}",
            f"colour_clipped_low_{colour}",
            f"colour_histogram_roughness_{colour}",
        ]
    width = 256 // N_RANGES
    columns += [
        f"colour_luma_share_{width * i:03d}_to_{width * i + width - 1:03d}" for i in range(N_RANGES)
    ]
    columns += [f"colour_correlation_{COLOURS[i]}_{COLOURS[j]}" for i, j in PAIRS]
    columns += ["colour_saturation_mean", "colour_saturation_std", "colour_grey_share"]
    return columns


def _log_share(share):
    """Logarithm of a share, 0 at one pixel in a thousand."""
    return 0.25 * ((share + 1e-4) / 1e-3).log()


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
    rgb = planes.rgb
    columns = []
    for colour in range(3):
        counts = count_codes(rgb[:, :, colour], 256)
        shares = counts / counts.sum(1, keepdim=True)
        roots = shares.sqrt()
        jumps = (roots[:, 2:] - 2 * roots[:, 1:-1] + roots[:, :-2]).square().sum(1)
        columns += [
            _log_share(shares[:, -CLIPPED:].sum(1)),
            _log_share(shares[:, :CLIPPED].sum(1)),
            0.25 * ((jumps + 1e-3) / 1e-2).log(),
        ]
    counts = count_codes(planes.luma, 256)
    shares = (counts / counts.sum(1, keepdim=True)).view(-1, N_RANGES, 256 // N_RANGES).sum(2)
    columns += list((2 * (shares.sqrt() - N_RANGES**-0.5)).unbind(1))

    # Colour at an eighth of the resolution: it is smooth, and sums stay exact.
    small = torch.nn.functional.avg_pool2d(rgb.flatten(0, 1).float(), 8).unflatten(0, rgb.shape[:2])
    planes_flat = [small[:, :, colour].flatten(1) / 64 for colour in range(3)]
    columns += [
        torch.atanh(0.99 * correlation(planes_flat[i], planes_flat[j]).clamp(-1, 1)) - 1
        for i, j in PAIRS
    ]
    largest, smallest = rgb.amax(2), rgb.amin(2)
    spread = (largest - smallest).float().flatten(1)
    saturation = spread / (largest.float().flatten(1) + 1)
    columns += [
        2 * saturation.mean(1) - 0.5,
        4 * saturation.std(1) - 0.5,
        2 * (spread < CLIPPED).float().mean(1),
    ]
    return torch.stack(columns, 1)
