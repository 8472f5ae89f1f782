"""Co-occurrences of neighbouring high-pass residuals.

High-pass residuals of the luma are divided by the weight of the central pixel, rounded and
truncated to -2 ... 2; the triples of neighbouring values are counted along the direction of the
filter and across it. Triples that differ only in sign or direction are counted together, and
horizontal with vertical filters. The residuals are those of means of 2x2 pixels: at the finest
scale they tell more of the picture's JPEG history than of its origin.

A column named ``srm_half_scale_second_order_cooc_along_2_0_-1`` is the share of pixels where the
second difference along a row (or column) takes the quantised values 2, 0, -1 in three
neighbouring pixels. Columns hold the square root of that share (so that Euclidean distance is the
Hellinger distance) minus the square root of an equal share, times 10.

References
----------
J. Fridrich and J. Kodovsky, "Rich Models for Steganalysis of Digital Images", IEEE TIFS 7(3),
2012, sections II.B to II.E. D. Cozzolino and L. Verdoliva, "Camera-based Image Forgery
Localization using Convolutional Neural Networks" and their earlier work with G. Poggi,
"Splicebuster: a new blind image splicing detector", WIFS 2015, use the same descriptor.
"""

import torch

from .counting import (
    count_column_triples,
    count_row_triples,
    quantise,
    shares,
    triple_classes,
    triple_names,
)
from .filters import DIRECTIONAL, KERNELS

USED = ("second_order", "third_order", "edge3x3", "square3x3")
"""Filters of which co-occurrences are counted."""

SCALE = 10.0


def _directions(kernel):
    return ("along", "across") if kernel in DIRECTIONAL else ("any_direction",)


def names():
    """Column names, see the module's description."""
    return [
        f"srm_half_scale_{kernel}_cooc_{direction}_{triple}"
        for kernel in USED
        for direction in _directions(kernel)
        for triple in triple_names(True)
    ]


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
    for kernel in USED:
        digits = [quantise(r, KERNELS[kernel][1]) for r in planes.residuals("half_luma", kernel)]
        along = sum(map(count_row_triples, digits))
        across = sum(map(count_column_triples, digits))
        columns += [along, across] if kernel in DIRECTIONAL else [along + across]
    membership = triple_classes(True)[1].to(planes.luma.device)
    grouped = (shares(torch.stack(columns, 1)) @ membership).sqrt()
    equal_share = (membership.sum(0) / membership.sum()).sqrt()
    return (SCALE * (grouped - equal_share)).flatten(1)
