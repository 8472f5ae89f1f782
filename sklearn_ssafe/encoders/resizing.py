"""Pictures resized: by Pillow, as open_clip and timm do to the bit, or faster by torch."""

import numpy as np
import PIL
import torch
from PIL import Image

_BY_TORCH = ("bilinear", "bicubic")  # what torch resizes in uint8 as Pillow does, but for rounding
# Pillow begins with the columns of what becomes lower above all, from version 13 on; torch never
# does. In between bicubic values are clipped, so that the order shows.
_COLUMNS_FIRST = int(PIL.__version__.partition(".")[0]) >= 13


def choose_resizer(resize, dtype, interpolation):
    """Return who resizes, "pillow" or "torch": torch where numbers are rounded to less anyway."""
    by_torch = interpolation.lower() in _BY_TORCH
    if resize == "auto":
        return "torch" if by_torch and dtype != torch.float32 else "pillow"
    if resize not in ("pillow", "torch"):
        raise ValueError(f"resize={resize!r}: use 'auto', 'pillow' or 'torch'.")
    if resize == "torch" and not by_torch:
        raise ValueError(
            f"resize='torch' with interpolation={interpolation!r}: torch has {_BY_TORCH} alone. "
            "Use resize='auto'."
        )
    return resize


def resized(image, height, width, interpolation, resizer):
    """Return a picture, uint8 (height, width, 3), in another size."""
    if resizer == "pillow":
        resampling = Image.Resampling[interpolation.upper()]
        return np.asarray(Image.fromarray(image).resize((width, height), resampling))
    if not image.flags.writeable:  # of which torch would warn
        image = image.copy()
    # Colours stay last in memory: any other layout is copied first, and takes three times as long.
    # Numpy turns the axes, because torch lets go of Python's lock in every call, which other
    # threads then take.
    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None])
    lower, narrower = image.shape[0] - height, image.shape[1] - width
    if _COLUMNS_FIRST and lower > max(0, 2 * narrower):
        pixels = _by_torch(pixels, height, image.shape[1], interpolation)
    return _by_torch(pixels, height, width, interpolation).numpy()[0].transpose(1, 2, 0)


def _by_torch(pixels, height, width, interpolation):
    return torch.nn.functional.interpolate(
        pixels, size=(height, width), mode=interpolation.lower(), antialias=True
    )
