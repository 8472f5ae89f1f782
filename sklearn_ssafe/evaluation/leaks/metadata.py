"""Checks of what a file says about itself. No encoder here sees it; a column made of it would."""

from .property_check import PropertyCheck

_DROP = (
    "Pixels do not show it, so detectors from pixels are not misled. Make no column of it, and "
    "drop it before pictures go to tools that read it: equalize(...)."
)

CHECKS = [
    PropertyCheck(
        code="metadata",
        title="kinds of metadata",
        severity="note",
        advice=_DROP,
        value=lambda facts: facts.metadata,
    ),
    PropertyCheck(
        code="camera",
        title="camera by EXIF",
        severity="note",
        advice=_DROP,
        value=lambda facts: facts.camera,
    ),
    PropertyCheck(
        code="c2pa",
        title="C2PA manifest",
        severity="note",
        advice=_DROP + " As evidence about one picture it is worth more than any detector.",
        value=lambda facts: (
            None if facts.has_c2pa is None else ("C2PA" if facts.has_c2pa else "none")
        ),
    ),
    PropertyCheck(
        code="generator_text",
        title="text that names a generator",
        severity="note",
        advice=_DROP,
        value=lambda facts: facts.named_generator,
    ),
]
