"""Pixels to features: the embedded encoder, open_clip, timm, your own module."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "ForensicEncoder": "forensic.encoder",
        "describe_features": "forensic_columns",
        "free_encoders": "loading",
        "list_encoders": "catalogue",
    },
)
