"""Relations of neighbouring pixels that up-sampling layers leave.

A generator that doubles its resolution gives the pixels at even and odd positions different
neighbours. For first and second differences of the luma, along rows and columns:

- ``npr_first_difference_period_2_contrast_horizontal``: logarithm of the mean magnitude of the
  differences across the borders of blocks of 2 (or 4) pixels, over that inside the blocks;
- ``npr_equal_share_*``: share of neighbours that are exactly equal;
- ``npr_2x2_right``, ``_below``, ``_diagonal``: mean magnitude (logarithm) of the residual of each
  pixel against the first pixel of its 2x2 block, the map of Tan et al., the latter two relative
  to the first.

The JPEG period of 8 is left out: it tells the history of the file, not the origin of the picture.

References
----------
C. Tan et al., "Rethinking the Up-Sampling Operations in CNN-based Generative Network for
Generalizable Deepfake Detection", CVPR 2024 (equation 3). A. C. Gallagher, "Detection of linear
and cubic interpolation in JPEG compressed images", CRV 2005 (periodicity of second differences).
"""

import torch

PERIODS = (2, 4)
FLOOR = 0.02
"""Grey levels added to mean magnitudes, so that flat pictures stay finite."""

ORDERS = ("first", "second")
WAYS = ("horizontal", "vertical")


def names():
    """Column names, see the module's description."""
    columns = []
    for way in WAYS:
        for order in ORDERS:
            columns += [f"npr_{order}_difference_period_{p}_contrast_{way}" for p in PERIODS]
        columns.append(f"npr_equal_share_{way}")
    return [*columns, "npr_2x2_right", "npr_2x2_below", "npr_2x2_diagonal"]


def _log_mean(magnitude):
    return (magnitude.flatten(1).float().mean(1) + FLOOR).log()


def _contrasts(difference):
    """Borders of blocks against their insides, one value a period, list of (n_images,)."""
    # Column x holds pixels x and x + 1 (and x + 2): the border of a block is its last column.
    by_column = difference.abs().float().mean((1, 2))
    place = torch.arange(by_column.shape[-1], device=difference.device)
    columns = []
    for period in PERIODS:
        border = place % period == period - 1
        across, inside = by_column[:, border].mean(1), by_column[:, ~border].mean(1)
        columns.append(5 * ((across + FLOOR).log() - (inside + FLOOR).log()))
    return columns


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
    for pixels in (planes.luma, planes.transposed("luma")):
        first = pixels[..., 1:] - pixels[..., :-1]
        columns += _contrasts(first) + _contrasts(first[..., 1:] - first[..., :-1])
        columns.append(2 * (first == 0).flatten(1).float().mean(1))
    luma = planes.luma
    corner = luma[..., ::2, ::2]
    right = _log_mean((luma[..., ::2, 1::2] - corner).abs())
    below = _log_mean((luma[..., 1::2, ::2] - corner).abs())
    diagonal = _log_mean((luma[..., 1::2, 1::2] - corner).abs())
    columns += [0.5 * right, 2 * (below - right), 2 * (diagonal - right)]
    return torch.stack(columns, 1)
