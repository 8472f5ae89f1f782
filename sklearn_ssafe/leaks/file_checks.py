"""What is asked of the file: format, dimensions, JPEG tables, colour, metadata."""

from .property_check import PropertyCheck

_EQUALIZE = "Bring both classes to one codec and quality: equalize(...), or ssafe equalize."

FORMAT_CHECKS = [
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


_CROP = (
    "Crop both classes to one size before encoding: equalize(..., size=...). Do not enlarge, and "
    "do not shrink one class more than the other."
)

DIMENSION_CHECKS = [
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


_HISTORY = (
    "Compress both classes alike: equalize(...). That does not undo the first compression, of "
    "which a trace stays in the pixels; best are originals of like quality on both sides."
)

JPEG_CHECKS = [
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


_ONE_MODE = "Store both classes as 8-bit RGB without transparency: equalize(...)."

COLOUR_CHECKS = [
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


_DROP = (
    "Pixels do not show it, so detectors from pixels are not misled. Make no column of it, and "
    "drop it before pictures go to tools that read it: equalize(...)."
)

METADATA_CHECKS = [
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
