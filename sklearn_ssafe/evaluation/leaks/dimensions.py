"""Checks of width and height."""

from .property_check import PropertyCheck

_CROP = (
    "Crop both classes to one size before encoding: equalize(..., size=...). Do not enlarge, and "
    "do not shrink one class more than the other."
)

CHECKS = [
    PropertyCheck(
        code="dimensions",
        title="width x height",
        severity="leak",
        advice=_CROP,
        value=lambda facts: f"{facts.width} x {facts.height}",
    ),
    PropertyCheck(
        code="pixels",
        title="number of pixels",
        severity="leak",
        advice=_CROP,
        value=lambda facts: facts.width * facts.height,
        show="{:,.0f}".format,
    ),
    PropertyCheck(
        code="aspect",
        title="width / height",
        severity="leak",
        advice=_CROP + " An encoder that squashes to a square distorts one class alone.",
        value=lambda facts: facts.width / facts.height,
        show="{:.4g}".format,
    ),
    PropertyCheck(
        code="square",
        title="square or not",
        severity="leak",
        advice=_CROP + " An encoder that squashes to a square distorts one class alone.",
        value=lambda facts: "square" if facts.width == facts.height else "not square",
    ),
    PropertyCheck(
        code="multiples_of_64",
        title="both sides multiples of 64",
        severity="leak",
        advice=_CROP,
        value=lambda facts: "yes" if facts.width % 64 == facts.height % 64 == 0 else "no",
    ),
]
