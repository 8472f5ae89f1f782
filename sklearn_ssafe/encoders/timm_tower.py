"""Towers of timm: DINOv2, DINOv3 and the rest."""

import sys
from copy import copy
from inspect import signature
from pathlib import Path

from .building import build_random, build_unfilled, fill, freeze
from .hub import fetch_from_hub
from .preprocessing import ViewSpec
from .tower import Tower
from .weights import WeightsNotFoundError, find_weights_file, read_checkpoint

_HUB_NAMES = ("model.safetensors", "pytorch_model.bin")


class TimmTower(Tower):
    """A timm model without its classifier."""

    libraries = ("timm",)

    def __init__(self, name, module, view_spec):
        super().__init__(name, module, view_spec, module.head_hidden_size)
        self.n_blocks, self.block_width, self.has_class_token = describe_blocks(module)

    def blocks(self, pixels, indices):
        """Return the tokens of some blocks; see `Tower.blocks`."""
        return run_blocks(self.module, pixels, indices)


def load_timm_tower(name, tag, weights, device, dtype):
    """Build a timm model and load its weights.

    Parameters
    ----------
    name : str
        Architecture.
    tag : str
        Tag of its weights, from `resolve_timm_tag`.
    weights : None, "random", str or Path
    device : torch.device
    dtype : torch.dtype

    Returns
    -------
    tower : TimmTower
    """
    import timm

    full_name = f"{name}.{tag}" if tag else name
    config = timm.models.get_pretrained_cfg(full_name).to_dict() if tag else {}

    def build():
        return timm.create_model(full_name, pretrained=False, num_classes=0)

    if weights == "random":
        module = build_random(build)
    else:
        file = _hub_file(full_name, config) if weights is None else find_weights_file(weights)
        module = build_unfilled(build)
        state = _native_state(read_checkpoint(file), module, config)
        fill(module, state, dtype, file, full_name)
    return TimmTower(full_name, freeze(module, device, dtype), timm_view_spec(module))


def resolve_timm_tag(name, pretrained, weights):
    """Return (architecture, tag) of a timm name that may hold its tag after a dot.

    Raises
    ------
    ValueError
        For a tag that the architecture does not have, or weights to fetch that do not exist.
    """
    import timm

    name, _, tag = name.partition(".")
    tags = [full.partition(".")[2] for full in timm.list_models(f"{name}.*", pretrained=True)]
    if tag and pretrained is not None and tag != pretrained:
        raise ValueError(f"encoder='timm/{name}.{tag}' and pretrained={pretrained!r} disagree.")
    tag = pretrained or tag
    if tag and tag not in tags:
        raise ValueError(f"timm has no weights {tag!r} of {name}. It has: {', '.join(tags)}.")
    if not tag:
        default = timm.models.get_pretrained_cfg(name)
        tag = default.tag if default and default.tag in tags else ""
    if not tag and weights is None:
        raise ValueError(f"timm publishes no weights of {name}: pass weights=FILE.")
    return name, tag


def timm_view_spec(module):
    """Return how a timm model wants its pictures, as `timm.data.create_transform` does it."""
    from timm.data import resolve_model_data_config

    config = resolve_model_data_config(module)
    mode = {"squash": "squash", "border": "longest"}.get(config["crop_mode"], "shortest")
    return ViewSpec(
        size=config["input_size"][1:],
        mean=config["mean"],
        std=config["std"],
        interpolation=config["interpolation"],
        resize_mode=mode,
        crop_pct=config["crop_pct"],
        fill=tuple(round(255 * value) for value in config["mean"]),
    )


def describe_blocks(module):
    """Return the number of transformer blocks of a timm model, their width, and a class token.

    Returns
    -------
    n_blocks : int
        0 for models that are no plain transformer.
    block_width : int or None
    has_class_token : bool
    """
    # Convolutional and hierarchical models have no one width, or no tokens.
    forward = getattr(module, "forward_intermediates", None)
    gives_tokens = forward and "return_prefix_tokens" in signature(forward).parameters
    if not gives_tokens or not hasattr(module, "blocks") or not hasattr(module, "embed_dim"):
        return 0, None, False
    return len(module.blocks), module.embed_dim, _has_class_token(module)


def run_blocks(module, pixels, indices):
    """Return the patch tokens and the class token of some blocks of a timm transformer."""
    has_prefix = module.num_prefix_tokens > 0
    outputs = module.forward_intermediates(
        pixels,
        indices=indices,
        return_prefix_tokens=has_prefix,
        output_fmt="NLC",
        intermediates_only=True,
        stop_early=True,
    )
    if not has_prefix:
        return [(patches, None) for patches in outputs]
    # Behind the class token, or without one, the prefix may hold register tokens.
    with_class = _has_class_token(module)
    return [(patches, prefix[:, 0] if with_class else None) for patches, prefix in outputs]


def _has_class_token(module):
    return getattr(module, "cls_token", None) is not None


def _hub_file(name, config):
    if config.get("hf_hub_id"):
        filename = config.get("hf_hub_filename")
        names = (filename,) if filename else _HUB_NAMES
        if filename and not filename.endswith(".safetensors"):
            names = (str(Path(filename).with_suffix(".safetensors")), filename)
        return fetch_from_hub(config["hf_hub_id"], names, f"timm/{name}")
    url = config.get("url")
    raise WeightsNotFoundError(
        f"The weights of timm/{name} are on no hub. Download {url} and pass its path as weights=. "
        "encoder='forensic' needs no weights."
    )


def _native_state(state, module, config):
    """Drop the classifier and, when names differ, convert from the publisher's names."""
    expected = module.state_dict().keys()
    classifiers = config.get("classifier") or ()
    classifiers = (classifiers,) if isinstance(classifiers, str) else tuple(classifiers)
    prefixes = tuple(f"{classifier}." for classifier in classifiers)

    def without_classifier(state):
        return {
            name: tensor
            for name, tensor in state.items()
            if name in expected or not prefixes or not name.startswith(prefixes)
        }

    native = without_classifier(state)
    convert = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    if native.keys() != expected and convert is not None:
        native = without_classifier(convert(copy(state), module))
    return native
