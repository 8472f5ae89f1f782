"""Vision towers of open_clip, without their text towers."""

import json
from copy import copy
from pathlib import Path

import torch

from .building import build_random, build_unfilled, fill, freeze
from .hub import fetch_from_hub
from .preprocessing import ViewSpec
from .timm_tower import describe_blocks, run_blocks
from .tower import Tower
from .weights import WeightsFileError, WeightsNotFoundError, find_weights_file, read_checkpoint

_HUB_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_CONFIG_NAME = "open_clip_config.json"


class OpenClipTower(Tower):
    """One of open_clip's own vision towers: a transformer or a ResNet."""

    libraries = ("open_clip_torch",)

    def __init__(self, name, module, view_spec, final_width):
        super().__init__(name, module, view_spec, final_width)
        if hasattr(module, "transformer"):
            self.n_blocks = len(module.transformer.resblocks)
            self.block_width = module.conv1.out_channels
            self.has_class_token = True
        projection = getattr(module, "proj", None)
        if projection is not None:
            self.pre_projection_width = projection.shape[0]
            # A second module around the same weights: the shared one is not to be changed.
            self._unprojected = copy(module)
            self._unprojected._parameters = {**module._parameters, "proj": None}

    def final(self, pixels):
        """Return what open_clip's `encode_image` gives; see `Tower.final`."""
        return _pooled(self.module(pixels))

    def pre_projection(self, pixels):
        """Return the pooled, normed token; see `Tower.pre_projection`."""
        return _pooled(self._unprojected(pixels))

    def blocks(self, pixels, indices):
        """Return the tokens of some blocks; see `Tower.blocks`."""
        outputs = self.module.forward_intermediates(
            pixels,
            indices=indices,
            stop_early=True,
            intermediates_only=True,
            output_fmt="NLC",
            output_extra_tokens=True,
        )
        patches, prefixes = outputs["image_intermediates"], outputs["image_intermediates_prefix"]
        pairs = zip(patches, prefixes, strict=True)
        return [(tokens, prefix[:, 0]) for tokens, prefix in pairs]


class OpenClipTimmTower(Tower):
    """A timm model, as open_clip takes it for its vision tower."""

    libraries = ("open_clip_torch", "timm")

    def __init__(self, name, module, view_spec, final_width):
        super().__init__(name, module, view_spec, final_width)
        self.n_blocks, self.block_width, self.has_class_token = describe_blocks(module.trunk)
        projection = getattr(module.head, "proj", None) or getattr(module.head, "mlp", None)
        if len(module.head) == 0:
            # The model's own classifier layer is the projection then.
            projection = module.trunk.get_classifier()
        elif hasattr(module.head, "pool"):
            # Pools and projects in one layer.
            projection = None
        linear = next((m for m in _modules(projection) if isinstance(m, torch.nn.Linear)), None)
        self.pre_projection_width = linear.in_features if linear else None

    def pre_projection(self, pixels):
        """Return the trunk's pooled features; see `Tower.pre_projection`."""
        trunk = self.module.trunk
        if len(self.module.head) > 0:
            return trunk(pixels)
        return trunk.forward_head(trunk.forward_features(pixels), pre_logits=True)

    def blocks(self, pixels, indices):
        """Return the tokens of some blocks; see `Tower.blocks`."""
        return run_blocks(self.module.trunk, pixels, indices)


