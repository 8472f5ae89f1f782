"""Photographs that scikit-learn and, where it is installed, scikit-image ship in their wheels."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

# Colour photographs of everyday scenes that are inside the scikit-image wheel. Its other
# pictures (microscopy, astronomy, greyscale) would stand apart from a camera's work.
_SCIKIT_IMAGE_FILES = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "motorcycle_left.png",
    "rocket.jpg",
)


def to_linear(encoded):
    """Undo the sRGB transfer curve (IEC 61966-2-1): encoded values 0 to 1 to linear light."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def to_srgb(linear):
    """Apply the sRGB transfer curve (IEC 61966-2-1): linear light 0 to 1 to encoded values."""
    linear = np.clip(linear, 0, 1)
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    ).astype(np.float32)


def _scikit_learn_files():
    package = find_spec("sklearn.datasets.images")
    return sorted(Path(next(iter(package.submodule_search_locations))).glob("*.jpg"))


def _scikit_image_files():
    package = find_spec("skimage")
    if package is None:
        return []
    # Read from the folder rather than through skimage.data, whose functions download
    # whatever is missing.
    folder = Path(package.origin).parent / "data"
    return [folder / name for name in _SCIKIT_IMAGE_FILES if (folder / name).is_file()]


@cache
def load_photographs(scikit_image=True):
    """Load the bundled photographs."""
    files = _scikit_learn_files() + (_scikit_image_files() if scikit_image else [])
    photographs = {}
    for file in files:
        with Image.open(file) as image:
            photographs[file.stem] = np.asarray(image.convert("RGB"))
    return photographs


def crop_photograph(photograph, shape, rng):
    """Cut a random window out of a photograph, at a random zoom, perhaps mirrored.

    The window is resized with a Lanczos filter, from up to 1.7 times the wanted size where the
    photograph is large enough, which averages away much of its own noise and compression.
    """
    height, width = shape
    available = min(photograph.shape[0] / height, photograph.shape[1] / width)
    zoom = rng.uniform(min(1.0, 0.8 * available), min(1.7, available))
    top = rng.uniform(0, photograph.shape[0] - zoom * height)
    left = rng.uniform(0, photograph.shape[1] - zoom * width)
    window = Image.fromarray(photograph).resize(
        (width, height),
        Image.Resampling.LANCZOS,
        box=(left, top, left + zoom * width, top + zoom * height),
    )
    scene = to_linear(np.asarray(window, dtype=np.float32) / 255)
    return scene[:, ::-1] if rng.random() < 0.5 else scene
