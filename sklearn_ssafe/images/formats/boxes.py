"""ISO boxes, of which HEIC, AVIF and JPEG 2000 files are made (ISO/IEC 14496-12, section 4.2)."""

import struct

_MOST_BOXES = 4096
_MOST_DEPTH = 8


def boxes_of(file, n_bytes, containers):
    """Return kind, beginning and end of each box's content, of those inside `containers` too."""
    found = []
    _walk(file, 0, n_bytes, containers, found, 0)
    return found


def _walk(file, place, end, containers, found, depth):
    while place + 8 <= end and len(found) < _MOST_BOXES:
        file.seek(place)
        head = file.read(16)
        length, kind = struct.unpack(">I4s", head[:8])
        begin = place + 8
        if length == 1:
            length, begin = int.from_bytes(head[8:], "big"), place + 16
        elif length == 0:
            length = end - place
        if length < begin - place or place + length > end:
            break
        found.append((kind, begin, place + length))
        if kind in containers and depth < _MOST_DEPTH:
            inside = begin + 4 * (kind == b"meta")  # behind its version
            _walk(file, inside, place + length, containers, found, depth + 1)
        place += length
