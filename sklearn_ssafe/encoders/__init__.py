"""Pixels to features: the embedded encoder, open_clip, timm, your own module."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "ForensicEncoder": "forensic.encoder",
        "free_encoders": "loading",
        "list_encoders": "catalogue",
    },
)
