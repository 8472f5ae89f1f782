"""Folds that do not leak, and scores of what was held out."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "GeneratorGroupKFold": "folds",
        "HeldOutScores": "held_out",
        "LeaveOneGeneratorOut": "folds",
        "group_near_duplicates": "near_duplicates",
        "held_out_scores": "held_out",
        "held_out_table": "held_out",
    },
)
