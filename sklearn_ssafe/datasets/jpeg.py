"""JPEG files of one kind for every picture, and detail added until file sizes agree."""

import io

import numpy as np
from PIL import Image


def encode_jpeg(picture, quality):
    """Write a picture as a baseline JPEG file, 4:2:0, without metadata."""
    values = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, format="JPEG", quality=quality, subsampling="4:2:0")
    return file.getvalue()


def encode_matched(picture, detail, target_size, quality, tolerance=0.01, max_tries=8):
    """Add as much detail to a picture as makes its JPEG file as large as another.

    A decoder's output is smoother than a photograph, so its file would be smaller, and file size
    alone would give the class away.
    """
    detail = detail / max(float(detail.std()), 1e-6)
    low, high = 0.0, None  # strengths known to be too small and too large, in sRGB values
    strength, best = 0.0, None
    for _ in range(max_tries):
        file = encode_jpeg(picture + np.float32(strength) * detail, quality)
        if best is None or abs(len(file) - target_size) < abs(len(best) - target_size):
            best = file
        if abs(len(file) - target_size) <= tolerance * target_size:
            break
        if len(file) < target_size:
            low = strength
        elif strength == 0:
            break  # as busy as wanted without any
        else:
            high = strength
        strength = max(0.01, 2 * strength) if high is None else (low + high) / 2
    return best
