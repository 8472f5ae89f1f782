"""AVIF files (ISO/IEC 23000-22)."""

from PIL import Image

from ..errors import ImageReadError
from .av1 import frame_sizes
from .heif import declared_by_boxes
from .plugins import open_by_plugin, register_plugins


def inspect(file, n_bytes):
    """Return what the header declares."""
    declared, boxes = declared_by_boxes(file, n_bytes, "AVIF")
    for width, height in frame_sizes(file, boxes):
        if width * height > declared.width * declared.height:
            raise ImageReadError("is damaged: the AVIF file has two sizes")
    return declared


def opened(file):
    """Open by Pillow."""
    register_plugins()
    if "AVIF" not in Image.OPEN:
        Image.init()
    if "AVIF" not in Image.OPEN:
        raise ImageReadError(
            "is an AVIF picture, which this Pillow cannot read: pip install --upgrade pillow"
        )
    return open_by_plugin("AVIF", file)
