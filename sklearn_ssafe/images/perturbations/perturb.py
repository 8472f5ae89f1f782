"""perturb: one picture, changed as `robustness_curve` would change it."""

from ..reading import read_image
from .catalogue import choose_perturbations


def perturb(item, name, strength, *, random_state=0):
    """Change one picture as `robustness_curve` does, to look at it or to keep it.

    Parameters
    ----------
    item : str, Path, bytes, PIL.Image.Image or ndarray of uint8
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
    >>> from sklearn_ssafe import perturb
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
    return chosen[0](read_image(item), strength, random_state)
