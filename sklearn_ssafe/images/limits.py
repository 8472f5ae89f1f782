"""How large a picture may be, and how much memory all that are being read may take together."""

import ctypes
import functools
import threading
from contextlib import contextmanager
from typing import NamedTuple

from .errors import ImageReadError
from .threads import how_many

MAX_PIXELS = 120_000_000
"""What a picture may have unless the caller says otherwise: the largest phones have 108 million."""

# The memory of one picture, a pixel that is allowed: its file, what the decoder needs, the pixels
# and the copy that is being resized. Decoders that need more may be given fewer pixels.
_BYTES_PER_PIXEL_ALLOWED = 10
# A resize works out weights for every pixel of a row and of a column.
_MOST_PIXELS_A_SIDE = 100_000
# A photograph of 12 megapixels for each thread, where there are many.
_BYTES_TOGETHER = max(_BYTES_PER_PIXEL_ALLOWED * MAX_PIXELS, 100_000_000 * how_many(None))

# From here on what was freed is given back to the system, lest every thread keep as much for later.
_LARGE = 1 << 25


class Declared(NamedTuple):
    """What a picture's header says, and the bytes that reading takes: a pixel, a byte of file."""

    format: str
    width: int
    height: int
    bytes_per_pixel: float
    bytes_per_byte: float = 1
    header: object = None  # for the format's own decoder, which need not read it again

    def cost(self, n_bytes):
        """Return the most memory, in bytes, that reading the file of `n_bytes` takes."""
        pixels = self.width * self.height * max(self.bytes_per_pixel, 7)
        return int(pixels + n_bytes * self.bytes_per_byte)


def check_limits(declared, n_bytes, max_pixels):
    """Refuse what is too large; return the memory in bytes that reading it takes."""
    width, height = declared.width, declared.height
    if width <= 0 or height <= 0:
        raise ImageReadError(f"the picture is empty ({width} x {height} pixels)")
    if width * height > max_pixels:
        raise ImageReadError(
            f"is too large: {width} x {height} pixels, more than {max_pixels:,}. Where you trust "
            "it, raise max_pixels"
        )
    if max(width, height) > _MOST_PIXELS_A_SIDE:
        raise ImageReadError(
            f"is too large: {width} x {height} pixels, and a side has {_MOST_PIXELS_A_SIDE:,} at "
            "most"
        )
    cost, most = declared.cost(n_bytes), _BYTES_PER_PIXEL_ALLOWED * max_pixels
    if cost > most:
        raise ImageReadError(
            f"is too large: to read {width} x {height} pixels from a {declared.format} file of "
            f"{n_bytes:,} bytes may take {cost / 1e9:.2g} GB of memory, more than "
            f"{most / 1e9:.2g} GB. Where you trust it, raise max_pixels"
        )
    return cost


class _Budget:
    """Bytes that all threads share, given out in the order in which they are asked for."""

    def __init__(self, total):
        self._total = total
        self._used = 0
        self._changed = threading.Condition()
        self._turn = threading.Lock()
        self._held = threading.local()

    @contextmanager
    def reserved(self, n_bytes):
        """Wait until there is room; what a thread asks for while it holds some is part of that."""
        if getattr(self._held, "any", False):
            yield
            return
        with self._turn, self._changed:
            # Whoever finds nothing in use may go, however much it is.
            self._changed.wait_for(lambda: not self._used or self._used + n_bytes <= self._total)
            self._used += n_bytes
        self._held.any = True
        try:
            yield
        finally:
            self._held.any = False
            if n_bytes >= _LARGE:
                _give_back()
            with self._changed:
                self._used -= n_bytes
                self._changed.notify_all()


def _give_back():
    """Have the C library return freed memory, where it has a function for that."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@functools.cache
def _malloc_trim():
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


_budget = _Budget(_BYTES_TOGETHER)
reserved = _budget.reserved
