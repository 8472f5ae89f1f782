"""What a perturbation is, those there are, and how a user chooses among them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from numbers import Real

import numpy as np
from PIL import Image

from ...public import public
from ..picture import as_picture
from .changes import blur, crop, gamma, jpeg, noise, resize, webp
from .sharing import messenger, recapture, screenshot


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
        """Change one picture."""
        content = content_of(image) if content is None else content
        key = f"{self.name} {float(strength)!r} {random_state}".encode()
        seed = hashlib.blake2b(content + key, digest_size=16).digest()
        return self.function(image, strength, np.random.default_rng(list(seed)))

    def __getstate__(self):
        """A perturbation of ours is pickled by its name, so that its function may move."""
        ours = PERTURBATIONS.get(self.name)
        if ours is not None and self == replace(ours, strengths=self.strengths):
            return {"name": self.name, "strengths": self.strengths}
        return vars(self)

    def __setstate__(self, state):
        if "function" not in state:
            state = vars(PERTURBATIONS[state["name"]]) | state
        vars(self).update(state)


def content_of(image):
    """Return a digest of a picture's pixels, from which its random numbers are drawn."""
    pixels = np.ascontiguousarray(image)
    return hashlib.blake2b(pixels, digest_size=16, key=str(pixels.shape).encode()).digest()


_QUALITIES = (95, 85, 75, 65, 50, 30)
_OURS = "ours"
_RESIZING = {
    "strengths": (0.25, 0.5, 0.75, 1.25, 1.5, 2),
    "unit": "scale",
    "protocol": "downscaling to 112 and 64 pixels: GenImage; filters and scales: ours",
}

_ALL = (
    Perturbation(
        "jpeg",
        jpeg,
        _QUALITIES,
        "quality",
        parameters="Pillow (libjpeg), baseline, 4:2:0, no metadata",
        protocol="Wang 2020 (training, 30 to 100), Ojha 2023 (30 to 100), GenImage (65, 30), "
        "Simplicity Prevails (95, 85, 75, 65)",
    ),
    Perturbation(
        "webp",
        webp,
        _QUALITIES,
        "quality",
        parameters="Pillow (libwebp), lossy, method 4, no metadata",
        protocol=_OURS,
    ),
    Perturbation(
        "blur",
        blur,
        (0.5, 1, 1.5, 2, 3),
        "sigma in pixels",
        parameters="Gaussian, cut off at 4 sigma, mirrored border",
        protocol="Wang 2020 (training, 0 to 3), Ojha 2023 (0 to 4), GenImage (3, 5), "
        "Simplicity Prevails (0.5, 1, 1.5, 2)",
    ),
    *(
        Perturbation(
            f"resize_{filter.name.lower()}",
            partial(resize, filter=filter),
            parameters=f"Pillow, {filter.name.lower()}, keeps the new size",
            **_RESIZING,
        )
        for filter in (
            Image.Resampling.NEAREST,
            Image.Resampling.BILINEAR,
            Image.Resampling.BICUBIC,
            Image.Resampling.LANCZOS,
        )
    ),
    Perturbation(
        "noise",
        noise,
        (2, 5, 10, 20),
        "standard deviation (of 255)",
        parameters="Gaussian, independent in each pixel and colour",
        protocol="Frank 2020 (5 to 20)",
    ),
    Perturbation(
        "crop",
        crop,
        (0.9, 0.75, 0.5, 0.25),
        "share of each side",
        parameters="anywhere, not resized",
        protocol="Frank 2020 (0.8 to 0.95, resized back, which is not done here); rest: ours",
    ),
    Perturbation(
        "gamma",
        gamma,
        (0.5, 0.75, 1.5, 2),
        "exponent",
        parameters="on values from 0 to 1, all colours alike",
        protocol=_OURS,
    ),
    Perturbation(
        "messenger",
        messenger,
        (1, 2, 3),
        "times sent",
        parameters="longest side to 1600, 1280, 1024 at most (Lanczos), JPEG 75, 70, 65, 4:2:0",
        protocol=_OURS,
    ),
    Perturbation(
        "screenshot",
        screenshot,
        (0.9, 0.75, 0.5),
        "scale",
        parameters="bilinear, begins at a fraction of a pixel, saved without loss",
        protocol=_OURS,
    ),
    Perturbation(
        "recapture",
        recapture,
        (1, 2, 3),
        "times as strong",
        parameters="askew, moire, tone, blur 0.4, noise 1.5, JPEG 90",
        protocol=_OURS,
    ),
)
PERTURBATIONS = {perturbation.name: perturbation for perturbation in _ALL}
"""By name, in the order in which they are shown."""


