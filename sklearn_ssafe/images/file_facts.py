"""What a picture file says of itself, without looking at what it shows."""

import functools
import hashlib
import io
import re
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from ..public import public
from .formats.png import chunks_of, texts_of
from .ifd import EXIF_IFD, exif_tags, has_tags

# Where the ISO media formats (HEIC, AVIF) keep a C2PA manifest.
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_C2PA_TIFF_TAG = 0xCD41


def has_c2pa(image, file, chunks):
    """Whether a file carries a C2PA manifest, valid or not: C2PA specification 2.1, appendix A."""
    if image.format in ("JPEG", "MPO"):
        return any(name == "APP11" and b"c2pa" in content for name, content in image.applist)
    if image.format == "PNG":
        return any(kind == b"caBX" for kind, _ in chunks)
    if image.format == "WEBP":
        return b"C2PA" in _parts(file, 12, "<4sI", length_first=False)
    if image.format in ("HEIF", "AVIF"):
        return _C2PA_UUID in _parts(file, 0, ">I4s", length_first=True)
    if image.format == "TIFF":
        return _C2PA_TIFF_TAG in exif_tags(image.info["exif"], {_C2PA_TIFF_TAG})
    return False


# More chunks or boxes at the top of a file are no picture's.
_MOST_KINDS = 4096


def _parts(file, start, layout, *, length_first):
    """List the kinds of RIFF chunks or ISO boxes at the top of a file; a uuid box by its uuid."""
    kinds = []
    file.seek(start)
    while len(kinds) < _MOST_KINDS and len(head := file.read(8)) == 8:
        first, second = struct.unpack(layout, head)
        length, kind = (first, second) if length_first else (second, first)
        if kind == b"uuid":
            kinds.append(file.read(16))
            file.seek(-16, 1)
        else:
            kinds.append(kind)
        if not length_first:
            file.seek(length + length % 2, 1)
        elif length < 8:  # to the end of the file, or of 64 bits: behind it come pixels alone
            break
        else:
            file.seek(length - 8, 1)
    return kinds


@functools.cache
def _tables_by_quality():
    """Luminance and chrominance tables at the qualities 1 to 100, as libjpeg makes them."""
    tables = {}
    grey = Image.new("RGB", (8, 8))
    for quality in range(1, 101):
        file = io.BytesIO()
        grey.save(file, "JPEG", quality=quality)
        with Image.open(file) as written:
            tables[quality] = tuple(tuple(written.quantization[n]) for n in (0, 1))
    return tables


@functools.lru_cache(4096)
def jpeg_quality(luminance):
    """Estimate the quality, 1 to 100 on libjpeg's scale: that with the closest luminance table."""
    qualities = list(_tables_by_quality())
    standard = np.array([_tables_by_quality()[quality][0] for quality in qualities], dtype=float)
    distance = np.abs(np.log(standard) - np.log(np.maximum(luminance, 1))).mean(axis=1)
    return qualities[int(np.argmin(distance))]


@functools.lru_cache(4096)
def name_tables(tables):
    """Name quantisation tables: "libjpeg 90", or "own", fingerprint and closest quality."""
    quality = jpeg_quality(tables[0])
    # A grey picture has the first table alone.
    if tables == _tables_by_quality()[quality][: len(tables)]:
        return f"libjpeg {quality}"
    fingerprint = hashlib.sha256(repr(tables).encode()).hexdigest()[:6]
    return f"own {fingerprint}, near quality {quality}"


# What to look for, in lower case, and what it means. The first that matches is taken.
_MARKS = [
    (r"invoke-?ai|sd-metadata", "InvokeAI"),
    (r"novelai", "NovelAI"),
    (r"fooocus", "Fooocus"),
    (r"comfyui|\"class_type\"", "ComfyUI"),
    (r"sd\.?next", "SD.Next"),
    (r"midjourney|job id: [0-9a-f-]{36}", "Midjourney"),
    (r"dall[-·. ]?e\b|openai|chatgpt|gpt-image", "OpenAI"),
    (r"adobe firefly", "Adobe Firefly"),
    (r"made with google ai|google generative ai|\bimagen \d|nano[- ]banana", "Google AI"),
    (r"ideogram", "Ideogram"),
    (r"leonardo\.ai", "Leonardo"),
    (r"\bflux[. -]?\d|black forest labs", "FLUX"),
    (r"steps: \d+, sampler:|stable[- ]?diffusion|automatic1111|\bsdxl\b", "Stable Diffusion"),
    (r"trainedalgorithmicmedia", "IPTC: trained algorithmic media"),
]
_PATTERNS = [(re.compile(pattern), name) for pattern, name in _MARKS]
# Keywords of PNG text that only programs for generation write.
_KEYWORDS = {"parameters": "Stable Diffusion", "workflow": "ComfyUI", "dream": "InvokeAI"}


