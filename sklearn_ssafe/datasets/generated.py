"""make_generated_images: a labelled set of photographs and generated pictures, made on the spot."""

import os
from difflib import get_close_matches
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils import check_random_state

from ..public import public
from .cameras import Camera
from .generators import GENERATORS
from .jpeg import encode_jpeg, encode_matched
from .labelled_images import as_bunch
from .photographs import crop_photograph, load_photographs
from .scenes import SceneMaker
from .table_out import write_table

# Independent streams of random numbers, so that a picture depends on its number alone.
_LAYOUT, _TEXTURES, _CAMERA, _WEIGHTS, _FITTING, _PICTURE = range(6)
_N_FITTING_PHOTOGRAPHS = 4
# All files get the same time of change: 1 January 2020, UTC.
_FILE_TIME = 1577836800


@public("sklearn_ssafe.datasets")
def make_generated_images(
    n_samples=200,
    *,
    generators="all",
    n_real_sources=4,
    content="scenes",
    trace_strength=0.6,
    image_size=256,
    jpeg_quality=90,
    output_dir=None,
    return_X_y=False,
    random_state=None,
):
    """Make a labelled set of camera pictures and simulated generated pictures.

    For tests, examples and a first look, where no collection of real pictures is at hand: nothing
    is downloaded and no network is trained. Scenes are taken by simulated cameras (optics,
    sensor noise, Bayer mosaic, tone). Half of the pictures are left as they are; the other half,
    of other scenes, go through a simulated generator, which leaves in them the traces that the
    literature describes for that family.

    Nothing but these traces tells the classes apart: content, size, JPEG encoder and quality,
    file names, file times and, by construction, the number of bytes of the files are alike.

    Parameters
    ----------
    n_samples : int, default=200
        How many pictures, half of them generated. With the same `random_state` a smaller set is
        the beginning of a larger one.
    generators : "all", str or sequence of str, default="all"
        Families of generator, drawn equally often:

        - ``"transposed_convolution"``: checkerboard (DCGAN-like decoders) [1]_;
        - ``"nearest_upsampling"``: pixels alike in 2x2 cells (BigGAN-like, many decoders) [2]_;
        - ``"bilinear_upsampling"``: too little power near Nyquist (StyleGAN family) [3]_;
        - ``"autoencoder"``: lost detail and the period of a latent grid (latent diffusion) [4]_;
        - ``"diffusion"``: weak detail removed, noise of no sensor (pixel-space diffusion) [5]_;
        - ``"spectral_mismatch"``: power spectrum of the wrong slope, no grid [6]_.
    n_real_sources : int, default=4
        How many cameras, each with its own optics, noise, mosaic, demosaicing and tone. Generated
        pictures begin as pictures of the same cameras.
    content : {"scenes", "photographs"}, default="scenes"
        What is seen. ``"scenes"``: drawn landscapes and tables with things, each used once.
        ``"photographs"``: random crops of the photographs in scikit-learn's own package and,
        where it is installed, in scikit-image's; these are few, so that many pictures show the
        same, and the set depends on what is installed.
    trace_strength : float, default=0.6
        How much of a generated picture is the decoder's, from 0 to 1; the rest is the photograph
        it began as. At 1 most families are told apart without an error; at 0 both classes are
        the same, which shows what an evaluation reports where there is nothing to find.
    image_size : int or tuple of int, default=256
        Side, or height and width, in pixels; 32 at least.
    jpeg_quality : int, default=90
        Quality of every JPEG file, 1 to 95.
    output_dir : str or Path, default=None
        A new or empty folder for ``images/image_00000.jpg`` … and ``manifest.csv``, which
        `load_manifest` reads. None: nothing is written and the files are returned as `bytes`.
    return_X_y : bool, default=False
        Whether to return only ``(X, y)``.
    random_state : int, RandomState instance or None, default=None
        Give an int for the same bytes at every call.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X : ndarray of object, shape (n_samples,)
            JPEG files as `bytes`, or paths as `str` where `output_dir` is given.
        y : ndarray of int, shape (n_samples,)
            0 for a camera's picture, 1 for a generated one.
        generator : ndarray of str, shape (n_samples,)
            Family, "" for a camera's picture.
        source : ndarray of str, shape (n_samples,)
            Camera, or the family for a generated picture.
        groups : ndarray of str, shape (n_samples,)
            What must stay on one side of a split: the scene, or the photograph cropped.
        frame : pandas.DataFrame, n_samples rows
            Columns path (or image, without `output_dir`), label, generator, source, group.
        target_names : list of str
            ``["real", "generated"]``.

    Raises
    ------
    ValueError
        For a parameter out of range or an unknown family.
    FileExistsError
        If `output_dir` already holds something.

    See Also
    --------
    load_manifest : Read pictures of your own from a table.
    load_image_folder : Read pictures of your own from folders.

    References
    ----------
    .. [1] A. Odena, V. Dumoulin and C. Olah, "Deconvolution and checkerboard artifacts",
       Distill (2016).
    .. [2] C. Tan et al., "Rethinking the up-sampling operations in CNN-based generative network
       for generalizable deepfake detection", CVPR (2024).
    .. [3] R. Durall, M. Keuper and J. Keuper, "Watch your up-convolution: CNN based generative
       deep neural networks are failing to reproduce spectral distributions", CVPR (2020).
    .. [4] R. Corvi et al., "Intriguing properties of synthetic images: from generative
       adversarial networks to diffusion models", CVPR workshops (2023).
    .. [5] J. Ricker et al., "Towards the detection of diffusion model deepfakes", VISAPP (2024).
    .. [6] T. Dzanic, K. Shah and F. Witherden, "Fourier spectrum discrepancies in deep network
       generated images", NeurIPS (2020).

    Examples
    --------
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> data = make_generated_images(n_samples=8, image_size=64, random_state=0)
    >>> int(data.y.sum())
    4
    >>> data.frame.columns.tolist()
    ['image', 'label', 'generator', 'source', 'group']
    """
    families = _check_families(generators)
    shape = _check_shape(image_size)
    _check_integer("n_samples", n_samples, 2, None)
    _check_integer("n_real_sources", n_real_sources, 1, None)
    _check_integer("jpeg_quality", jpeg_quality, 1, 95)
    if content not in ("scenes", "photographs"):
        raise ValueError(f"content must be 'scenes' or 'photographs'; got {content!r}.")
    if not 0 <= trace_strength <= 1:
        raise ValueError(f"trace_strength must be from 0 to 1; got {trace_strength!r}.")
    if output_dir is not None:
        output_dir = Path(output_dir).expanduser()
        if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
            raise FileExistsError(
                f"output_dir {str(output_dir)!r} is not empty. Give a new folder, so that old "
                "pictures do not mix with new ones."
            )

    studio = _Studio(families, n_real_sources, content, shape, random_state)
    encoding = trace_strength, jpeg_quality
    files, rows = zip(*(studio.make(index, *encoding) for index in range(n_samples)), strict=True)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    if output_dir is None:
        data = as_bunch({"image": list(files), **columns})
    else:
        data = as_bunch({"path": _write(files, columns, output_dir), **columns})
    return (data.X, data.y) if return_X_y else data


