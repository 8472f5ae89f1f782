"""One page on what a detector is worth."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "EvaluationReport": "report",
        "evaluation_report": "report",
    },
)
