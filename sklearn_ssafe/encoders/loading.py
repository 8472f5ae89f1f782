"""Load an encoder; a tower is loaded once per process and shared."""

import threading
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from ..public import public
from .checksums import check_checksum
from .configuration import FILES, read_folder, read_source
from .factories import factory_token
from .hub import downloads
from .layers import check_layers, resolve_layers
from .names import FORENSIC, ONNX, SOURCE, resolve_name, split_source
from .precision import resolve_devices, resolve_precision
from .preprocessing import resolve_views
from .several_devices import SeveralDevices
from .side_by_side import SideBySide
from .tower import TowerEncoder
from .weights import WeightsNotFoundError, find_weights_file

_towers = {}
_lock = threading.RLock()


class _Choices(NamedTuple):
    """What is asked of an encoder beside its name."""

    pretrained: object
    weights: object
    layers: object
    pooling: str
    preprocess: object
    n_views: int | None
    resize: str
    device: object
    precision: str


def load_encoder(
    encoder="efficientnet_lite0",
    *,
    pretrained=None,
    weights=None,
    layers="final",
    pooling="auto",
    preprocess="auto",
    n_views=None,
    resize="auto",
    device="auto",
    precision="auto",
    allow_download=True,
):
    """Load a frozen encoder.

    Encoders that differ in `layers`, `pooling`, `preprocess`, `n_views` or `resize` alone share one
    tower in memory, across threads too, until `free_encoders` is called.
    """
    asked = _Choices(
        pretrained, weights, layers, pooling, preprocess, n_views, resize, device, precision
    )
    with downloads(allow_download):
        return _load(encoder, asked)


def _load(encoder, asked):
    if isinstance(encoder, list | tuple):
        return _side_by_side(encoder, asked)
    if encoder is None or not (isinstance(encoder, str) or callable(encoder)):
        raise ValueError(
            f"encoder={encoder!r} must be a name, a torch.nn.Module or a function that makes one."
        )
    device = asked.device
    if isinstance(encoder, str) and encoder == ONNX:
        from .onnx_tower import onnx_device

        device = onnx_device(device)
    encoders = [_load_on(encoder, asked._replace(device=one)) for one in resolve_devices(device)]
    return encoders[0] if len(encoders) == 1 else SeveralDevices(encoders)


@public("sklearn_ssafe.encoders")
def free_encoders():
    """Forget the towers that this process has loaded.

    Their memory is given back when the last encoder that uses them is gone.
    """
    with _lock:
        _towers.clear()


def _side_by_side(names, asked):
    if not all(isinstance(name, str) for name in names) or len({*names}) < max(2, len(names)):
        raise ValueError(
            f"encoder={names!r}: several encoders side by side are given by their names, two or "
            "more and each once. sklearn.pipeline.FeatureUnion joins transformers of any kind."
        )
    for parameter, value in _chosen(
        asked, "pretrained", "weights", "layers", "pooling", "preprocess"
    ):
        raise ValueError(
            f"{parameter}={value!r} with encoder={list(names)!r}: it would have to be said for "
            "which of them. Leave it out, or join one FrozenEncoderTransformer for each by "
            "sklearn.pipeline.FeatureUnion."
        )
    return SideBySide([_load(name, asked) for name in names])


def _load_on(encoder, asked):
    """Load it on the one device that is asked for."""
    library, name = resolve_name(encoder) if isinstance(encoder, str) else ("module", None)
    if library == FORENSIC:
        _refuse_choices_of_towers(asked)
        from .forensic import ForensicEncoder

        return ForensicEncoder(n_views=asked.n_views, device=asked.device)
    if asked.n_views is None:
        asked = asked._replace(n_views=1)
    if library == ONNX:
        return _onnx_encoder(asked)
    check_layers(asked.layers)
    if library == "efficientnet_lite":
        return _efficientnet_lite(name, asked)
    if library == "module":
        for parameter, value in _chosen(asked, "pretrained", "weights"):
            raise ValueError(
                f"{parameter}={value!r} with a module of your own: load its weights into it "
                "yourself."
            )
        dtype = _precision_of(asked, or_else="fp32")
        cut_views, view_spec = _views(asked, None, dtype)
        tower = _module_tower(encoder, cut_views, asked.device, dtype)
    else:
        dtype = _precision_of(asked, or_else="auto")
        tower = _named_tower(library, name, asked, dtype)
        cut_views, view_spec = _views(asked, tower.view_spec, dtype)
    features = resolve_layers(asked.layers, asked.pooling, tower)
    return TowerEncoder(tower, features, cut_views, view_spec)


def _precision_of(asked, or_else):
    precision = or_else if asked.precision == "auto" else asked.precision
    return resolve_precision(precision, asked.device)


def _views(asked, view_spec, dtype):
    return resolve_views(asked.preprocess, asked.n_views, view_spec, asked.resize, dtype)


def _efficientnet_lite(name, asked):
    from . import efficientnet_lite as lite

    if asked.pretrained is not None:
        raise ValueError(
            f"pretrained={asked.pretrained!r} with encoder={name!r}, which has one set of weights. "
            f"Leave pretrained out, or name timm's model: encoder='timm/tf_{name}'."
        )
    weights, device = asked.weights, asked.device
    # Not bf16 by itself: its deviations are what tells pictures apart.
    dtype = _precision_of(asked, or_else="fp32")
    tower = _shared(
        (name, _identity(weights, None), device, dtype),
        lambda: lite.load_efficientnet_lite_tower(name, weights, device, dtype),
    )
    cut_views, view_spec = _views(asked, tower.view_spec, dtype)
    features = lite.resolve_blocks(asked.layers, asked.pooling, tower)
    return lite.EfficientNetLiteEncoder(tower, features, cut_views, view_spec)


