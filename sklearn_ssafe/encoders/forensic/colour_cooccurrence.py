"""Co-occurrences of the residuals of red, green and blue at one pixel, and of colour differences.

In a camera the three colours pass through one lens, one mosaic and one demosaicing, so their
high-pass residuals go together; a generator makes them by separate output weights.

- ``cross_colour_second_order_cooc_rgb_2_1_0``: share of pixels whose quantised residuals (along
  rows) in red, green and blue are 2, 1, 0, or the negative of that; ``cross_colour_half_scale_*``
  on means of 2x2 pixels, the resolution at which most JPEG files keep colour;
- ``red_minus_green_square3x3_cooc_2_0_-1``: the same for three neighbouring residuals of a colour
  difference at half the resolution, counted as in the luma's co-occurrences.

Columns hold the square root of the share minus the square root of an equal share, times 10.

References
----------
M. Goljan, J. Fridrich and R. Cogranne, "Rich model for steganalysis of color images", WIFS 2014.
M. Barni, K. Kallas, E. Nowroozi and B. Tondi, "CNN Detection of GAN-Generated Face Images based
on Cross-Band Co-occurrences Analysis", WIFS 2020. H. Li, B. Li, S. Tan and J. Huang,
"Identification of deep network generated images using disparities in color components", Signal
Processing 174, 2020.
"""

import torch

from .counting import (
    count_row_and_column_triples,
    frequencies,
    quantise,
    shares,
    triple_classes,
    triple_codes,
    triple_names,
)
from .filters import KERNELS

CROSS_COLOUR = {
    "rgb": ("first_order", "second_order", "square3x3"),
    "half_rgb": ("first_order", "second_order", "square3x3"),
}
"""Filters applied to each plane of three colours."""

COLOUR_DIFFERENCES = ("red_minus_green", "blue_minus_green")
COLOUR_DIFFERENCE_KERNELS = ("second_order", "square3x3")
SCALE = 10.0


def names():
    """Column names, see the module's description."""
    columns = [
        f"cross_colour_{'half_scale_' if plane == 'half_rgb' else ''}{kernel}_cooc_rgb_{triple}"
        for plane, kernels in CROSS_COLOUR.items()
        for kernel in kernels
        for triple in triple_names(False)
    ]
    columns += [
        f"{colour}_{kernel}_cooc_{triple}"
        for kernel in COLOUR_DIFFERENCE_KERNELS
        for colour in COLOUR_DIFFERENCES
        for triple in triple_names(True)
    ]
    return columns


def _hellinger(share, reversible):
    """Add up classes of triples and take the root, relative to equal shares."""
    membership = triple_classes(reversible)[1].to(share.device)
    equal_share = (membership.sum(0) / membership.sum()).sqrt()
    return SCALE * ((share @ membership).sqrt() - equal_share)


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
    for plane, kernels in CROSS_COLOUR.items():
        for kernel in kernels:
            function, step = KERNELS[kernel]
            red, green, blue = quantise(function(getattr(planes, plane)), step).unbind(2)
            share = frequencies(triple_codes(red, green, blue), 125)
            columns.append(_hellinger(share, False))
    # Whole sums of four pixels keep two more bits than their rounded mean.
    sums = (4 * planes.half_colour_differences).to(torch.int16)
    for kernel in COLOUR_DIFFERENCE_KERNELS:
        function, step = KERNELS[kernel]
        digits = quantise(function(sums), 2 * step)
        for colour in range(len(COLOUR_DIFFERENCES)):
            share = shares(count_row_and_column_triples(digits[:, :, colour]))
            columns.append(_hellinger(share, True))
    return torch.cat(columns, 1)
