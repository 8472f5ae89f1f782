"""Lossy codecs: a picture saved once more, as bytes that the detector decodes itself."""

import io

from PIL import Image


def jpeg(image, strength, rng=None):
    """Save as JPEG of quality `strength`: baseline, 4:2:0, libjpeg's Huffman tables, no metadata.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values.
    strength : float
        Quality as libjpeg counts it, 1 to 95; rounded.
    rng : ignored
        Nothing here is random.

    Returns
    -------
    file : bytes
    """
    return _saved(image, "JPEG", quality=round(strength), subsampling="4:2:0")


def webp(image, strength, rng=None):
    """Save as lossy WebP of quality `strength`: method 4, no metadata.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values; at most 16,383 pixels a side.
    strength : float
        Quality as libwebp counts it, 0 to 100; rounded.
    rng : ignored
        Nothing here is random.

    Returns
    -------
    file : bytes
    """
    return _saved(image, "WEBP", quality=round(strength), method=4)


def _saved(image, format, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format, **options)
    return file.getvalue()
