"""Encoders, heads and plain columns on the same folds."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "ComparisonDisplay": "display",
        "DetectorComparison": "result",
        "Input": "inputs",
        "compare_detectors": "comparison",
        "feature_importance": "importance",
        "make_heads": "heads",
        "per_root_of_columns": "heads",
    },
)
