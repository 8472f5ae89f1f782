"""Checks of how colour is stored."""

from .property_check import PropertyCheck

_ONE_MODE = "Store both classes as 8-bit RGB without transparency: equalize(...)."

CHECKS = [
    PropertyCheck(
        code="colour_mode",
        title="colour mode",
        severity="leak",
        advice=_ONE_MODE
        + " Grey pictures and palettes stay visible as such: leave them out, or have them on both "
        "sides.",
        value=lambda facts: facts.colour_mode,
    ),
    PropertyCheck(
        code="alpha",
        title="transparency",
        severity="leak",
        advice=_ONE_MODE,
        value=lambda facts: "transparency" if facts.has_alpha else "opaque",
    ),
    PropertyCheck(
        code="bit_depth",
        title="bits a channel",
        severity="leak",
        advice=_ONE_MODE,
        value=lambda facts: facts.bit_depth,
        show="{:.0f}".format,
    ),
    PropertyCheck(
        code="icc_profile",
        title="colour profile (ICC)",
        severity="leak",
        advice="Profiles are not applied when a picture is read, so colours shift with them. "
        "Convert to sRGB beforehand where that matters, then drop the profile: equalize(...).",
        value=lambda facts: facts.icc_profile,
    ),
]
