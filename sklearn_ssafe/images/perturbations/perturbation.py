"""Perturbation: one way in which pictures are changed, with its strengths and its seed."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...public import public


@public("sklearn_ssafe.images")
@dataclass(frozen=True)
class Perturbation:
    """One way in which pictures are changed.

    Parameters
    ----------
    name : str
        What it is called in tables and pictures.
    function : callable
        ``function(image, strength, rng)``: `image` is a uint8 array of shape (height, width, 3),
        `strength` a float, `rng` a `numpy.random.Generator`. Returns a uint8 array (height, width,
        3), or the ``bytes`` of a picture file where a codec is part of it. `image` is not written
        to.
    strengths : tuple of float
        The strengths that are tried when none are named, in the order in which they are shown.
    unit : str
        What the strength counts, such as "quality".
    parameters : str, default=""
        All other settings, in words.
    protocol : str, default=""
        The papers that test with it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe.images import Perturbation
    >>> invert = Perturbation("invert", lambda image, strength, rng: 255 - image, (1,), "times")
    >>> int(invert(np.zeros((8, 8, 3), dtype=np.uint8), 1)[0, 0, 0])
    255
    """

    name: str
    function: Callable
    strengths: tuple
    unit: str
    parameters: str = ""
    protocol: str = ""

    def __call__(self, image, strength, random_state=0, *, content=None):
        """Change one picture.

        Parameters
        ----------
        image : ndarray of uint8, shape (height, width, 3)
            RGB values.
        strength : float
            How strongly.
        random_state : int, default=0
            Another number draws other noise and other crops.
        content : bytes or None, default=None
            `content_of` this image, where it is already known.

        Returns
        -------
        changed : ndarray of uint8, shape (height, width, 3), or bytes
            The same for the same pixels, whatever is changed before or beside it.
        """
        content = content_of(image) if content is None else content
        key = f"{self.name} {float(strength)!r} {random_state}".encode()
        seed = hashlib.blake2b(content + key, digest_size=16).digest()
        return self.function(image, strength, np.random.default_rng(list(seed)))


def content_of(image):
    """Return a digest of a picture's pixels, from which its random numbers are drawn.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        RGB values.

    Returns
    -------
    digest : bytes
        Equal for equal pixels, whether they came from a path, bytes or an array.
    """
    pixels = np.ascontiguousarray(image)
    return hashlib.blake2b(pixels, digest_size=16, key=str(pixels.shape).encode()).digest()
