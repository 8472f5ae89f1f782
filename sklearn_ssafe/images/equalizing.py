"""One picture in the form that all pictures of a set get, so that the form tells nothing."""

import io
from numbers import Integral

import numpy as np
from PIL import Image

from ..public import public
from .inputs import as_pictures
from .picture import as_picture
from .threads import map_ahead, worker_threads

_SUFFIXES = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
_AHEAD = 64


@public("sklearn_ssafe.images")
def equalize_image(
    image, *, size=256, how="crop", codec="jpeg", quality=90, subsampling="4:2:0", upscale=False
):
    """Write one picture in a given size, codec and quality, without metadata.

    Parameters
    ----------
    image : str, Path, bytes, PIL.Image.Image or ndarray of uint8
        A picture, as `FrozenEncoderTransformer` takes it. It is made 8-bit RGB, upright,
        transparency on white; its colour profile is dropped and not applied.
    size : int or (int, int), default=256
        Side, or height and width, in pixels.
    how : {"crop", "resize"}, default="crop"
        ``"crop"`` takes the centre and leaves pixels as they are. ``"resize"`` shrinks the picture
        until it just covers `size` (Lanczos), then takes the centre: more of the scene, but
        shrinking removes traces of generators, and pictures that were larger are shrunk more.
    codec : {"jpeg", "png", "webp"}, default="jpeg"
        Of the result; WebP is lossy here.
    quality : int, default=90
        Of JPEG and WebP, 1 to 100, on Pillow's scale.
    subsampling : {"4:4:4", "4:2:2", "4:2:0"}, default="4:2:0"
        Of the chroma of JPEG.
    upscale : bool, default=False
        Whether a picture smaller than `size` is enlarged (Lanczos). It then differs from others by
        its sharpness.

    Returns
    -------
    content : bytes
        A picture file.

    Raises
    ------
    ImageReadError
        The picture cannot be read.
    ValueError
        It is smaller than `size` and `upscale` is False; or a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe.images import equalize_image, read_image
    >>> file = equalize_image(np.zeros((300, 400, 3), dtype=np.uint8), size=(96, 128))
    >>> read_image(file).shape
    (96, 128, 3)
    """
    height, width = check_form(size, how, codec, quality, subsampling)
    pixels = as_picture(image).read()
    if pixels.shape[0] < height or pixels.shape[1] < width:
        if not upscale:
            raise ValueError(
                f"is {pixels.shape[1]} x {pixels.shape[0]} pixels, less than {width} x {height}, "
                "and is not enlarged: take a smaller size, leave it out, or set upscale=True"
            )
        pixels = _cover(pixels, height, width)
    elif how == "resize":
        pixels = _cover(pixels, height, width)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    equal = Image.fromarray(np.ascontiguousarray(pixels[top : top + height, left : left + width]))
    file = io.BytesIO()
    options = {
        "jpeg": {"quality": quality, "subsampling": subsampling},
        "webp": {"quality": quality},
        "png": {},
    }
    equal.save(file, codec.upper(), **options[codec])
    return file.getvalue()


def _cover(pixels, height, width):
    """Change the size until the picture just covers the wanted one."""
    factor = max(height / pixels.shape[0], width / pixels.shape[1])
    new = max(width, round(pixels.shape[1] * factor)), max(height, round(pixels.shape[0] * factor))
    return np.asarray(Image.fromarray(pixels).resize(new, Image.Resampling.LANCZOS))


@public("sklearn_ssafe.images")
def iter_equalized(X, *, num_workers=None, **form):
    """Yield equalised pictures one after the other; memory stays flat however many there are.

    Parameters
    ----------
    X : array-like of shape (n_samples,), or a table of shape (n_samples, 1)
        Pictures: paths, ``bytes``, PIL images or uint8 arrays.
    num_workers : int or None, default=None
        Threads; None takes one for each core.
    **form
        Size, codec and so on, as for `equalize_image`.

    Yields
    ------
    content : bytes or None
        A picture file, in the order of X; None where a picture failed.
    reason : str or None
        Why it failed.
    """
    options = {"size": 256, "how": "crop", "codec": "jpeg", "quality": 90, "subsampling": "4:2:0"}
    check_form(**{name: form.get(name, default) for name, default in options.items()})

    def attempt(item):
        try:
            return equalize_image(item, **form), None
        except ValueError as error:  # ImageReadError is one
            return None, str(error)

    with worker_threads(num_workers) as threads:
        yield from map_ahead(threads, attempt, as_pictures(X), _AHEAD)


def suffix_of(codec):
    """Return the suffix of files of a codec, such as ``".jpg"``."""
    return _SUFFIXES[codec]


def check_form(size, how, codec, quality, subsampling):
    """Check the parameters of `equalize_image`."""
    sides = (size, size) if isinstance(size, Integral) else tuple(size)
    if len(sides) != 2 or not all(isinstance(side, Integral) and side > 0 for side in sides):
        raise ValueError(f"size must be a whole number or (height, width), got {size!r}")
    if not isinstance(quality, Integral) or not 1 <= quality <= 100:
        raise ValueError(f"quality must be a whole number from 1 to 100, got {quality!r}")
    for name, value, allowed in (
        ("how", how, ("crop", "resize")),
        ("codec", codec, tuple(_SUFFIXES)),
        ("subsampling", subsampling, ("4:4:4", "4:2:2", "4:2:0")),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return sides
