"""Local binary patterns of the luma at two scales.

Each pixel is compared with its eight neighbours; the ring of eight answers is one of 36 patterns
that differ by more than a rotation. ``lbp_luma_00001111_share`` is the share of pixels whose
ring, rotated to its smallest value, reads so. Columns hold the square root of the share minus the
square root of 1/36, times 5.

References
----------
T. Ojala, M. Pietikainen and T. Maenpaa, "Multiresolution gray-scale and rotation invariant
texture classification with local binary patterns", IEEE TPAMI 24(7), 2002. Used on generated
pictures and computer graphics by W. Li et al., "Distinguishing computer graphics from
photographic images using local binary patterns", IWDW 2012.
"""

from functools import cache

import torch

from .counting import frequencies

N_NEIGHBOURS = 8
# Around the pixel, so that neighbouring bits are neighbouring pixels.
RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
SCALE = 5.0
PLANES = ("luma", "half_scale_luma")


@cache
def rotation_classes():
    """Group the 256 rings by rotation.

    Returns
    -------
    representatives : tuple of int
        The smallest ring of each of the 36 classes.
    membership : torch.Tensor of float32, shape (256, 36)
        1 where a ring belongs to a class.
    """

    def smallest(ring):
        return min((ring >> k | ring << (N_NEIGHBOURS - k)) & 255 for k in range(N_NEIGHBOURS))

    representatives = sorted({smallest(ring) for ring in range(256)})
    membership = torch.zeros(256, len(representatives))
    for ring in range(256):
        membership[ring, representatives.index(smallest(ring))] = 1
    return tuple(representatives), membership


def names():
    """Column names, see the module's description."""
    return [f"lbp_{plane}_{ring:08b}_share" for plane in PLANES for ring in rotation_classes()[0]]


def rings(x):
    """Ring of comparisons of each inner pixel, as a number from 0 to 255.

    Parameters
    ----------
    x : torch.Tensor of int16, shape (..., height, width)
        Pixels.

    Returns
    -------
    codes : torch.Tensor of uint8, shape (..., height - 2, width - 2)
        Bit k is set where neighbour k is at least as large as the pixel.
    """
    height, width = x.shape[-2] - 2, x.shape[-1] - 2
    centre = x[..., 1:-1, 1:-1]
    codes = torch.zeros(centre.shape, dtype=torch.uint8, device=x.device)
    for bit, (row, column) in enumerate(RING):
        neighbour = x[..., row : row + height, column : column + width]
        codes.add_(neighbour >= centre, alpha=1 << bit)
    return codes


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
    membership = rotation_classes()[1].to(planes.luma.device)
    columns = []
    for pixels in (planes.luma, planes.half_luma):
        share = frequencies(rings(pixels), 256) @ membership
        columns.append(SCALE * (share.sqrt() - membership.shape[1] ** -0.5))
    return torch.cat(columns, 1)
