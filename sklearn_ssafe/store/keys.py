"""What an embedding is found by: the content of the picture, and everything done to it."""

import functools
import hashlib
import json
import os
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from PIL import Image, features

from ..images.reading import read_image

# To be raised when reading or preprocessing gives other pixels than before.
_PIXELS = 1

# Codecs whose pixels are a matter of their version; PNG, GIF and BMP decode to one result only.
_CODECS = ("jpg", "jpg_2000", "webp", "avif")
_DECODERS = ("simplejpeg", "pillow-heif", "pillow-avif-plugin")

# File systems count time in steps, of up to two seconds: a file written so recently could change
# once more without a trace in its time of modification.
_STEP_NS = 2_000_000_000


class Settings:
    """Everything but the picture that an embedding depends on.

    Parameters
    ----------
    encoder : Encoder
        Its fingerprint is taken.

    Attributes
    ----------
    description : dict
        The fingerprint, with the versions of the decoders.
    key : bytes
        16 bytes that stand for the description.
    n_features : int

    Raises
    ------
    NotRecognisableError
        From the encoder.
    """

    def __init__(self, encoder):
        self.description = {**encoder.fingerprint, "pixels": _PIXELS, "decoders": _decoders()}
        text = json.dumps(self.description, sort_keys=True)
        self.key = hashlib.sha256(text.encode()).digest()[:16]
        self.n_features = encoder.n_features


def hash_of_content(content):
    """Hash a file's bytes.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    digest : bytes
        SHA-256, 32 bytes, as ``sha256sum`` gives it for the file.
    """
    return hashlib.sha256(content).digest()


def hash_of_pixels(item):
    """Hash a picture in memory by the RGB pixels that it stands for.

    Parameters
    ----------
    item : PIL.Image.Image or ndarray of uint8

    Returns
    -------
    digest : bytes
        32 bytes, the same for every way to hold these pixels.

    Raises
    ------
    ImageReadError
        If it is no picture.
    """
    pixels = read_image(item)
    digest = hashlib.sha256(f"pixels {pixels.shape}\n".encode())
    digest.update(pixels)
    return digest.digest()


def is_file(item):
    """Whether an item is the path of a file."""
    return isinstance(item, str | Path)


def is_content(item):
    """Whether an item is the content of a file."""
    return isinstance(item, bytes | bytearray | memoryview)


def is_in_memory(item):
    """Whether an item holds a picture, rather than a path or nothing."""
    return is_content(item) or isinstance(item, Image.Image | np.ndarray)


class FileState:
    """What tells without reading that a file has not changed.

    Parameters
    ----------
    path : str or Path
        Of a file that exists.

    Attributes
    ----------
    path_key : bytes
        16 bytes that stand for the absolute path.
    stamp : bytes
        Size and time of modification in nanoseconds, 8 bytes each.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If there can be none of that name.
    """

    def __init__(self, path):
        status = os.stat(path)
        full = os.fsencode(os.path.abspath(path))
        self.path_key = hashlib.blake2b(full, digest_size=16).digest()
        self._mtime_ns = status.st_mtime_ns
        self.stamp = _bytes8(status.st_size) + _bytes8(status.st_mtime_ns)

    def is_settled(self):
        """Whether a later change would show: the last one was a moment ago at least."""
        return abs(time.time_ns() - self._mtime_ns) > _STEP_NS


def _bytes8(number):
    return number.to_bytes(8, "little", signed=True)


@functools.cache
def _decoders():
    versions = {"pillow": version("pillow")}
    for codec in _CODECS:
        if codec in features.get_supported() and features.version(codec):
            versions[codec] = features.version(codec)
    for package in _DECODERS:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            pass
    return versions
