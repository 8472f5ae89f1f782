"""Towers of timm: DINOv2, DINOv3 and the rest."""

import sys
from copy import copy
from dataclasses import fields
from inspect import signature
from pathlib import Path

from .building import build_random, build_unfilled, fill, freeze
from .checksums import check_checksum
from .configuration import hash_of
from .hub import fetch_from_hub
from .preprocessing import ViewSpec
from .tower import Tower
from .weights import (
    WeightsFileError,
    WeightsNotFoundError,
    find_weights_file,
    read_checkpoint,
)

_HUB_NAMES = ("model.safetensors", "pytorch_model.bin")
# Arguments that change no feature, or that the shapes of weights and views tell.
_SEEN_ELSEWHERE = ("num_classes", "in_chans", "img_size")
# Arguments of timm's factory: they load something else, or make what is no encoder.
_NO_MODEL_ARGS = (
    "cache_dir",
    "checkpoint_path",
    "features_only",
    "pretrained",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
)


class TimmTower(Tower):
    """A timm model without its classifier."""

    libraries = ("timm",)

    def __init__(self, name, module, view_spec):
        super().__init__(name, module, view_spec, module.head_hidden_size)
        self.n_blocks, self.block_width, self.has_class_token = describe_blocks(module)

    def blocks(self, pixels, indices):
        """Return the tokens of some blocks; see `Tower.blocks`."""
        return run_blocks(self.module, pixels, indices)


def load_timm_tower(name, tag, weights, device, dtype, configuration=None):
    """Build a timm model and load its weights."""
    import timm

    full_name = f"{name}.{tag}" if tag else name
    if configuration is None:
        architecture, model_args = full_name, {}
        config = timm.models.get_pretrained_cfg(full_name).to_dict() if tag else {}
    else:
        architecture, config, model_args = _configured(name, configuration)

    def build():
        if configuration is None:
            return timm.create_model(full_name, pretrained=False, num_classes=0)
        try:
            return timm.create_model(
                architecture,
                pretrained=False,
                pretrained_cfg=config,
                **{**model_args, "num_classes": 0},
            )
        except Exception as error:  # a configuration may hold anything
            raise WeightsFileError(
                f"{configuration.place}: timm {timm.__version__} cannot build {architecture} with "
                f"model_args={model_args} ({type(error).__name__}: {error})."
            ) from error

    if weights == "random":
        module = build_random(build)
    else:
        if weights is not None:
            prefer = () if configuration is None else configuration.preferred_weights
            file = find_weights_file(weights, prefer)
            check_checksum(file)
        elif configuration is not None:
            hub = {**config, "hf_hub_id": configuration.repository}
            file = hub_file(full_name, hub)
        else:
            file = hub_file(full_name, config)
        module = build_unfilled(build)
        state = _native_state(
            read_checkpoint(file), module, config, file, full_name, configuration is not None
        )
        fill(module, state, dtype, file, full_name)
    view_spec = timm_view_spec(module)
    if configuration is not None:
        _require_an_embedding(module, view_spec, configuration)
    tower = TimmTower(full_name, freeze(module, device, dtype), view_spec)
    if configuration is not None and not (
        configuration.is_beside_weights and _is_default(architecture, model_args)
    ):
        tower.configuration = hash_of({"architecture": architecture, "model_args": model_args})
    return tower


def resolve_timm_tag(name, pretrained, weights, configuration=None):
    """Return (architecture, tag) of a timm name that may hold its tag after a dot."""
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
    """Return the number of transformer blocks of a timm model, their width, and a class token."""
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


def hub_file(name, config):
    """Return the weights that a configuration of timm stands for, from the hub or its cache."""
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


