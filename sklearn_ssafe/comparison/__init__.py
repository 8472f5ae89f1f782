"""Encoders, heads and plain columns on the same folds."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "ComparisonDisplay": "display",
        "DetectorComparison": "result",
        "compare_detectors": "comparison",
        "feature_importance": "importance",
        "make_heads": "heads",
    },
)
