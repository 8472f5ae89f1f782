"""Vision towers of open_clip, without their text towers."""

import inspect
from copy import copy
from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace

import torch

from .building import build_random, build_unfilled, fill, freeze
from .checksums import check_checksum
from .configuration import hash_of
from .hub import fetch_from_hub
from .preprocessing import ViewSpec
from .timm_tower import describe_blocks, pool_of, run_blocks
from .tower import Tower
from .weights import WeightsFileError, WeightsNotFoundError, find_weights_file, read_checkpoint

HUB_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
# What makes a model another one, and no variant of the one that was named.
_OTHER_MODEL = ("layers", "width", "timm_model_name")


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


def load_open_clip_tower(name, tag, weights, device, dtype, configuration=None):
    """Build the vision tower of an open_clip model and load its weights."""
    import open_clip

    registered = open_clip.get_model_config(name)
    what = f"{name} (pretrained={tag!r})" if tag else name
    if configuration is None:
        published = open_clip.get_pretrained_cfg(name, tag) if tag else {}
        # Either may know of it: open_clip's name for the model, or the tag alone.
        quick_gelu = registered.get("quick_gelu", False) or published.get("quick_gelu", False)
        model = {**registered, "quick_gelu": quick_gelu}
    else:
        published = configuration.content.get("preprocess_cfg") or {}
        model = _checked_model(configuration)
        if configuration.is_beside_weights:
            _refuse_another_model(name, registered, model, configuration)
    vision = {**model["vision_cfg"], "timm_model_pretrained": False}

    def build():
        # open_clip's public constructors all allocate the text tower as well.
        arguments = model["embed_dim"], vision, model.get("quick_gelu", False)
        try:
            return open_clip.model._build_vision_tower(*arguments)
        except Exception as error:  # a configuration may hold anything
            if configuration is None:
                raise
            raise WeightsFileError(
                f"{configuration.place}: open_clip cannot build this vision tower "
                f"({type(error).__name__}: {error})."
            ) from error

    if weights == "random":
        module = build_random(build)
    else:
        if weights is not None:
            file = find_weights_file(weights)
            check_checksum(file)
        elif configuration is not None:
            file = fetch_from_hub(configuration.repository, HUB_NAMES, what)
        else:
            file = hub_file(published, what)
        module = build_unfilled(build)
        state = _vision_state(file, module, what)
        if configuration is not None:
            _fit_position_embedding(state, module)
        fill(module, state, dtype, file, what)
    if configuration is not None and hasattr(module, "trunk"):
        _require_an_embedding(module, model["embed_dim"], configuration)
    kind = OpenClipTimmTower if hasattr(module, "trunk") else OpenClipTower
    view_spec = _view_spec(published, module, configuration)
    tower = kind(name, freeze(module, device, dtype), view_spec, model["embed_dim"])
    if configuration is not None and (
        not configuration.is_beside_weights or _described(model) != _described(registered)
    ):
        tower.configuration = hash_of(_described(model))
    return tower


def resolve_open_clip_tag(name, pretrained, weights, configuration=None):
    """Return the tag whose weights or settings are to be used."""
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained is not None:
        tag = pretrained.lower().replace("-", "_")
        if tag not in tags:
            raise ValueError(
                f"open_clip has no weights pretrained={pretrained!r} of {name}. It has: "
                f"{', '.join(tags) or 'none at all, pass weights=FILE'}."
            )
        return name, tag
    if len(tags) == 1 or (tags and weights == "random"):
        return name, tags[0]
    if not tags and weights is None:
        raise ValueError(f"open_clip publishes no weights of {name}: pass weights=FILE.")
    if not tags or configuration is not None:
        return name, None
    purpose = "" if weights is None else ", from which the file's preprocessing follows"
    raise ValueError(
        f"{name} has several sets of weights. Pass one as `pretrained`{purpose}: {', '.join(tags)}."
    )


def _pooled(output):
    # CoCa's tower gives its tokens beside the embedding.
    return output[0] if isinstance(output, tuple) else output


def _modules(module):
    return module.modules() if module is not None else ()