class _Studio:
    """Cameras, generators and scenes of one call; makes picture number `index` on demand."""

    def __init__(self, families, n_cameras, content, shape, random_state):
        self.seed = int(check_random_state(random_state).randint(2**31))
        self.families, self.shape = families, shape
        self.photographs = load_photographs() if content == "photographs" else None
        self.scene_maker = SceneMaker(self._rng(_TEXTURES))
        self.cameras = [
            Camera.draw(f"camera_{number}", self._rng(_CAMERA, number))
            for number in range(n_cameras)
        ]
        fitting = [
            self._photograph(self._rng(_FITTING, number), self.cameras[number % n_cameras])[0]
            for number in range(_N_FITTING_PHOTOGRAPHS)
        ]
        # The number in the whole registry: a family's weights do not depend on its company.
        self.generators = {
            name: generator(self._rng(_WEIGHTS, number), fitting)
            for number, (name, generator) in enumerate(GENERATORS.items())
            if name in families
        }

    def _rng(self, *stream):
        return np.random.default_rng([self.seed, *stream])

    def _turn(self, kind, options, index):
        """Which option number `index` gets: all options in random order, then all again."""
        block, position = divmod(index, len(options))
        return options[self._rng(_LAYOUT, kind, block).permutation(len(options))[position]]

    def _photograph(self, rng, camera):
        """Take a new scene; also return the name of what it shows (None: drawn)."""
        if self.photographs is None:
            name, scene = None, self.scene_maker.draw(self.shape, rng)
        else:
            name = sorted(self.photographs)[rng.integers(len(self.photographs))]
            scene = crop_photograph(self.photographs[name], self.shape, rng)
        return camera.photograph(scene, rng), name

    def make(self, index, trace_strength, jpeg_quality):
        """Make one picture: the bytes of its file and its row of the table."""
        rng = self._rng(_PICTURE, index)
        label = self._turn(0, (0, 1), index)
        # The count within the class, as each block of two has one picture of either.
        number = index // 2
        camera = self._turn(1 + label, self.cameras, number)
        family = self._turn(3, self.families, number) if label == 1 else ""
        photograph, shown = self._photograph(rng, camera)
        file = encode_jpeg(photograph, jpeg_quality)
        if label == 1:
            decoded, detail = self.generators[family].generate(photograph, rng)
            picture = photograph + np.float32(trace_strength) * (decoded - photograph)
            file = encode_matched(picture, detail, len(file), jpeg_quality)
        return file, {
            "label": label,
            "generator": family,
            "source": family or camera.name,
            "group": f"photograph_{shown}" if shown else f"scene_{index:05d}",
        }


