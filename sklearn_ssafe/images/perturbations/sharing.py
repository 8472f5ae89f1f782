"""What people do with pictures: send them on, take a screenshot, photograph a screen."""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from .changes import jpeg, rounded

# Longest side in pixels and JPEG quality of the first, second and third time a picture is sent.
MESSENGER_HOPS = ((1600, 75), (1280, 70), (1024, 65))


def messenger(image, strength, rng=None):
    """Send a picture on `strength` times: made smaller where it is too large, saved as JPEG."""
    for longest, quality in MESSENGER_HOPS[: round(strength)]:
        picture = Image.fromarray(image)
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=None)
        file = jpeg(np.asarray(picture), quality)
        image = np.asarray(Image.open(io.BytesIO(file)))
    return file


def screenshot(image, strength, rng):
    """Show a picture on a screen at `strength` times its size, and keep what the screen shows."""
    height, width = image.shape[:2]
    left, top = rng.random(2)
    right, bottom = min(width, max(width - 1, 1) + left), min(height, max(height - 1, 1) + top)
    size = max(1, round((right - left) * strength)), max(1, round((bottom - top) * strength))
    picture = Image.fromarray(image)
    return np.asarray(
        picture.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom))
    )


def recapture(image, strength, rng):
    """Photograph a picture off a screen; each step is `strength` times as strong as at 1.

    In order: the camera stands askew (each corner moves by up to 0.5 % of the side times
    `strength`, bicubic, 0.9 of the size), the screen's grid beats with the sensor's (a wave of 2.5
    to 6 pixels in a random direction, its phase another in each colour, amplitude 1.5 % times
    `strength`), exposure and white balance (exponent 0.9 to 1.1, gain of each colour within 3 %
    times `strength`), optics (Gaussian blur, sigma 0.4 times `strength`), sensor (Gaussian noise,
    standard deviation 1.5 times `strength`), JPEG quality 90, 4:2:0.
    """
    seen = _askew(image, 0.005 * strength, rng).astype(np.float32)
    seen *= 1 + np.float32(0.015 * strength) * _grid_beats(seen.shape[:2], rng)
    gains = rng.uniform(1 - 0.03 * strength, 1 + 0.03 * strength, 3).astype(np.float32)
    exponent = np.float32(rng.uniform(0.9, 1.1))
    seen = 255 * (np.clip(seen, 0, 255) / 255) ** exponent * gains
    seen = gaussian_filter(seen, (0.4 * strength, 0.4 * strength, 0))
    seen += np.float32(1.5 * strength) * rng.standard_normal(seen.shape, dtype=np.float32)
    return jpeg(rounded(seen), 90)


def _askew(image, shift, rng):
    height, width = image.shape[:2]
    # Upper left, lower left, lower right, upper right: each moves inwards, so nothing is made up.
    inwards = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    corners = np.array([[0, 0], [0, height], [width, height], [width, 0]], dtype=float)
    corners += inwards * rng.uniform(0, shift, (4, 2)) * (width, height)
    size = max(1, round(0.9 * width)), max(1, round(0.9 * height))
    return np.asarray(
        Image.fromarray(image).transform(
            size, Image.Transform.QUAD, corners.ravel().tolist(), Image.Resampling.BICUBIC
        )
    )


def _grid_beats(shape, rng):
    """Waves of amplitude 1, shape (height, width, 3)."""
    direction, period = rng.uniform(0, np.pi), rng.uniform(2.5, 6)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    along = (columns * np.cos(direction) + rows * np.sin(direction)) * (2 * np.pi / period)
    phases = rng.uniform(0, 2 * np.pi) + np.arange(3) * (2 * np.pi / 3)
    return np.sin(along[:, :, None] + phases).astype(np.float32)
