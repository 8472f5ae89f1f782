"""Changes of pixel values: blur, noise, tone."""

import numpy as np
from scipy.ndimage import gaussian_filter


def blur(image, strength, rng=None):
    """Blur each colour with a Gaussian of standard deviation `strength`.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values.
    strength : float
        Pixels. The kernel ends at 4 standard deviations; the border is mirrored.
    rng : ignored
        Nothing here is random.

    Returns
    -------
    blurred : ndarray of uint8, shape (height, width, 3)
    """
    return rounded(gaussian_filter(image.astype(np.float32), (strength, strength, 0)))


def noise(image, strength, rng):
    """Add Gaussian noise of standard deviation `strength`, independent in each pixel and colour.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values.
    strength : float
        On the scale of 0 to 255.
    rng : numpy.random.Generator
        Where the noise comes from.

    Returns
    -------
    noisy : ndarray of uint8, shape (height, width, 3)
    """
    added = rng.standard_normal(image.shape, dtype=np.float32)
    return rounded(image + np.float32(strength) * added)


def gamma(image, strength, rng=None):
    """Raise values, taken from 0 to 1, to the power `strength`: above 1 is darker.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values.
    strength : float
        The exponent, above 0.
    rng : ignored
        Nothing here is random.

    Returns
    -------
    toned : ndarray of uint8, shape (height, width, 3)
    """
    return rounded(255 * (np.arange(256) / 255) ** strength)[image]


def rounded(values):
    """Return values as the nearest of 0 to 255.

    Parameters
    ----------
    values : ndarray of float
        Any shape.

    Returns
    -------
    pixels : ndarray of uint8
        The same shape.
    """
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
