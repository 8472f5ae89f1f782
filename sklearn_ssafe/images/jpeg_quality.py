"""The quality of a JPEG file, from its quantisation tables."""

import functools
import hashlib
import io

import numpy as np
from PIL import Image


@functools.cache
def _tables_by_quality():
    """Luminance and chrominance tables at the qualities 1 to 100, as libjpeg makes them."""
    tables = {}
    grey = Image.new("RGB", (8, 8))
    for quality in range(1, 101):
        file = io.BytesIO()
        grey.save(file, "JPEG", quality=quality)
        with Image.open(file) as written:
            tables[quality] = tuple(tuple(written.quantization[n]) for n in (0, 1))
    return tables


@functools.lru_cache(4096)
def jpeg_quality(luminance):
    """Estimate the quality that a JPEG file was written with.

    Parameters
    ----------
    luminance : tuple of int, length 64
        The first quantisation table, in the order Pillow gives it.

    Returns
    -------
    quality : int
        1 to 100, on the scale of the Independent JPEG Group: the quality whose own table is closest
        (mean absolute difference of logarithms), which is exact for files of libjpeg.
    """
    qualities = list(_tables_by_quality())
    standard = np.array([_tables_by_quality()[quality][0] for quality in qualities], dtype=float)
    distance = np.abs(np.log(standard) - np.log(np.maximum(luminance, 1))).mean(axis=1)
    return qualities[int(np.argmin(distance))]


@functools.lru_cache(4096)
def name_tables(tables):
    """Name the quantisation tables of a JPEG file.

    Parameters
    ----------
    tables : tuple of tuple of int
        All tables of the file, each of length 64.

    Returns
    -------
    name : str
        ``"libjpeg 90"`` for the tables of the Independent JPEG Group at quality 90, else ``"own"``,
        the closest quality and a fingerprint: cameras and editors have tables of their own.
    """
    quality = jpeg_quality(tables[0])
    # A grey picture has the first table alone.
    if tables == _tables_by_quality()[quality][: len(tables)]:
        return f"libjpeg {quality}"
    fingerprint = hashlib.sha256(repr(tables).encode()).hexdigest()[:6]
    return f"own {fingerprint}, near quality {quality}"
