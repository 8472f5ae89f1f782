"""Which formats of picture are read, told from the first bytes and never from the name."""

from ..errors import ImageReadError

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevm", b"hevs", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"8BPS", "PSD"),
    (b"\0\0\1\0", "ICO"),
)
# Known by name, so that the message can say what they are; none of them is ever opened.
_NOT_READ = (
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (b"%PDF", "a PDF document"),
    (b"\xd7\xcd\xc6\x9a", "a WMF drawing"),
    (b"\1\0\0\0", "an EMF drawing"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file, perhaps an SVG drawing"),
    (b"PK\3\4", "a ZIP archive"),
)
READ = "JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC, AVIF, JPEG 2000, PSD, ICO and PPM (PBM, PGM) files"


def format_of(head):
    """Return the name of a file's format, as Pillow calls it, from its first 64 bytes."""
    if not head:
        raise ImageReadError("the file is empty (0 bytes)")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS + _AVIF_BRANDS:
        # The first brand may be of both, and those behind tell.
        brands = {head[8:12], *(head[k : k + 4] for k in range(16, len(head), 4))}
        is_avif = head[8:12] in _AVIF_BRANDS or (
            head[8:12] in (b"mif1", b"msf1") and brands.intersection(_AVIF_BRANDS)
        )
        return "AVIF" if is_avif else "HEIF"
    if head[:1] == b"P" and head[1:2] in b"123456f" and head[2:3].isspace():
        return "PPM"
    for magic, name in _NOT_READ:
        if head.startswith(magic):
            raise ImageReadError(f"is {name}; pictures are {READ}")
    raise ImageReadError(f"is no picture (it begins with {head[:8]!r}); pictures are {READ}")
