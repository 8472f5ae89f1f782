"""Which encoder a detector was trained with, so that no other one is ever put in its place."""

from pathlib import Path

import numpy as np
import torch
from sklearn.base import clone

from ..encoding.transformer import FrozenEncoderTransformer, gives_unit_rows, loaded_encoder
from .default_head import scaled_to_unit_length
from .folder import DetectorFileError

# What decides the features. Where and how fast they are computed is the machine's own business.
_SETTINGS = (
    "encoder",
    "pretrained",
    "weights",
    "layers",
    "pooling",
    "preprocess",
    "n_views",
    "normalize",
    "precision",
    "on_error",
)
_PRECISIONS = {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}
# Largest difference of a feature of the probe, in root mean squares of its row: rounding on
# another machine is below it, another preprocessing far above.
_TOLERANCE = {"fp32": 0.01, "bf16": 0.1, "fp16": 0.1}


def probe_picture():
    """Make a picture whose features tell one encoder from another."""
    down, right, channel = np.ogrid[:240, :320, :3]
    ramps = (down * (channel + 1) + right * (3 - channel)) // 8 % 192
    noise = np.random.RandomState(0).randint(0, 64, ramps.shape)  # a frozen stream
    return (ramps + noise).astype(np.uint8)


def describe_encoder(transformer):
    """Return settings and weights, for ``detector.json``, and what one picture becomes."""
    encoder = loaded_encoder(transformer)
    settings, complete = {}, True
    for name in _SETTINGS:
        value = getattr(transformer, name)
        if isinstance(value, Path):
            value = str(value)
        if isinstance(value, tuple | list):
            value = [item if isinstance(item, str) else int(item) for item in value]
        elif isinstance(value, np.integer):
            value = int(value)
        elif callable(value) or not isinstance(value, str | int | dict | type(None)):
            complete = False  # a module or a function of one's own is not written down
            continue
        settings[name] = value
    resizers = _resizers(encoder)
    if "torch" in resizers:
        # Said only then: a file that says nothing is of Pillow, as all were before. Of several
        # encoders each may have its own, and again by "auto", in the precision that is saved.
        settings["resize"] = "torch" if len(resizers) == 1 else "auto"
    towers = [getattr(part, "tower", None) for part in encoder.parts]
    precisions = {_PRECISIONS.get(str(tower.dtype), "fp32") for tower in towers if tower}
    if len(precisions) == 1:
        settings["precision"] = min(precisions)  # "auto" would be another on another machine
    precision = min(precisions, default="fp32")  # the least exact: they come in this order
    description = {
        "name": encoder.name,
        "weights_hash": getattr(encoder, "weights_hash", None),
        "n_features": int(encoder.n_features),
        "precision": precision,
        "complete": complete,
        "settings": settings,
    }
    return description, _encode_probe(transformer, encoder)


def resizing_as_saved(transformer, description):
    """Return a transformer that was given, resizing as the saved one did; both may be as good."""
    saved = description["settings"].get("resize", "pillow")
    if not _resizers(loaded_encoder(transformer)) - {saved}:
        return transformer
    if transformer.resize == "auto":
        return clone(transformer).set_params(resize=saved)
    raise DetectorFileError(
        f"the detector was trained on pictures resized by {saved}, and the encoder that was given "
        f"has resize={transformer.resize!r}, which gives slightly other features. Give it with "
        f"resize={saved!r}."
    )


def _resizers(encoder):
    """What resizes pictures for an encoder; nothing where they are cropped only."""
    return {part.resizer for part in encoder.parts} - {None}


def check_encoder(transformer, description, probe, unit_rows):
    """Make sure that a transformer computes what the saved one did."""
    encoder = loaded_encoder(transformer)
    name, weights_hash = encoder.name, getattr(encoder, "weights_hash", None)
    if weights_hash != description["weights_hash"]:
        raise DetectorFileError(
            f"the detector was trained with the encoder {description['name']}, weights "
            f"{_short(description['weights_hash'])} in {description['precision']}, and {name} here "
            f"has the weights {_short(weights_hash)}: its scores would mean nothing. Give the "
            "encoder with the right weights, load_detector(path, encoder=...), in the same "
            "precision, or train again."
        )
    here = _encode_probe(transformer, encoder)
    if unit_rows:  # whether the transformer scales them is all one
        here, probe = scaled_to_unit_length(here), scaled_to_unit_length(probe)
    tolerance = _TOLERANCE[description["precision"]] * np.sqrt(np.mean(probe**2))
    if here.shape != probe.shape or not np.abs(here - probe).max() <= tolerance:
        raise DetectorFileError(
            f"the encoder {name} gives other features here than where the detector was trained, "
            "from the same picture: another preprocessing, other layers, another normalize, or "
            "another version of its library. README.md in the detector's folder lists the versions."
        )


def _encode_probe(transformer, encoder):
    """Straight through the encoder, so that neither caches nor ``failures_`` know of it."""
    if type(transformer) is not FrozenEncoderTransformer:  # a subclass may do more
        return np.asarray(clone(transformer).transform([probe_picture()]), dtype=np.float32)[0]
    rows = []
    for part in encoder.parts:
        views = torch.from_numpy(part.prepare(probe_picture())[None])
        row = part.encode(views).cpu().numpy().astype(np.float32)[0]
        rows.append(scaled_to_unit_length(row) if gives_unit_rows(transformer, part) else row)
    return np.concatenate(rows)


def _short(digest):
    return "none" if digest is None else " + ".join(part[:16] for part in digest.split(" + "))