@public("sklearn_ssafe.images")
def list_perturbations():
    """List the perturbations that `robustness_curve` knows by name.

    Returns
    -------
    table : pandas.DataFrame
        One row for each, with the columns ``perturbation``, ``strengths`` (tuple of float, the
        default), ``unit`` (what the strength counts), ``parameters`` (all other settings) and
        ``protocol`` (the papers that test with it, and their range; "ours" where there is none).

    Examples
    --------
    >>> from sklearn_ssafe.images import list_perturbations
    >>> list_perturbations().set_index("perturbation").loc["blur", "strengths"]
    (0.5, 1, 1.5, 2, 3)
    """
    import pandas as pd

    return pd.DataFrame(
        {
            "perturbation": [each.name for each in _ALL],
            "strengths": pd.Series([each.strengths for each in _ALL], dtype=object),
            "unit": [each.unit for each in _ALL],
            "parameters": [each.parameters for each in _ALL],
            "protocol": [each.protocol for each in _ALL],
        }
    )


def choose_perturbations(wanted):
    """Return what a user asked for as perturbations, each with the strengths to try."""
    if isinstance(wanted, str) and wanted == "all":
        return list(_ALL)
    if isinstance(wanted, str | Perturbation):
        wanted = [wanted]
    wanted = _strengths_by_name(wanted)
    chosen = {}
    for item in wanted:
        for perturbation in _find(item):
            if isinstance(wanted, Mapping):
                strengths = _check_strengths(perturbation.name, wanted[item])
                perturbation = replace(perturbation, strengths=strengths)
            earlier = chosen.setdefault(perturbation.name, perturbation)
            if earlier is not perturbation:
                raise ValueError(f"perturbations names {perturbation.name!r} twice.")
    if not chosen:
        raise ValueError('perturbations is empty: name one at least, or "all".')
    return list(chosen.values())


def _strengths_by_name(wanted):
    """Turn pairs of name and strength, ``[("jpeg", 80), ("jpeg", 50)]``, into a dict."""
    is_pair = [isinstance(item, tuple | list) for item in wanted]
    if isinstance(wanted, Mapping) or not any(is_pair):
        return wanted
    by_name = {}
    for item in wanted:
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise ValueError(f"{item!r} is no pair of a perturbation and a strength.")
        by_name.setdefault(item[0], []).append(item[1])
    return by_name


def _find(item):
    if isinstance(item, Perturbation):
        return [item]
    found = [each for name, each in PERTURBATIONS.items() if fnmatchcase(name, str(item))]
    if not found:
        close = get_close_matches(str(item), PERTURBATIONS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"Unknown perturbation {item!r}.{hint} There are: {', '.join(PERTURBATIONS)}."
        )
    return found


def _check_strengths(name, strengths):
    strengths = (strengths,) if isinstance(strengths, Real) else tuple(strengths)
    if not strengths or not all(isinstance(value, Real) for value in strengths):
        raise ValueError(f"the strengths of {name!r} must be numbers, got {strengths!r}.")
    if len(set(strengths)) < len(strengths):
        raise ValueError(f"the strengths of {name!r} name one twice: {strengths!r}.")
    return strengths


@public("sklearn_ssafe.images")
def perturb(image, name, strength, *, random_state=0):
    """Change one picture as `robustness_curve` does, to look at it or to keep it.

    Parameters
    ----------
    image : str, Path, bytes, PIL.Image.Image or ndarray of uint8
        A picture, as for `FrozenEncoderTransformer`.
    name : str or Perturbation
        What to do: a name that `list_perturbations` lists, or a perturbation of your own.
    strength : float
        How strongly, in the unit that `list_perturbations` gives.
    random_state : int, default=0
        Enters the seed, with the pixels, the name and the strength.

    Returns
    -------
    changed : bytes or ndarray of uint8, shape (height, width, 3)
        The content of a JPEG or WebP file where a codec is part of the perturbation, RGB values
        otherwise. Equal pixels give equal results.

    Raises
    ------
    ImageReadError
        The picture cannot be read.
    ValueError
        The name is unknown or stands for several perturbations, or the picture cannot be changed in
        this way.

    Examples
    --------
    >>> from sklearn_ssafe.images import perturb
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> picture = make_generated_images(n_samples=2, image_size=64, random_state=0).X[0]
    >>> perturb(picture, "crop", 0.5).shape
    (32, 32, 3)
    >>> len(perturb(picture, "jpeg", 30)) < len(picture)
    True
    """
    chosen = choose_perturbations(name)
    if len(chosen) > 1:
        raise ValueError(
            f"{name!r} stands for {len(chosen)} perturbations: "
            f"{', '.join(each.name for each in chosen)}. Name one."
        )
    return chosen[0](as_picture(image).read(), strength, random_state)
