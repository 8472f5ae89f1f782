"""The corners of a picture, with what it shows filtered out as far as possible."""

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

SIDE = 16


def corner_patches(grey):
    """Cut out the four corners, and the four patches diagonally inside of them.

    A corner is a quarter of the shorter side, so that a mark falls on the same cells whatever the
    size of the picture. Local means are taken away and contrast is levelled: what remains of a
    scene averages out over pictures, and what remains of a mark does not.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)
        From `read_small_grey`.

    Returns
    -------
    patches : ndarray of float16, shape (8, 16, 16)
        Top left, top right, bottom left, bottom right; then the inner neighbours of these in the
        same order, to compare with. Values -3 to 3.
    """
    height, width = grey.shape
    side = max(1, min(height, width) // 4)
    picture = Image.fromarray(grey)
    patches = np.empty((8, SIDE, SIDE), dtype=np.float16)
    for number in range(8):
        inset = side if number >= 4 else 0
        bottom, right = divmod(number % 4, 2)
        left = width - side - inset if right else inset
        top = height - side - inset if bottom else inset
        box = (left, top, left + side, top + side)
        patch = picture.resize((SIDE, SIDE), Image.Resampling.BOX, box=box)
        detail = np.asarray(patch, dtype=np.float32)
        detail = detail - uniform_filter(detail, 5, mode="nearest")
        patches[number] = np.clip(detail / (detail.std() + 2), -3, 3)
    return patches
