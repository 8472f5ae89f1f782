"""Pictures to rows of features: the transformer, and the engine below it."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "FrozenEncoderTransformer": "transformer",
        "export_encoder": "encoder_file",
    },
)