def load_open_clip_tower(name, tag, weights, device, dtype):
    """Build the vision tower of an open_clip model and load its weights.

    Parameters
    ----------
    name : str
        Architecture.
    tag : str or None
        Tag of its weights, from `resolve_open_clip_tag`. It decides the preprocessing and the
        activation, also of weights from a file; a folder's own ``open_clip_config.json`` comes
        before it.
    weights : None, "random", str or Path
    device : torch.device
    dtype : torch.dtype

    Returns
    -------
    tower : OpenClipTower or OpenClipTimmTower
    """
    import open_clip

    model = open_clip.get_model_config(name)
    published = open_clip.get_pretrained_cfg(name, tag) if tag else {}
    # Either may know of it: open_clip's name for the model, or the tag alone.
    quick_gelu = model.get("quick_gelu", False) or published.get("quick_gelu", False)
    config = _folder_config(weights)
    if config is not None:
        published = config.get("preprocess_cfg", {})
        quick_gelu = config["model_cfg"].get("quick_gelu", False)
    vision = {**model["vision_cfg"], "timm_model_pretrained": False}

    def build():
        # open_clip's public constructors all allocate the text tower as well.
        return open_clip.model._build_vision_tower(model["embed_dim"], vision, quick_gelu)

    what = f"{name} (pretrained={tag!r})" if tag else name
    if weights == "random":
        module = build_random(build)
    else:
        file = _hub_file(published, what) if weights is None else find_weights_file(weights)
        module = build_unfilled(build)
        fill(module, _vision_state(file, module, what), dtype, file, what)
    settings = open_clip.transform.merge_preprocess_dict(
        open_clip.transform.PreprocessCfg(), {**published, "size": module.image_size}
    )
    view_spec = ViewSpec(
        size=settings["size"],
        mean=settings["mean"],
        std=settings["std"],
        interpolation=settings["interpolation"],
        resize_mode=settings["resize_mode"],
        fill=settings["fill_color"],
    )
    kind = OpenClipTimmTower if hasattr(module, "trunk") else OpenClipTower
    return kind(name, freeze(module, device, dtype), view_spec, model["embed_dim"])


def resolve_open_clip_tag(name, pretrained, weights):
    """Return the tag whose weights or settings are to be used.

    Parameters
    ----------
    name : str
        Architecture.
    pretrained : str or None
    weights : None, "random", str or Path

    Returns
    -------
    tag : str or None
        None when a folder's own configuration, or open_clip's default, takes its place.

    Raises
    ------
    ValueError
        For an unknown tag, or none given where there are several.
    """
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained is not None:
        tag = pretrained.lower().replace("-", "_")
        if tag not in tags:
            raise ValueError(
                f"open_clip has no weights pretrained={pretrained!r} of {name}. It has: "
                f"{', '.join(tags) or 'none at all, pass weights=FILE'}."
            )
        return tag
    if len(tags) == 1 or (tags and weights == "random"):
        return tags[0]
    if not tags and weights is None:
        raise ValueError(f"open_clip publishes no weights of {name}: pass weights=FILE.")
    if not tags or _folder_config(weights) is not None:
        return None
    purpose = "" if weights is None else ", from which the file's preprocessing follows"
    raise ValueError(
        f"{name} has several sets of weights. Pass one as `pretrained`{purpose}: {', '.join(tags)}."
    )


def _pooled(output):
    # CoCa's tower gives its tokens beside the embedding.
    return output[0] if isinstance(output, tuple) else output


def _modules(module):
    return module.modules() if module is not None else ()


def _folder_config(weights):
    if weights is None or weights == "random":
        return None
    file = Path(weights).expanduser() / _CONFIG_NAME
    if not file.is_file():
        return None
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        config["model_cfg"]["vision_cfg"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsFileError(f"{file}: not a model configuration of open_clip.") from error
    return config


def _hub_file(published, what):
    repo, _, filename = published.get("hf_hub", "").rpartition("/")
    if not repo:
        raise WeightsNotFoundError(
            f"The weights of {what} are on no hub. Download {published.get('url')} and pass its "
            "path as weights=. encoder='forensic' needs no weights."
        )
    names = _HUB_NAMES
    if filename:
        names = (str(Path(filename).with_suffix(".safetensors")), filename)
    return fetch_from_hub(repo, tuple(dict.fromkeys(names)), what)


def _vision_state(file, module, what):
    """Read the vision tower's part of a checkpoint of the whole model, or of the tower alone."""
    state = read_checkpoint(file, wanted=lambda name: name.startswith("visual."))
    if state:
        return {name.removeprefix("visual."): tensor for name, tensor in state.items()}
    state = read_checkpoint(file)
    if not state.keys() & module.state_dict().keys():
        some = ", ".join(sorted(state)[:3])
        raise WeightsFileError(
            f"{file} does not hold the weights of {what}: no name in it begins with 'visual.' or "
            f"is one of the vision tower's (it has {some} ...). Weights in the format of the "
            "transformers library are not read; open_clip's own are."
        )
    return state
