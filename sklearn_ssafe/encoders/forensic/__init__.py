"""The embedded encoder: forensic statistics that need no download and no training."""

from .encoder import FAMILIES, ForensicEncoder

__all__ = ["FAMILIES", "ForensicEncoder"]
