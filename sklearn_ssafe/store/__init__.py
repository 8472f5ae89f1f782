"""Embeddings are kept, in memory or in a folder."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "clear_memory_cache": "memory",
    },
)