def find_named_generator(texts):
    r"""Find the generator that keywords and texts of a file name; "" if none, which proves nothing.

    >>> find_named_generator([("parameters", "a cat\\nSteps: 20, Sampler: Euler a")])
    'Stable Diffusion'
    >>> find_named_generator([("Software", "GIMP 2.10")])
    ''
    """
    texts = list(texts)
    everything = "\n".join(f"{keyword}: {text}" for keyword, text in texts).lower()
    for pattern, name in _PATTERNS:
        if pattern.search(everything):
            return name
    return next((_KEYWORDS[keyword] for keyword, _ in texts if keyword in _KEYWORDS), "")


_SOURCE_TYPE = re.compile(r"DigitalSourceType\W[^<]{0,200}?newscodes/digitalsourcetype/(\w+)")


def find_source_type(texts):
    """Find the IPTC digital source type that the XMP of a file states, "" if none."""
    found = (_SOURCE_TYPE.search(text) for _, text in texts)
    return next((match[1] for match in found if match), "")


_MAKE, _MODEL, _SOFTWARE, _DESCRIPTION, _USER_COMMENT = 0x010F, 0x0110, 0x0131, 0x010E, 0x9286
_BITS_OF_MODE = {"1": 1, "I": 32, "F": 32}


@public("sklearn_ssafe.images")
@dataclass(frozen=True)
class FileFacts:
    """Facts of one picture. None where the picture's kind does not tell.

    Attributes
    ----------
    width, height : int
        Pixels, as stored.
    colour_mode : str
        ``"grey"``, ``"RGB"``, ``"palette"``, ``"CMYK"`` or as Pillow calls it.
    has_alpha : bool
        Whether any transparency is stored.
    format : str or None
        As Pillow calls it; a JPEG file with further pictures behind it is ``"JPEG"``, too.
    bit_depth : int or None
        Bits a channel.
    n_bytes : int or None
        Size of the file.
    icc_profile : str or None
        Description of the colour profile, "" if there is none.
    metadata : str or None
        The kinds of metadata block there are, such as ``"EXIF, XMP"``, or ``"none"``.
    camera : str or None
        Make and model by EXIF, "" if there is none.
    has_c2pa : bool or None
        Whether there is a C2PA manifest.
    named_generator : str or None
        The generator that the file's text names, "" if none.
    source_type : str or None
        The IPTC digital source type that the XMP states, such as ``"trainedAlgorithmicMedia"``, ""
        if none. Anybody can write one.
    jpeg_quality : int or None
        Estimated, 1 to 100; JPEG only.
    jpeg_tables : str or None
        Name of the quantisation tables; JPEG only.
    subsampling : str or None
        Of chroma, such as ``"4:2:0"``; JPEG in colour only.
    jpeg_scan : str or None
        ``"progressive"`` or ``"baseline"``; JPEG only.
    resolution : str or None
        Dots per inch, such as ``"72 x 72"``, ``"none"`` where none is stored.
    path : str or None
        Where the file lies, or the name of the row in a Parquet file.
    modified : float or None
        When the file was last changed, in seconds since 1970.
    """

    width: int
    height: int
    colour_mode: str
    has_alpha: bool
    format: str | None = None
    bit_depth: int | None = None
    n_bytes: int | None = None
    icc_profile: str | None = None
    metadata: str | None = None
    camera: str | None = None
    has_c2pa: bool | None = None
    named_generator: str | None = None
    source_type: str | None = None
    jpeg_quality: int | None = None
    jpeg_tables: str | None = None
    subsampling: str | None = None
    jpeg_scan: str | None = None
    resolution: str | None = None
    path: str | None = None
    modified: float | None = None


