"""What can be done to pixels: compression, geometry, blur, noise, tone."""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter


def jpeg(image, strength, rng=None):
    """Save as JPEG of quality `strength`: baseline, 4:2:0, Huffman tables of libjpeg, bare."""
    return _saved(image, "JPEG", quality=round(strength), subsampling="4:2:0")


def webp(image, strength, rng=None):
    """Save as lossy WebP of quality `strength`: method 4, no metadata."""
    return _saved(image, "WEBP", quality=round(strength), method=4)


def _saved(image, format, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format, **options)
    return file.getvalue()


def resize(image, strength, rng=None, *, filter):
    """Resize both sides by the factor `strength`; the picture keeps its new size."""
    height, width = (max(1, round(side * strength)) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), filter))


def resize_and_back(image, strength, rng=None):
    """Resize both sides by the factor `strength` and back to the old size, bilinear."""
    there = resize(image, strength, filter=Image.Resampling.BILINEAR)
    back = Image.fromarray(there).resize(image.shape[1::-1], Image.Resampling.BILINEAR)
    return np.asarray(back)


def crop(image, strength, rng):
    """Cut out a part whose sides are `strength` times those of the picture; do not resize it."""
    sides = [max(1, round(side * strength)) for side in image.shape[:2]]
    top, left = (
        int(rng.integers(old - new + 1)) for old, new in zip(image.shape[:2], sides, strict=True)
    )
    return np.ascontiguousarray(image[top : top + sides[0], left : left + sides[1]])


def blur(image, strength, rng=None):
    """Blur each colour with a Gaussian of standard deviation `strength`."""
    return rounded(gaussian_filter(image.astype(np.float32), (strength, strength, 0)))


def noise(image, strength, rng):
    """Add Gaussian noise of standard deviation `strength`, independent in each pixel and colour."""
    added = rng.standard_normal(image.shape, dtype=np.float32)
    return rounded(image + np.float32(strength) * added)


def gamma(image, strength, rng=None):
    """Raise values, taken from 0 to 1, to the power `strength`: above 1 is darker."""
    return rounded(255 * (np.arange(256) / 255) ** strength)[image]


def rounded(values):
    """Return values as the nearest of 0 to 255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