def _write(files, columns, output_dir):
    """Write the pictures and their manifest; return the paths."""
    import pandas as pd

    folder = output_dir / "images"
    folder.mkdir(parents=True)
    paths = [folder / f"image_{index:05d}.jpg" for index in range(len(files))]
    for path, file in zip(paths, files, strict=True):
        path.write_bytes(file)
        os.utime(path, (_FILE_TIME, _FILE_TIME))
    table = pd.DataFrame({"path": list(map(str, paths)), **columns})
    table["label"] = table["label"].map({0: "real", 1: "generated"})
    write_table(table, output_dir / "manifest.csv")
    return [str(path) for path in paths]


def _check_families(generators):
    if isinstance(generators, str):
        names = list(GENERATORS) if generators == "all" else [generators]
    else:
        names = list(dict.fromkeys(generators))
    if not names:
        raise ValueError("generators is empty: name one family at least, or 'all'.")
    for name in names:
        if name not in GENERATORS:
            close = get_close_matches(str(name), GENERATORS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"Unknown generator family {name!r}.{hint} There are: {', '.join(GENERATORS)}."
            )
    return names


def _check_shape(image_size):
    shape = (image_size, image_size) if isinstance(image_size, Integral) else tuple(image_size)
    if len(shape) != 2:
        raise ValueError(f"image_size must be one int or (height, width); got {image_size!r}.")
    for side in shape:
        _check_integer("image_size", side, 32, None)
    return tuple(int(side) for side in shape)


def _check_integer(name, value, smallest, largest):
    in_range = isinstance(value, Integral) and not isinstance(value, bool) and value >= smallest
    if not in_range or (largest is not None and value > largest):
        limits = f"of {smallest} or more" if largest is None else f"from {smallest} to {largest}"
        raise ValueError(f"{name} must be an int {limits}; got {value!r}.")
