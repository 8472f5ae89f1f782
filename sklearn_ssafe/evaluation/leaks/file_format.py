"""Checks of the container: which format, and how many bytes."""

from .property_check import PropertyCheck

_EQUALIZE = "Bring both classes to one codec and quality: equalize(...), or ssafe equalize."

CHECKS = [
    PropertyCheck(
        code="format",
        title="file format",
        severity="leak",
        advice=_EQUALIZE
        + " What lossy compression has done to the pixels before stays in them: best are sources "
        "that were lossy, or lossless, on both sides.",
        value=lambda facts: facts.format,
    ),
    PropertyCheck(
        code="bytes_per_pixel",
        title="bytes per pixel",
        severity="leak",
        advice=_EQUALIZE
        + " Where it is left after that, one class has more detail than the other; that may be "
        "content, or the trace of a generator.",
        value=lambda facts: facts.n_bytes and facts.n_bytes / (facts.width * facts.height),
        show="{:.3g}".format,
    ),
]
