"""What is known of a picture without decoding it: everything a detector should not go by."""

import functools
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from .containers import has_c2pa, png_chunks, png_texts
from .jpeg_quality import jpeg_quality, name_tables
from .named_generators import find_named_generator
from .reading import check_image, open_picture

_MAKE, _MODEL, _SOFTWARE, _DESCRIPTION, _EXIF_IFD, _USER_COMMENT = (
    0x010F,
    0x0110,
    0x0131,
    0x010E,
    0x8769,
    0x9286,
)
_BITS_OF_MODE = {"1": 1, "I": 32, "F": 32}


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
    jpeg_quality : int or None
        Estimated, 1 to 100; JPEG only.
    jpeg_tables : str or None
        Name of the quantisation tables; JPEG only.
    subsampling : str or None
        Of chroma, such as ``"4:2:0"``; JPEG in colour only.
    path : str or None
        Where the file lies.
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
    jpeg_quality: int | None = None
    jpeg_tables: str | None = None
    subsampling: str | None = None
    path: str | None = None
    modified: float | None = None


def read_file_facts(item):
    """Read what a picture file tells without decoding it.

    Parameters
    ----------
    item : str, Path, bytes, PIL.Image.Image or ndarray of uint8
        A file's path or content. Of a picture in memory, size and colour mode are all there is.

    Returns
    -------
    facts : FileFacts
        Takes a fraction of a millisecond.

    Raises
    ------
    ImageReadError
        The picture is missing, empty, of an unknown format, or a URL.

    Examples
    --------
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> picture = make_generated_images(2, image_size=64, random_state=0).X[0]
    >>> facts = read_file_facts(picture)
    >>> facts.format, facts.width, facts.jpeg_quality, facts.subsampling
    ('JPEG', 64, 90, '4:2:0')
    """
    if isinstance(item, np.ndarray | Image.Image):
        check_image(item)
        return _facts_of_pixels(item)
    with open_picture(item) as (image, file):
        chunks = png_chunks(file) if image.format == "PNG" else []
        exif = _exif(image, chunks)
        texts = [*png_texts(chunks), *_other_texts(image, exif)]
        return FileFacts(
            width=image.width,
            height=image.height,
            colour_mode=_colour_mode(image.mode),
            has_alpha=_has_alpha(image),
            format="JPEG" if image.format == "MPO" else image.format,
            bit_depth=_bit_depth(image, chunks),
            n_bytes=_size(file),
            icc_profile=_profile_name(image.info.get("icc_profile") or b""),
            metadata=_kinds_of_metadata(image, chunks, exif),
            camera=" ".join(_clean(exif[tag]) for tag in (_MAKE, _MODEL) if tag in exif),
            has_c2pa=has_c2pa(image, file, chunks),
            named_generator=find_named_generator(texts),
            **_jpeg_facts(image),
            **_place(item),
        )


def _facts_of_pixels(item):
    if isinstance(item, np.ndarray):
        n_channels = 1 if item.ndim == 2 else item.shape[2]
        mode = {1: "grey", 3: "RGB", 4: "RGB"}[n_channels]
        return FileFacts(item.shape[1], item.shape[0], mode, has_alpha=n_channels == 4)
    return FileFacts(item.width, item.height, _colour_mode(item.mode), _has_alpha(item))


def _colour_mode(mode):
    plain = {"LA": "L", "La": "L", "PA": "P", "RGBA": "RGB", "RGBa": "RGB", "RGBX": "RGB"}
    mode = plain.get(mode, mode)
    if mode in ("1", "L", "I", "F") or mode.startswith("I;"):
        return "grey"
    return "palette" if mode == "P" else mode


def _has_alpha(image):
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _bit_depth(image, chunks):
    if chunks and chunks[0][0] == b"IHDR":
        return chunks[0][1][8]
    if "bit_depth" in image.info:  # HEIC
        return image.info["bit_depth"]
    return 16 if image.mode.startswith("I;16") else _BITS_OF_MODE.get(image.mode, 8)


def _size(file):
    return file.seek(0, io.SEEK_END)


def _place(item):
    if not isinstance(item, str | Path):
        return {}
    return {"path": str(item), "modified": Path(item).stat().st_mtime}


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
    }


def _subsampling(layers):
    """Write sampling factors as J:a:b; those without such a name as they stand in the file."""
    if len(layers) < 3:
        return None
    factors = [tuple(layer[1:3]) for layer in layers]
    names = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}
    if factors[1:3] == [(1, 1), (1, 1)] and factors[0] in names:
        return names[factors[0]]
    return " ".join(f"{horizontal}x{vertical}" for horizontal, vertical in factors)


def _exif(image, chunks):
    """Read the EXIF tags; damaged ones are no reason to lose the picture."""
    try:
        if image.format != "PNG":
            return image.getexif()
        exif = Image.Exif()  # PNG by hand: Pillow would decode all of it to look behind the pixels
        exif.load(next((content for kind, content in chunks if kind == b"eXIf"), None))
        return exif
    except Exception:
        return Image.Exif()


def _other_texts(image, exif):
    for tag in (_SOFTWARE, _DESCRIPTION, _MAKE):
        if tag in exif:
            yield "", _clean(exif[tag])
    try:
        comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    except Exception:
        comment = None
    for text in (comment, image.info.get("comment"), image.info.get("xmp")):
        if text:
            yield "", _clean(text)


def _clean(text):
    """Make text of whatever it is, UTF-16 included, as far as plain letters go."""
    if isinstance(text, bytes):
        text = text.replace(b"\0", b"").decode("latin-1")
    return str(text).replace("\0", "").strip()


def _kinds_of_metadata(image, chunks, exif):
    kinds = {kind for kind, _ in chunks}
    names = {name for name, _ in getattr(image, "applist", [])}
    found = {
        "EXIF": len(exif) > 0,
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
