"""Checks of how JPEG files were compressed; pictures of other formats are left out."""

from .property_check import PropertyCheck

_HISTORY = (
    "Compress both classes alike: equalize(...). That does not undo the first compression, of "
    "which a trace stays in the pixels; best are originals of like quality on both sides."
)

CHECKS = [
    PropertyCheck(
        code="jpeg_quality",
        title="JPEG quality",
        severity="leak",
        advice=_HISTORY,
        value=lambda facts: facts.jpeg_quality,
        show="{:.0f}".format,
    ),
    PropertyCheck(
        code="jpeg_tables",
        title="JPEG quantisation tables",
        severity="leak",
        advice=_HISTORY,
        value=lambda facts: facts.jpeg_tables,
    ),
    PropertyCheck(
        code="subsampling",
        title="JPEG chroma subsampling",
        severity="leak",
        advice=_HISTORY,
        value=lambda facts: facts.subsampling,
    ),
]
