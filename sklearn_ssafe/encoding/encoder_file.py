"""export_encoder: a transformer's network as an ONNX file that is an encoder itself."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from sklearn.base import clone

from ..encoders.onnx_graph import encoder_graph, in_int8, need, refuse_no_network
from ..encoders.onnx_tower import load_onnx_tower
from ..encoders.tower import TowerEncoder
from ..public import public
from .export_inputs import file_to_write, look_at_each
from .transformer import loaded_encoder

_LEAST_COSINE_IN_FP32 = 0.9999
_BATCH = 8


@public("sklearn_ssafe.encoding")
def export_encoder(transformer, path, *, precision="int8", pictures=None):
    """Write the network of a `FrozenEncoderTransformer` as an ONNX file, such as one in int8.

    The file is an encoder itself: ``FrozenEncoderTransformer("onnx", weights=path)``. How pictures
    are prepared for it is written beside it, ``encoder.json`` beside ``encoder.onnx``. Train a head
    on the rows of the file that it is used with: int8 moves them.

    In int8 the weights of matrix products have a scale for each column, and what they are
    multiplied with is rounded to 8 bits by its own range in each picture. Convolutions stay in
    fp32. It gains something on processors with VNNI that do not compute in bf16; where they do,
    bf16 is as fast and a hundred times as exact.

    Parameters
    ----------
    transformer : FrozenEncoderTransformer
        With one network of open_clip, timm or your own, and a `preprocess` that is no function.
        Its `layers`, `pooling` and `preprocess` go into the file; `normalize` and `n_views` are
        chosen where the file is used (``normalize=False`` for "efficientnet_lite0", whose rows are
        left as they are).
    path : str or Path
        Such as ``"encoder.onnx"``; it and the JSON file are overwritten if they exist.
    precision : {"int8", "fp32"}, default="int8"
        Number format of the matrix products.
    pictures : array-like of pictures, or None, default=None
        To try the file on. None takes two photographs that scikit-learn ships; give some of the
        kind that the file is for.

    Returns
    -------
    parity : dict
        ``pictures``, how many it was tried on; ``least_cosine`` and ``mean_cosine`` between the
        file's rows and the transformer's in fp32; and ``precision``.

    Raises
    ------
    ImportError
        The extra [export] is not installed.
    TypeError
        The encoder is no single network, or `preprocess` is a function.
    ValueError
        In fp32 a cosine is less than 0.9999; in int8, the network has no matrix products; a picture
        cannot be read; or the weights have more than 2 GB. Nothing was written.
    FileNotFoundError, IsADirectoryError
        There is no folder for `path`, or it is one.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn_ssafe import FrozenEncoderTransformer
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> from sklearn_ssafe.encoding import export_encoder
    >>> pictures = make_generated_images(n_samples=4, image_size=96, random_state=0).X
    >>> encoder = FrozenEncoderTransformer("timm/test_vit", weights="random")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     parity = export_encoder(encoder, f"{folder}/small.onnx", pictures=pictures)
    ...     small = FrozenEncoderTransformer("onnx", weights=f"{folder}/small.onnx")
    ...     rows = small.transform(pictures)
    >>> rows.shape, parity["mean_cosine"] > 0.99
    ((4, 64), True)
    """
    if precision not in ("fp32", "int8"):
        raise ValueError(f"precision must be 'int8' or 'fp32', got {precision!r}")
    (onnx,) = need("onnx")
    need("onnxscript", "onnxruntime")
    path = file_to_write(Path(path).expanduser().absolute(), "encoder.onnx")
    if path.suffix == ".json":
        raise ValueError(f"{path.name!r}: the settings go into the .json file; name an .onnx file")
    if callable(transformer.preprocess):
        raise TypeError(
            "preprocess is a function of your own, which no file can hold: give it as "
            "preprocess={'size': ..., 'mean': ..., 'std': ...}"
        )
    exact = clone(transformer).set_params(precision="fp32", device="cpu", resize="auto")
    encoder = loaded_encoder(exact)
    refuse_no_network(encoder)
    views = np.stack(look_at_each(pictures, lambda picture: picture.views(encoder)))
    model = encoder_graph(encoder, views.shape[2:4])
    if precision == "int8":
        model = in_int8(model)
        if model is None:
            raise ValueError(
                f"{encoder.name} has no matrix products that int8 would make faster; convolutions "
                "stay as they are"
            )
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished") as folder:
        made = Path(folder, path.name)
        onnx.save(model, made)
        settings = made.with_suffix(".json")
        settings.write_text(json.dumps(asdict(encoder.view_spec), indent=1), encoding="utf-8")
        parity = {"precision": precision, **_parity(encoder, made, views)}
        if precision == "fp32" and parity["least_cosine"] < _LEAST_COSINE_IN_FP32:
            raise ValueError(
                "the file gives other rows than the encoder, with a cosine of "
                f"{parity['least_cosine']:.4f}. Nothing was written."
            )
        settings.replace(path.with_suffix(".json"))
        made.replace(path)
    return parity


def _parity(encoder, file, views):
    """Compare the rows that a file gives with those of the encoder."""
    # By itself, and not among this process's encoders, for the file is about to be moved.
    tower = load_onnx_tower(file, torch.device("cpu"), torch.get_num_threads())
    cut_views, view_spec = tower.views("auto", views.shape[1])
    written = TowerEncoder(tower, tower.features("final", "auto", cut_views), cut_views, view_spec)
    cosines = []
    for start in range(0, len(views), _BATCH):
        some = torch.from_numpy(views[start : start + _BATCH])
        rows = (encoder.encode(some), written.encode(some))
        cosines.append(torch.nn.functional.cosine_similarity(*rows).numpy())
    cosines = np.concatenate(cosines)
    return {
        "pictures": len(views),
        "least_cosine": float(cosines.min()),
        "mean_cosine": float(cosines.mean()),
    }
