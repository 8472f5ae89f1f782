"""What a score owes to each region: cover it, and look again."""

from itertools import product

import numpy as np
from PIL import Image, ImageFilter

# Covered copies of one picture that are in memory at a time.
_MOST_BYTES = 2**28
_MOST_AT_ONCE = 64


def occlusion_map(picture, score, *, grid=8, fill="blur"):
    """Measure how much the score falls when a region is covered [1]_.

    Works with whatever gives scores, and costs one score for each region.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
        RGB values.
    score : callable
        Takes a list of pictures, returns an ndarray of their scores.
    grid : int, default=8
        Regions along the longer side; those along the shorter side follow, so that they are
        nearly square.
    fill : {"blur", "mean"}, default="blur"
        What a region is covered with: its own blurred content, or the mean colour of the picture.

    Returns
    -------
    heat : ndarray of float, shape (n_down, n_right)
        Score of the picture less that with the region covered: above 0 where the region raises the
        score.

    References
    ----------
    .. [1] Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
       Section 4.2.
    """
    height, width = picture.shape[:2]
    longer = max(height, width)
    n_down, n_right = (max(1, min(side, round(grid * side / longer))) for side in (height, width))
    rows, columns = _edges(height, n_down), _edges(width, n_right)
    if fill == "mean":
        cover = np.broadcast_to(picture.mean(axis=(0, 1)).astype(np.uint8), picture.shape)
    else:
        sigma = longer / grid / 4
        cover = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(sigma)))

    def covered(down, right):
        copy = picture.copy()
        region = slice(rows[down], rows[down + 1]), slice(columns[right], columns[right + 1])
        copy[region] = cover[region]
        return copy

    regions = list(product(range(n_down), range(n_right)))
    at_once = int(np.clip(_MOST_BYTES // picture.nbytes, 1, _MOST_AT_ONCE))
    scores = [score([picture])]
    for start in range(0, len(regions), at_once):
        scores.append(score([covered(*where) for where in regions[start : start + at_once]]))
    scores = np.concatenate(scores)
    return (scores[0] - scores[1:]).reshape(n_down, n_right)


def _edges(length, n):
    return np.linspace(0, length, n + 1).round().astype(int)
