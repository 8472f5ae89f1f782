"""Where the native-resolution crops of a picture lie."""

import numpy as np

CROP_SIZE = 256
"""Height and width of a crop, in pixels."""

JPEG_BLOCK = 8
"""Crops start at multiples of this, so that every crop meets the grid of a JPEG file alike."""


def crop_starts(length, n_crops, size=CROP_SIZE):
    """Spread `n_crops` crops evenly along one side, on the JPEG grid.

    Parameters
    ----------
    length : int
        Length of the side in pixels, at least `size`.
    n_crops : int
        Number of crops. They overlap where the side is too short for all of them.
    size : int, default=256
        Length of a crop in pixels.

    Returns
    -------
    starts : list of int
        Multiples of 8 between 0 and ``length - size``.
    """
    free = length - size
    return [(2 * i + 1) * free // (2 * n_crops) // JPEG_BLOCK * JPEG_BLOCK for i in range(n_crops)]


def mirror_to_size(image, size=CROP_SIZE):
    """Extend a picture to the right and below by mirror reflection.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        Any size from 1x1 up.
    size : int, default=256
        Smallest height and width of the result, in pixels.

    Returns
    -------
    image : ndarray of uint8, shape (max(height, size), max(width, size), 3)
        The picture itself where it is large enough. The edge pixel is repeated, and the
        reflection goes back and forth as often as needed.
    """
    height, width = image.shape[:2]
    if height >= size and width >= size:
        return image
    padding = ((0, max(0, size - height)), (0, max(0, size - width)), (0, 0))
    return np.pad(image, padding, mode="symmetric")


def native_crops(image, n_crops, size=CROP_SIZE):
    """Cut a picture into square crops without resizing it.

    The crops lie on the smallest square grid that has room for them; when the grid has
    more places than crops, those nearest to the centre are taken.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values.
    n_crops : int
        Number of crops.
    size : int, default=256
        Height and width of a crop, in pixels.

    Returns
    -------
    crops : ndarray of uint8, shape (n_crops, size, size, 3)
    """
    image = mirror_to_size(image, size)
    per_side = int(np.ceil(np.sqrt(n_crops)))
    tops = crop_starts(image.shape[0], per_side, size)
    lefts = crop_starts(image.shape[1], per_side, size)
    places = [(row, column) for row in range(per_side) for column in range(per_side)]
    middle = (per_side - 1) / 2
    places.sort(key=lambda place: (place[0] - middle) ** 2 + (place[1] - middle) ** 2)
    return np.stack(
        [
            image[tops[row] : tops[row] + size, lefts[column] : lefts[column] + size]
            for row, column in places[:n_crops]
        ]
    )
