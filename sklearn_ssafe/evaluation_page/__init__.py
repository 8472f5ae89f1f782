"""Pages: what a detector is worth, and all pictures that it has judged."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "EvaluationReport": "report",
        "VerdictPage": "verdict_page",
        "browse_verdicts": "verdict_page",
        "evaluation_report": "report",
    },
)
