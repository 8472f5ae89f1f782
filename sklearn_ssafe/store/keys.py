"""What an embedding is found by: the content of the picture, and everything done to it."""

import functools
import hashlib
import json
from importlib.metadata import PackageNotFoundError, version

from PIL import features

# To be raised when reading or preprocessing gives other pixels than before.
_PIXELS = 1

# Codecs whose pixels are a matter of their version; PNG, GIF and BMP decode to one result only.
_CODECS = ("jpg", "jpg_2000", "webp", "avif")
_DECODERS = ("simplejpeg", "pillow-heif", "pillow-avif-plugin")


class Settings:
    """Everything but the picture that an embedding depends on."""

    def __init__(self, encoder):
        self.description = {**encoder.fingerprint, "pixels": _PIXELS, "decoders": _decoders()}
        text = json.dumps(self.description, sort_keys=True)
        self.key = hashlib.sha256(text.encode()).digest()[:16]
        self.n_features = encoder.n_features


@functools.cache
def _decoders():
    versions = {"pillow": version("pillow")}
    for codec in _CODECS:
        if codec in features.get_supported() and features.version(codec):
            versions[codec] = features.version(codec)
    for package in _DECODERS:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            pass
    return versions
