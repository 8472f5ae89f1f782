"""How large the pictures are that an AVIF file's data hold, whatever its boxes say.

A decoder allocates what the sequence header says (AV1 Bitstream & Decoding Process Specification,
5.5), and only then scales the picture to what the boxes declare (ISO/IEC 14496-12, 8.11.3).
"""

from ..errors import ImageReadError

_SEQUENCE_HEADER, _HAS_EXTENSION, _HAS_SIZE = 1, 4, 2
_MOST_ITEMS, _BYTES_OF_HEADER = 4096, 512
_BYTES_OF_ITEM, _BYTES_OF_LOCATIONS = 1 << 20, 1 << 16
_MOST_UNITS = 1 << 10


class _Bits:
    """Bits of bytes, from the highest on."""

    def __init__(self, content):
        self._value, self._left = int.from_bytes(content, "big"), 8 * len(content)

    def take(self, n_bits):
        """Return the number in the next bits."""
        if n_bits > self._left:
            raise ValueError("ends too early")
        self._left -= n_bits
        return (self._value >> self._left) & ((1 << n_bits) - 1)


def frame_size(data):
    """Return width and height from the largest sequence header in AV1 data; (0, 0) if none."""
    place, size, n_units = 0, (0, 0), 0
    while place + 2 <= len(data):
        n_units += 1
        if n_units > _MOST_UNITS:
            raise ImageReadError("is damaged: the AVIF file's data are in too many pieces")
        head = data[place]
        place += 1 + bool(head & _HAS_EXTENSION)
        length = len(data) - place
        if head & _HAS_SIZE:
            length = shift = 0
            while place < len(data) and shift < 56:
                byte = data[place]
                length |= (byte & 127) << shift
                place, shift = place + 1, shift + 7
                if byte < 128:
                    break
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            try:
                found = _size_in_header(_Bits(data[place : place + min(length, _BYTES_OF_HEADER)]))
            except ValueError:
                found = 0, 0
            size = max(size, found, key=lambda sides: sides[0] * sides[1])
        place += length
    return size


def _size_in_header(bits):
    bits.take(4)  # profile, still picture
    if bits.take(1):  # a reduced header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    n_width, n_height = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(n_width) + 1, bits.take(n_height) + 1


def _skip_operating_points(bits):
    n_delay = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):
            n_zeros = 0
            while not bits.take(1):
                n_zeros += 1
            bits.take(n_zeros if n_zeros < 32 else 0)
        if bits.take(1):  # a model of decoders
            n_delay = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if n_delay and bits.take(1):
            bits.take(2 * n_delay + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)


def frame_sizes(file, boxes):
    """Return the sizes in the data of all items, and of the first frame of each track."""
    idat = next((begin for kind, begin, _ in boxes if kind == b"idat"), 0)
    starts = set()
    for kind, begin, end in boxes:
        file.seek(begin)
        if kind == b"iloc":
            starts.update(_item_starts(file.read(min(end - begin, _BYTES_OF_LOCATIONS)), idat))
        elif kind in (b"stco", b"co64"):
            head = file.read(16)
            starts.add(int.from_bytes(head[8:12] if kind == b"stco" else head[8:16], "big"))
    sizes = []
    for start in starts:
        file.seek(start)
        sizes.append(frame_size(file.read(_BYTES_OF_ITEM)))
    return sizes


def _item_starts(content, idat):
    """Return where each item's first piece begins in the file, from an item location box."""
    bits = _Bits(content)
    starts = []
    try:
        version = bits.take(8)
        bits.take(24)
        n_offset, n_length, n_base, n_index = (8 * bits.take(4) for _ in range(4))
        for _ in range(min(bits.take(16 if version < 2 else 32), _MOST_ITEMS)):
            bits.take(16 if version < 2 else 32)
            in_idat = version in (1, 2) and bits.take(16) & 15 == 1
            bits.take(16)
            base = bits.take(n_base)
            for number in range(bits.take(16)):
                if version in (1, 2):
                    bits.take(n_index)
                offset = bits.take(n_offset)
                bits.take(n_length)
                if number == 0:
                    starts.append(base + offset + (idat if in_idat else 0))
    except ValueError:
        pass
    return starts
