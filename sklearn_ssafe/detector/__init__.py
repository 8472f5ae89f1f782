"""A detector: trained, explained, saved and loaded."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "Explanation": "explanation",
        "FoldMajority": "fold_majority",
        "LinearProbe": "linear_probe",
        "Recalibration": "verdicts",
        "SSAFEClassifier": "classifier",
        "TrainingRows": "training",
        "load_detector": "loading",
        "name_category": "columns",
    },
)
