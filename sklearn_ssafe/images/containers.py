"""The parts of a picture file that Pillow passes over: chunks, boxes, provenance, text."""

import struct
import zlib

_PNG_TEXT = (b"tEXt", b"zTXt", b"iTXt")
# Where the ISO media formats (HEIC, AVIF) keep a C2PA manifest.
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_C2PA_TIFF_TAG = 0xCD41
# A chunk of text larger than this holds no more than its beginning tells.
_MOST_TEXT = 1 << 20


def png_chunks(file):
    """List the chunks of a PNG file, those of pixels without their content.

    Parameters
    ----------
    file : binary file
        A PNG file; read from its beginning. One that breaks off ends the list.

    Returns
    -------
    chunks : list of (bytes, bytes)
        Type, and at most 1 MiB of content; PNG specification (third edition), section 5.3.
    """
    chunks = []
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        content = b"" if kind == b"IDAT" else file.read(min(length, _MOST_TEXT))
        file.seek(length - len(content) + 4, 1)
        chunks.append((kind, content))
    return chunks


def png_texts(chunks):
    """Read the text of a PNG file.

    Parameters
    ----------
    chunks : list of (bytes, bytes)
        From `png_chunks`.

    Returns
    -------
    texts : list of (str, str)
        Keyword and text. What cannot be unpacked has the text "".
    """
    texts = []
    for kind, content in chunks:
        if kind not in _PNG_TEXT:
            continue
        keyword, _, rest = content.partition(b"\0")
        if kind == b"zTXt":
            rest = _unpacked(rest[1:])
        elif kind == b"iTXt":
            packed, rest = rest[:1], rest[2:]
            rest = rest.split(b"\0", 2)[-1]  # behind language and translated keyword
            rest = _unpacked(rest) if packed == b"\1" else rest
        texts.append((keyword.decode("latin-1"), rest.decode("utf-8", "replace")))
    return texts


def _unpacked(content):
    try:
        return zlib.decompressobj().decompress(content, _MOST_TEXT)
    except zlib.error:
        return b""


def has_c2pa(image, file, chunks):
    """Say whether a file carries a C2PA manifest. Whether it is valid is not looked at.

    Parameters
    ----------
    image : PIL.Image.Image
        The opened picture.
    file : binary file
        The same.
    chunks : list of (bytes, bytes)
        Of a PNG file, from `png_chunks`; empty for others.

    Returns
    -------
    found : bool
        Where the C2PA specification (2.1, appendix A) places it: APP11 in JPEG, ``caBX`` in PNG, a
        RIFF chunk in WebP, a ``uuid`` box in HEIC and AVIF, a tag in TIFF.
    """
    if image.format in ("JPEG", "MPO"):
        return any(name == "APP11" and b"c2pa" in content for name, content in image.applist)
    if image.format == "PNG":
        return any(kind == b"caBX" for kind, _ in chunks)
    if image.format == "WEBP":
        return b"C2PA" in _parts(file, 12, "<4sI", length_first=False)
    if image.format in ("HEIF", "AVIF"):
        return _C2PA_UUID in _parts(file, 0, ">I4s", length_first=True)
    if image.format == "TIFF":
        return _C2PA_TIFF_TAG in image.tag_v2
    return False


def _parts(file, start, layout, *, length_first):
    """List the kinds of RIFF chunks or ISO boxes at the top of a file; a uuid box by its uuid."""
    kinds = []
    file.seek(start)
    while len(head := file.read(8)) == 8:
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