def _checked_model(configuration):
    """Return a configuration's model, when it has nothing that this open_clip does not know."""
    import open_clip

    model = configuration.content["model_cfg"]
    vision = model.get("vision_cfg") if isinstance(model, dict) else None
    if not isinstance(vision, dict) or not isinstance(model.get("embed_dim"), int):
        raise WeightsFileError(
            f"{configuration.place}: not a model configuration of open_clip, whose 'model_cfg' has "
            "'vision_cfg' and 'embed_dim'."
        )
    classes = (open_clip.CLIP, open_clip.CustomTextCLIP, open_clip.CoCa)
    known = {name for one in classes for name in inspect.signature(one).parameters}
    unknown = [f"model_cfg.{key}" for key in model if key not in known | {"custom_text"}]
    known = {field.name for field in fields(open_clip.CLIPVisionCfg)}
    unknown += [f"vision_cfg.{key}" for key in vision if key not in known]
    if unknown:
        raise WeightsFileError(
            f"{configuration.place}: open_clip {open_clip.__version__} does not know "
            f"{', '.join(unknown)}, which may change the features. Install the version that wrote "
            "it, or take out what does not concern the vision tower."
        )
    if vision.get("pool_type") == "none" and not vision.get("attentional_pool"):
        raise WeightsFileError(
            f"{configuration.place}: vision_cfg.pool_type='none' gives tokens and no embedding. "
            "Set 'tok' or 'avg', as the weights were trained."
        )
    return model


def _require_an_embedding(module, embed_dim, configuration):
    if pool_of(module.trunk) == "" and not hasattr(module.head, "pool"):
        raise WeightsFileError(
            f"{configuration.place}: vision_cfg.timm_pool gives a map and no embedding. Set what "
            "the weights were trained with, such as 'avg' or 'map'."
        )
    if len(module.head) == 0 and module.trunk.num_classes == 0:
        width = module.trunk.head_hidden_size
        if width != embed_dim:
            raise WeightsFileError(
                f"{configuration.place}: embed_dim={embed_dim}, and without a projection "
                f"(vision_cfg.timm_proj) the tower gives {width} features. One of them is wrong."
            )


def _refuse_another_model(name, registered, model, configuration):
    here, there = _described(model), _described(registered)
    differ = [key for key in _OTHER_MODEL if here["vision_cfg"][key] != there["vision_cfg"][key]]
    if differ:
        listed = ", ".join(
            f"{key}={here['vision_cfg'][key]!r} instead of {there['vision_cfg'][key]!r}"
            for key in differ
        )
        raise WeightsFileError(
            f"{configuration.place} describes another architecture than {name} ({listed}). Name "
            f"the folder itself as encoder='{configuration.file.parent}', or the right one."
        )


def _described(model):
    """Return what decides a tower's features besides weights and layers' types, all filled in."""
    import open_clip

    vision = {**model["vision_cfg"], "timm_model_pretrained": False}
    return {
        "embed_dim": model["embed_dim"],
        "vision_cfg": asdict(open_clip.CLIPVisionCfg(**vision)),
    }


def _view_spec(published, module, configuration):
    if configuration is not None and published.get("mode", "RGB") != "RGB":
        raise WeightsFileError(
            f"{configuration.place}: preprocess_cfg.mode={published['mode']!r}; pictures are RGB."
        )
    settings = preprocess_settings({**published, "size": module.image_size})
    return ViewSpec(
        size=settings["size"],
        mean=settings["mean"],
        std=settings["std"],
        interpolation=settings["interpolation"],
        resize_mode=settings["resize_mode"],
        fill=settings["fill_color"],
    )


def preprocess_settings(published):
    """Return all settings of open_clip's preprocessing, where `published` gives some."""
    import open_clip

    return open_clip.transform.merge_preprocess_dict(open_clip.transform.PreprocessCfg(), published)


def _fit_position_embedding(state, module):
    """Resize the position embedding to the configured input size, as open_clip's loader does."""
    import open_clip

    key = "positional_embedding"
    if key in state:
        whole = {f"visual.{key}": state[key]}
        open_clip.model.resize_pos_embed(whole, SimpleNamespace(visual=module))
        state[key] = whole[f"visual.{key}"]


def hub_file(published, what):
    """Return the weights that a tag of open_clip stands for, from the hub or its cache."""
    repo, _, filename = published.get("hf_hub", "").rpartition("/")
    if not repo:
        raise WeightsNotFoundError(
            f"The weights of {what} are on no hub. Download {published.get('url')} and pass its "
            "path as weights=. encoder='forensic' needs no weights."
        )
    names = HUB_NAMES
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
