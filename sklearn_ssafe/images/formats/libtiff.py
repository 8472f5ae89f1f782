"""What libtiff complains of, for us and not for the user's terminal."""

import ctypes
import functools
import threading
from contextlib import contextmanager

from PIL import _imaging

_one_at_a_time = threading.Lock()
_here = threading.local()


@ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
def _note(module, message, arguments):
    """Take down an error instead of printing it."""
    if hasattr(_here, "said"):
        _here.said.append(message or b"")


@functools.cache
def _set_error_handler():
    """Return libtiff's function, or None where it is a part of Pillow that cannot be reached."""
    try:
        function = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return None
    function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
    return function


@contextmanager
def complaints():
    """Yield a list that gets a message for each error that libtiff meets in this thread.

    It goes on after some of them, with invented pixels. The handler is the whole process's, so
    one thread decodes at a time, and the former handler comes back.
    """
    set_handler, said = _set_error_handler(), []
    if set_handler is None:
        yield said
        return
    with _one_at_a_time:
        _here.said = said
        before = set_handler(ctypes.cast(_note, ctypes.c_void_p))
        try:
            yield said
        finally:
            set_handler(before)
            del _here.said