def facts_of_file(image, file, **place):
    """Return the facts of a picture's opened file; `place` is its path and time of change."""
    chunks = chunks_of(file) if image.format == "PNG" else []
    exif = exif_tags(image.info.get("exif"), {_MAKE, _MODEL, _SOFTWARE, _DESCRIPTION})
    texts = [*texts_of(chunks), *_other_texts(image, exif)]
    return FileFacts(
        width=image.width,
        height=image.height,
        colour_mode=_colour_mode(image.mode),
        has_alpha=has_alpha(image),
        format="JPEG" if image.format == "MPO" else image.format,
        bit_depth=_bit_depth(image, chunks),
        n_bytes=_size(file),
        icc_profile=_profile_name(image.info.get("icc_profile") or b""),
        metadata=_kinds_of_metadata(image, chunks),
        camera=" ".join(_clean(exif[tag]) for tag in (_MAKE, _MODEL) if tag in exif),
        has_c2pa=has_c2pa(image, file, chunks),
        named_generator=find_named_generator(texts),
        source_type=find_source_type(texts),
        resolution=_resolution(image),
        **_jpeg_facts(image),
        **place,
    )


def facts_of_pixels(width, height, mode, alpha):
    """Return the facts of a picture in memory, of which Pillow's `mode` is known."""
    return FileFacts(width, height, _colour_mode(mode), alpha)


def _colour_mode(mode):
    plain = {"LA": "L", "La": "L", "PA": "P", "RGBA": "RGB", "RGBa": "RGB", "RGBX": "RGB"}
    mode = plain.get(mode, mode)
    if mode in ("1", "L", "I", "F") or mode.startswith("I;"):
        return "grey"
    return "palette" if mode == "P" else mode


def has_alpha(image):
    """Whether a PIL image has any transparency."""
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _bit_depth(image, chunks):
    if chunks and chunks[0][0] == b"IHDR":
        return chunks[0][1][8]
    if "bit_depth" in image.info:  # HEIC
        return image.info["bit_depth"]
    return 16 if image.mode.startswith("I;16") else _BITS_OF_MODE.get(image.mode, 8)


def _size(file):
    return file.seek(0, io.SEEK_END)


def _jpeg_facts(image):
    if image.format not in ("JPEG", "MPO"):
        return {}
    tables = tuple(tuple(image.quantization[number]) for number in sorted(image.quantization))
    if not tables:
        return {}
    return {
        "jpeg_quality": jpeg_quality(tables[0]),
        "jpeg_tables": name_tables(tables),
        "subsampling": _subsampling(image.layer),
        "jpeg_scan": "progressive" if image.info.get("progressive") else "baseline",
    }


def _resolution(image):
    dots = image.info.get("dpi")
    try:
        return f"{float(dots[0]):.0f} x {float(dots[1]):.0f}"
    except (TypeError, ValueError, ZeroDivisionError, IndexError):  # none, or a damaged one
        return "none"


def _subsampling(layers):
    """Write sampling factors as J:a:b; those without such a name as they stand in the file."""
    if len(layers) < 3:
        return None
    factors = [tuple(layer[1:3]) for layer in layers]
    names = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}
    if factors[1:3] == [(1, 1), (1, 1)] and factors[0] in names:
        return names[factors[0]]
    return " ".join(f"{horizontal}x{vertical}" for horizontal, vertical in factors)


def _other_texts(image, exif):
    for tag in (_SOFTWARE, _DESCRIPTION, _MAKE):
        if tag in exif:
            yield "", _clean(exif[tag])
    inside = exif_tags(image.info.get("exif"), {_USER_COMMENT}, inside=EXIF_IFD)
    comment = inside.get(_USER_COMMENT)
    for text in (comment, image.info.get("comment"), image.info.get("xmp")):
        if text:
            yield "", _clean(text)


def _clean(text):
    """Make text of whatever it is, UTF-16 included, as far as plain letters go."""
    if isinstance(text, bytes):
        text = text.replace(b"\0", b"").decode("latin-1")
    return str(text).replace("\0", "").strip()


def _kinds_of_metadata(image, chunks):
    kinds = {kind for kind, _ in chunks}
    names = {name for name, _ in getattr(image, "applist", [])}
    found = {
        "EXIF": has_tags(image.info.get("exif")),
        "XMP": "xmp" in image.info or any(b"com.adobe.xmp" in text[:32] for _, text in chunks),
        "Photoshop": "APP13" in names,
        "comment": bool(image.info.get("comment")),
        "text": bool(kinds & {b"tEXt", b"zTXt", b"iTXt"}),
    }
    return ", ".join(name for name, there in found.items() if there) or "none"


@functools.lru_cache(256)
def _profile_name(profile):
    if not profile:
        return ""
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except Exception:
        name = ""
    return name.strip() or f"unnamed {hashlib.sha256(profile).hexdigest()[:6]}"
