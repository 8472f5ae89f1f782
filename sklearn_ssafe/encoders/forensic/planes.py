"""The pixel planes that all feature families read, computed once for a batch."""

from functools import cached_property

import torch

from .filters import DIRECTIONAL, KERNELS
from .fourier import power_spectrum


def sum_2x2(x):
    """Add up 2x2 blocks of the last two dimensions."""
    total = x[..., ::2, ::2] + x[..., 1::2, ::2]
    total += x[..., ::2, 1::2]
    total += x[..., 1::2, 1::2]
    return total


class Planes:
    """Colour planes and high-pass residuals of a batch of crops.

    Integers stay integers (int16) wherever the statistic is a count, so that counts are
    exact on every device.

    Parameters
    ----------
    views : torch.Tensor of uint8, shape (n_images, n_views, size, size, 3)
        RGB crops.

    Attributes
    ----------
    rgb : torch.Tensor of int16, shape (n_images, n_views, 3, size, size)
        Red, green and blue.
    luma : torch.Tensor of int16, shape (n_images, n_views, size, size)
        BT.601 luma rounded to whole grey levels.
    """

    def __init__(self, views):
        self.rgb = views.permute(0, 1, 4, 2, 3).to(
            torch.int16, memory_format=torch.contiguous_format
        )
        self.size = views.shape[2]
        red, green, blue = self.rgb.to(torch.int32).unbind(2)
        # 16-bit fixed-point BT.601 weights: the same grey level on every device.
        luma = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
        self.luma = luma.to(torch.int16)
        self._transposed = {}
        self._residuals = {}

    def transposed(self, plane):
        """Copy of the plane called `plane` with rows and columns exchanged."""
        if plane not in self._transposed:
            self._transposed[plane] = getattr(self, plane).mT.contiguous()
        return self._transposed[plane]

    def residuals(self, plane, kernel):
        """High-pass residuals of a plane, computed once.

        Parameters
        ----------
        plane : {"luma", "half_luma"}
            The plane.
        kernel : str
            A key of `filters.KERNELS`.

        Returns
        -------
        residuals : list of torch.Tensor of int16
            One for a symmetric filter. For a directional one, that along the rows and that along
            the columns; the latter is transposed, so that its rows are columns of the picture.
        """
        if (plane, kernel) not in self._residuals:
            function = KERNELS[kernel][0]
            sources = [getattr(self, plane)]
            if kernel in DIRECTIONAL:
                sources.append(self.transposed(plane))
            self._residuals[plane, kernel] = [function(source) for source in sources]
        return self._residuals[plane, kernel]

    @cached_property
    def luma_float(self):
        """Luma as float32, shape (n_images, n_views, size, size)."""
        return self.luma.float()

    @cached_property
    def half_luma(self):
        """Means of 2x2 luma blocks rounded to whole grey levels, int16, half the size.

        The next coarser scale of the picture.
        """
        return (sum_2x2(self.luma) + 2) >> 2

    @cached_property
    def rgb_sums(self):
        """Sums of 2x2 blocks of each colour, int16, half the size."""
        return sum_2x2(self.rgb)

    @cached_property
    def half_rgb(self):
        """Means of 2x2 blocks of each colour rounded to whole grey levels, int16, half the size."""
        return (self.rgb_sums + 2) >> 2

    @cached_property
    def half_colour_differences(self):
        """Red minus green and blue minus green, means of 2x2 blocks, float32.

        Shape (n_images, n_views, 2, size / 2, size / 2). Half the size because nearly all
        JPEG files store colour at half the resolution of luma.
        """
        red, green, blue = self.rgb_sums.unbind(2)
        return torch.stack([red - green, blue - green], 2).float() / 4

    @cached_property
    def luma_power(self):
        """Power spectrum of the luma, shape (n_images, size, size / 2 + 1)."""
        return power_spectrum(self.luma_float)
