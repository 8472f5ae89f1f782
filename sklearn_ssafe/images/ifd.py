"""Directories of tags, as EXIF and TIFF files have them (TIFF 6.0, section 2; BigTIFF)."""

import re
import struct

import numpy as np

_TYPES = {
    3: "u2",
    4: "u4",
    6: "i1",
    8: "i2",
    9: "i4",
    11: "f4",
    12: "f8",
    13: "u4",
    16: "u8",
    17: "i8",
    18: "u8",
}
_BYTES, _RATIONALS = (1, 2, 7), {5: "u4", 10: "i4"}
ORIENTATION, EXIF_IFD = 0x0112, 0x8769
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
# No tag of EXIF that is looked at is longer.
_MOST_BYTES = 1 << 20


class Directory:
    """Tags of one directory, as tuples of numbers or as bytes; what is damaged is not there.

    Bytes, too, where the tag's type is BYTE, of which text is made as often as numbers.

    `read_at` returns bytes from an offset on, as many as there are up to a number.
    """

    def __init__(self, read_at, wanted, offset=None, most_bytes=_MOST_BYTES):
        head = read_at(0, 16)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2])
        self.tags, self.n_entries = {}, 0
        if self.order is None or len(head) < 8:
            return
        self.is_big = 43 in struct.unpack("<H", head[2:4]) + struct.unpack(">H", head[2:4])
        self._read_at, self._most_bytes = read_at, most_bytes
        if offset is None:
            offset = self._number(head[8:16] if self.is_big else head[4:8])
        width = 8 if self.is_big else 2
        entry_size = 20 if self.is_big else 12
        n_entries = self._number(read_at(offset, width))
        entries = read_at(offset + width, min(n_entries, 0xFFFF) * entry_size)
        self.n_entries = len(entries) // entry_size
        for start in range(0, self.n_entries * entry_size, entry_size):
            entry = entries[start : start + entry_size]
            tag = self._number(entry[:2])
            if tag in wanted and tag not in self.tags:
                value = self._value(self._number(entry[2:4]), entry[4:])
                if value is not None and len(value):
                    self.tags[tag] = value

    def _number(self, content):
        return int.from_bytes(content, "little" if self.order == "<" else "big")

    def _value(self, kind, rest):
        half = len(rest) // 2
        count, content = self._number(rest[:half]), rest[half:]
        size = 1 if kind in _BYTES else 8 if kind in _RATIONALS else None
        if size is None:
            if kind not in _TYPES:
                return None
            size = np.dtype(_TYPES[kind]).itemsize
        n_bytes = count * size
        if n_bytes > self._most_bytes:
            return None
        content = content[:n_bytes]
        if n_bytes > half:
            content = self._read_at(self._number(rest[half:]), n_bytes)
        if len(content) < n_bytes:
            return None
        if kind in _BYTES:
            return content
        if kind in _RATIONALS:
            pairs = np.frombuffer(content, self.order + _RATIONALS[kind]).reshape(-1, 2).tolist()
            return tuple(above / below if below else 0.0 for above, below in pairs)
        return tuple(np.frombuffer(content, self.order + _TYPES[kind]).tolist())


def reader_of(content):
    """Return the `read_at` of bytes."""
    return lambda offset, n_bytes: content[offset : offset + n_bytes]


def has_tags(exif):
    """Whether an EXIF block has anything in it."""
    return Directory(_reader_of_exif(exif), ()).n_entries > 0


def exif_tags(exif, wanted, inside=None):
    """Return tags of an EXIF block, of the directory that the tag `inside` points to where given.

    Whatever is damaged is not there: metadata is no reason to lose sound pixels.
    """
    read_at = _reader_of_exif(exif)
    if inside is None:
        return Directory(read_at, wanted).tags
    offset = Directory(read_at, {inside}).tags.get(inside)
    if not isinstance(offset, tuple) or not isinstance(offset[0], int) or offset[0] < 0:
        return {}
    return Directory(read_at, wanted, offset=offset[0]).tags


def _reader_of_exif(exif):
    exif = exif or b""
    start = re.match(rb"(?:Exif\0\0){0,2}", exif).end()
    return reader_of(exif[start:] if start else exif)


def orientation(exif, xmp=b""):
    """Return how the camera was held, 1 to 8, from EXIF, else from XMP; 1 if neither says so."""
    value = exif_tags(exif, {ORIENTATION}).get(ORIENTATION)
    if isinstance(value, tuple):
        return int(value[0]) if np.isfinite(value[0]) else 1
    if isinstance(xmp, str):
        xmp = xmp.encode("utf-8", "replace")
    found = _XMP_ORIENTATION.search(xmp or b"")
    return int(found[1]) if found else 1
