"""Under which licence an encoder's weights are."""

from ..encoders.catalogue import list_encoders
from ..encoders.names import resolve_name


def licence_of(encoder):
    """Say in words who may use an encoder's weights.

    Parameters
    ----------
    encoder : dict
        From `describe_encoder`.

    Returns
    -------
    text : str
        The licence and where it is stated, or that it is not known.
    """
    name, tag = encoder["settings"].get("encoder"), encoder["settings"]["pretrained"]
    if name is None:
        return "that of a module of the author's own, which is not known here"
    library, name = resolve_name(name)
    if library == "timm":
        name, _, tag_in_name = name.partition(".")
        name, tag = f"timm/{name}", tag or tag_in_name
    table = list_encoders()
    known = table[table["encoder"] == name]
    if tag:
        known = known[known["pretrained"] == tag.lower().replace("-", "_")]
    if len(known) != 1:
        return "unknown; see `ssafe encoders`"
    row = known.iloc[0]
    source = f", as stated at {row['licence_source']}" if row["licence_source"] else ""
    return f"{row['licence']} (commercial use: {row['commercial_use']}{source})"
