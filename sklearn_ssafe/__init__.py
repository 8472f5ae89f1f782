"""AI-generated image detection with scikit-learn: frozen vision encoders and linear heads."""

from .public import lazy

__version__ = "0.1.0.dev0"

# The names one needs first. The others are public in their room, such as `sklearn_ssafe.metrics`.
# Nothing is loaded before its first use, so that importing the package needs no torch.
ROOMS = (
    "comparison",
    "curation",
    "datasets",
    "detector",
    "distributed",
    "encoders",
    "encoding",
    "evaluation_page",
    "exceptions",
    "images",
    "labels",
    "leaks",
    "metrics",
    "model_selection",
    "monitoring",
    "robustness",
    "store",
)
__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "FrozenEncoderTransformer": "encoding.transformer",
        "GeneratorCurator": "curation.curator",
        "GeneratorGroupKFold": "model_selection.folds",
        "LeaveOneGeneratorOut": "model_selection.folds",
        "LinearProbe": "detector.linear_probe",
        "SSAFEClassifier": "detector.classifier",
        "audit_leaks": "leaks.audit",
        "compare_detectors": "comparison.comparison",
        "cross_val_report": "metrics.cross_validation",
        "detection_report": "metrics.report",
        "equalize": "leaks.equalizing",
        "evaluation_report": "evaluation_page.report",
        "list_encoders": "encoders.catalogue",
        "load_detector": "detector.loading",
        "robustness_curve": "robustness.curve",
    },
    ROOMS,
)