def _named_tower(library, name, asked, dtype):
    pretrained, weights, device = asked.pretrained, asked.weights, asked.device
    if library == SOURCE:
        configuration, weights = _source(name, pretrained, weights)
        library, name = configuration.library, configuration.name
    else:
        configuration = read_folder(weights, library)
        if configuration is not None:
            configuration = replace(configuration, is_beside_weights=True)
    if library == "open_clip":
        from .open_clip_tower import load_open_clip_tower as load
        from .open_clip_tower import resolve_open_clip_tag as resolve
    else:
        from .timm_tower import load_timm_tower as load
        from .timm_tower import resolve_timm_tag as resolve
    if configuration is None or configuration.is_beside_weights:
        name, pretrained = resolve(name, pretrained, weights, configuration)
    source = None if configuration is None else (configuration.repository, configuration.file)
    files = _identity(weights, configuration)
    key = (library, name, pretrained, source, files, device, dtype)
    return _shared(key, lambda: load(name, pretrained, weights, device, dtype, configuration))


def _source(encoder, pretrained, weights):
    """Return the configuration of a folder or repository, and where its weights are."""
    if pretrained is not None:
        raise ValueError(
            f"pretrained={pretrained!r} with encoder={encoder!r}, which says itself what its "
            "weights are. Leave pretrained out."
        )
    try:
        if split_source(encoder)[1] == "hf-hub":  # asked once, and not in every transform
            configuration = _shared(("source", encoder), lambda: read_source(encoder))
        else:
            configuration = read_source(encoder)
    except WeightsNotFoundError:
        # A detector that was trained on another machine, where the folder lay elsewhere.
        elsewhere = [read_folder(weights, library) for library in FILES]
        configuration = next((one for one in elsewhere if one is not None), None)
        if configuration is None:
            raise
    if weights is None and configuration.repository is None:
        weights = configuration.file.parent
    return configuration, weights


def _onnx_encoder(asked):
    from .onnx_file import find_onnx_file, identity_of
    from .onnx_tower import load_onnx_tower

    for parameter, value in _chosen(asked, "pretrained"):
        raise ValueError(f"{parameter}={value!r} with encoder='onnx': the file is the model.")
    file, n_threads = find_onnx_file(asked.weights), torch.get_num_threads()

    def load():
        for part in (file, file.with_suffix(".json")):
            check_checksum(part)
        return load_onnx_tower(file, asked.device, n_threads)

    tower = _shared((ONNX, identity_of(file), asked.device, n_threads), load)
    its_precision = "fp16" if tower.dtype == torch.float16 else "fp32"
    if asked.precision not in ("auto", its_precision):
        raise ValueError(
            f"precision={asked.precision!r} with encoder='onnx': an ONNX file fixes its number "
            "format. Use precision='auto'."
        )
    cut_views, view_spec = tower.views(asked.preprocess, asked.n_views, asked.resize)
    features = tower.features(asked.layers, asked.pooling, cut_views)
    return TowerEncoder(tower, features, cut_views, view_spec)


def _module_tower(encoder, cut_views, device, dtype):
    from .module_tower import load_module_tower

    def load():
        # Large enough for whatever a preprocessing function of the user's cuts out.
        grey = np.full((1024, 1024, 3), 128, dtype=np.uint8)
        view = torch.from_numpy(cut_views(grey)[:1])
        return load_module_tower(encoder, view.permute(0, 3, 1, 2).float(), device, dtype)

    if isinstance(encoder, torch.nn.Module):
        return load()  # a module in hand is its own cache
    token = factory_token(encoder)
    return load() if token is None else _shared((token, device, dtype), load)


def _shared(key, load):
    with _lock:
        if key not in _towers:
            _towers[key] = load()
        return _towers[key]


def _identity(weights, configuration):
    """Tell one state of files from another, so that a changed file is read again."""
    files, prefer = [], ()
    if configuration is not None:
        files, prefer = [configuration.file], configuration.preferred_weights
    if weights is not None and weights != "random":
        files.append(find_weights_file(weights, prefer))
    stats = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    return (weights if weights == "random" else None, *stats)


def _refuse_choices_of_towers(asked):
    if asked.precision == "fp32":  # which it is
        asked = asked._replace(precision="auto")
    for parameter, value in _chosen(
        asked, "pretrained", "weights", "layers", "pooling", "preprocess", "precision"
    ):
        raise ValueError(
            f"{parameter}={value!r} with encoder='forensic', which has no weights, layers, "
            f"preprocessing or number format to choose from. Leave {parameter} out or name "
            "another encoder."
        )


def _chosen(asked, *parameters):
    """Yield those of the parameters that are not at their defaults, with their values."""
    defaults = {"layers": "final", "pooling": "auto", "preprocess": "auto", "precision": "auto"}
    for parameter in parameters:
        value, default = getattr(asked, parameter), defaults.get(parameter)
        if value is not default and value != default:
            yield parameter, value
