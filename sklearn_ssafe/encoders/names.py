"""Which library an encoder's name belongs to."""

import difflib

FORENSIC = "forensic"
ONNX = "onnx"
EFFICIENTNET_LITE = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")


def resolve_name(encoder):
    """Find the library that has a model of this name.

    Parameters
    ----------
    encoder : str
        "forensic", "onnx", one of `EFFICIENTNET_LITE`, an open_clip architecture, or a timm model,
        which may be written "timm/NAME" and has to be where another library knows the name.

    Returns
    -------
    library : {"forensic", "onnx", "efficientnet_lite", "open_clip", "timm"}
    name : str
        The name in that library.

    Raises
    ------
    ValueError
        For an unknown name, with names that resemble it.
    """
    if encoder in (FORENSIC, ONNX):
        return encoder, encoder
    if encoder in EFFICIENTNET_LITE:
        return "efficientnet_lite", encoder
    if encoder.startswith("timm/"):
        import timm

        name = encoder.removeprefix("timm/")
        if timm.is_model(name.partition(".")[0]):
            return "timm", name
        raise _unknown(encoder, [f"timm/{known}" for known in _timm_names()])

    import open_clip
    import timm

    # open_clip writes ViT-B-32 what OpenAI wrote ViT-B/32, and takes both.
    name = encoder.replace("/", "-")
    if name in open_clip.list_models():
        return "open_clip", name
    if timm.is_model(encoder.partition(".")[0]):
        return "timm", encoder
    own = [FORENSIC, ONNX, *EFFICIENTNET_LITE]
    raise _unknown(encoder, [*own, *open_clip.list_models(), *_timm_names()])


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
        "open_clip.list_models() and, as 'timm/NAME', those of timm.list_models()."
    )