def _configured(name, configuration):
    """Return architecture, pretrained_cfg and model_args as timm's own loader reads them."""
    import timm
    from timm.models import PretrainedCfg
    from timm.models._hub import load_model_config_from_path

    content, place = configuration.content, configuration.place
    architecture = content["architecture"]
    if not isinstance(architecture, str) or not timm.is_model(architecture.partition(".")[0]):
        raise WeightsFileError(
            f"{place}: timm {timm.__version__} has no architecture {architecture!r}."
        )
    if configuration.is_beside_weights and architecture.partition(".")[0] != name:
        raise WeightsFileError(
            f"{place}: its architecture={architecture!r} is not {name}. Name the folder itself as "
            f"encoder='{configuration.file.parent}', or the right architecture."
        )
    config, architecture, model_args = load_model_config_from_path(configuration.file.parent)
    # Informational in a file of the old form, and of no use to what takes features.
    for key in ("num_features", "global_pool"):
        if "pretrained_cfg" not in content:
            config.pop(key, None)
    known = {field.name for field in fields(PretrainedCfg)}
    unknown = [f"pretrained_cfg.{key}" for key in config if key not in known]
    if unknown:
        raise WeightsFileError(
            f"{place}: timm {timm.__version__} does not know {', '.join(sorted(unknown))}, which "
            "may change the features. Install the version that wrote it, or take them out."
        )
    refused = [f"model_args.{key}" for key in model_args if key in _NO_MODEL_ARGS]
    if refused:
        raise WeightsFileError(
            f"{place}: {', '.join(refused)} cannot be taken from a configuration. Take it out."
        )
    channels = model_args.get("in_chans") or (config.get("input_size") or (3,))[0]
    if channels != 3:
        raise WeightsFileError(
            f"{place}: in_chans={channels} (of pretrained_cfg.input_size or model_args); pictures "
            "have three channels."
        )
    return architecture, config, model_args


def _is_default(architecture, model_args):
    """Tell whether arguments, of which timm saves all, are those that the name alone implies."""
    import timm

    rest = {name: value for name, value in model_args.items() if name not in _SEEN_ELSEWHERE}
    if not rest:
        return True
    default = build_unfilled(
        lambda: timm.create_model(architecture, pretrained=False, num_classes=0)
    )
    known = {**vars(default), "global_pool": pool_of(default)}
    return all(name in known and known[name] == value for name, value in rest.items())


def pool_of(module):
    """Return how a timm model pools, "" where it gives a map or tokens."""
    owner = module if hasattr(module, "global_pool") else getattr(module, "head", None)
    pool = getattr(owner, "global_pool", None)
    return getattr(pool, "pool_type", pool)


def _require_an_embedding(module, view_spec, configuration):
    if pool_of(module) == "":
        raise WeightsFileError(
            f"{configuration.place}: model_args.global_pool='' gives a map and no embedding. Set "
            "what the weights were trained with, such as 'avg' or 'token'."
        )
    embedding = getattr(module, "patch_embed", None)
    size = getattr(embedding, "img_size", None)
    if getattr(embedding, "strict_img_size", False) and size and tuple(size) != view_spec.size:
        raise WeightsFileError(
            f"{configuration.place}: pretrained_cfg.input_size is {view_spec.size}, and the model "
            f"takes {tuple(size)} alone. Set model_args.img_size, or "
            "pretrained_cfg.fixed_input_size to true."
        )


def _native_state(state, module, config, file, what, fits_position_embedding):
    """Drop the classifier and, when names differ, convert from the publisher's names."""
    expected = module.state_dict()
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
    differs = native.keys() != expected.keys() or (
        fits_position_embedding
        and any(native[name].shape != tensor.shape for name, tensor in expected.items())
    )
    convert = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    if differs and convert is not None:
        try:
            native = without_classifier(convert(copy(state), module))
        except Exception as error:  # what does not fit is met anywhere in timm's code
            raise WeightsFileError(
                f"{file} does not hold the weights of {what}: timm cannot convert it "
                f"({type(error).__name__}: {error}). It is most likely of another variant, such as "
                "one with register tokens or without a class token: check `encoder` against the "
                "file."
            ) from error
    return native
