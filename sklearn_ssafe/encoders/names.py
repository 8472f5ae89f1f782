"""Which library an encoder's name belongs to, or that it names a folder or a repository."""

import difflib
import re
from pathlib import Path

FORENSIC = "forensic"
ONNX = "onnx"
EFFICIENTNET_LITE = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
SOURCE = "source"
_PREFIX = re.compile(r"(hf[-_]hub|local-dir):(.*)", re.DOTALL)
_PATH = re.compile(r"[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")


def resolve_name(encoder):
    """Find the library that has a model of this name."""
    if encoder in (FORENSIC, ONNX):
        return encoder, encoder
    if encoder in EFFICIENTNET_LITE:
        return "efficientnet_lite", encoder
    inner = encoder.removeprefix("timm/")
    if _PREFIX.fullmatch(inner) or _PATH.match(inner):
        return SOURCE, encoder
    if encoder.startswith("timm/"):
        import timm

        if timm.is_model(inner.partition(".")[0]):
            return "timm", inner
        if Path(encoder).is_dir() or Path(inner).is_dir():
            return SOURCE, encoder
        raise _unknown(encoder, [f"timm/{known}" for known in _timm_names()])

    import open_clip
    import timm

    # open_clip writes ViT-B-32 what OpenAI wrote ViT-B/32, and takes both.
    name = encoder.replace("/", "-")
    if name in open_clip.list_models():
        return "open_clip", name
    if timm.is_model(encoder.partition(".")[0]):
        return "timm", encoder
    if encoder and Path(encoder).is_dir():
        return SOURCE, encoder
    own = [FORENSIC, ONNX, *EFFICIENTNET_LITE]
    raise _unknown(encoder, [*own, *open_clip.list_models(), *_timm_names()])


def split_source(encoder):
    """Return library ("timm" or None), kind ("hf-hub" or "local-dir") and place of a source."""
    library, inner = None, encoder
    # A folder may itself be called timm.
    if encoder.startswith("timm/") and not Path(encoder).is_dir():
        library, inner = "timm", encoder.removeprefix("timm/")
    prefixed = _PREFIX.fullmatch(inner)
    kind, place = prefixed.groups() if prefixed else ("local-dir", inner)
    if not place.strip():
        raise ValueError(f"encoder={encoder!r}: what follows {kind}: is missing.")
    return library, kind.replace("_", "-"), place


def is_folder(encoder):
    """Tell whether a name stands for a folder, also where there is none on this machine."""
    try:
        library, name = resolve_name(encoder)
    except ValueError:
        return True
    return library == SOURCE and split_source(name)[1] == "local-dir"


def _timm_names():
    import timm

    return [*timm.list_models(), *timm.list_models(pretrained=True)]


def _unknown(encoder, known):
    by_lower_case = {name.lower(): name for name in known}
    close = difflib.get_close_matches(encoder.lower(), by_lower_case, n=5, cutoff=0.5)
    hint = ", ".join(repr(by_lower_case[name]) for name in close)
    return ValueError(
        f"encoder={encoder!r} is not a known encoder."
        + (f" Did you mean {hint}?" if hint else "")
        + " Known are 'efficientnet_lite0', 'forensic', 'onnx', the models of "
        "open_clip.list_models() and, as 'timm/NAME', those of timm.list_models(); a repository of "
        "the hub is written 'hf-hub:OWNER/NAME', a folder 'local-dir:FOLDER'."
    )
