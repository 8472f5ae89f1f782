"""Pillow's plugins, each opened by its own name."""

import functools

from PIL import Image

from ..errors import ImageReadError


@functools.cache
def register_plugins():
    """Let Pillow read HEIC and, before Pillow 11.3, AVIF where the user installed a plugin."""
    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener()
    try:
        import pillow_avif  # noqa: F401  (registers itself)
    except ImportError:
        pass


def open_by_plugin(name, file):
    """Open a file by the one plugin for its format: no other is asked, and no warning given."""
    if name not in Image.OPEN:
        Image.init()
    factory, accept = Image.OPEN[name]
    file.seek(0)
    if accept is not None and accept(file.read(16)) is not True:
        raise ImageReadError(f"is no {name} picture that this Pillow can read")
    file.seek(0)
    return factory(file, "")
