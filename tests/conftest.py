import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# No test may wait for a hub.
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def picture(seed=0, size=(48, 64), channels=3):
    """Smooth random pixels, so that JPEG keeps them roughly."""
    rng = np.random.default_rng(seed)
    shape = (6, 8) if channels == 1 else (6, 8, channels)
    small = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
    return np.asarray(small.resize(size[::-1], Image.Resampling.BICUBIC))


def encoded(image, format="JPEG", **options):
    """The bytes of a picture file."""
    file = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(
        file, format, **options
    )
    return file.getvalue()


@pytest.fixture
def picture_files(tmp_path):
    """Ten JPEG files, as paths."""
    paths = []
    for number in range(10):
        path = tmp_path / f"picture_{number}.jpg"
        path.write_bytes(encoded(picture(number)))
        paths.append(str(path))
    return paths


@pytest.fixture(scope="session")
def sample_data():
    """The folder of sample photographs, where it lies beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "sample"
    if not (folder / "manifest.csv").exists():
        pytest.skip("the sample of real and generated pictures is not on this machine")
    return folder
