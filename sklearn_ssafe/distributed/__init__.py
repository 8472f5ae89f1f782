"""Many machines: encoding and judging over data sets of Ray."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "encode_dataset": "embeddings",
        "predict_dataset": "judgements",
    },
)
