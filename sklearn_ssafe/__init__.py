"""AI-generated image detection with scikit-learn: frozen vision encoders and linear heads."""

from importlib import import_module

__version__ = "0.1.0.dev0"

# Public name -> the module that holds it. Loaded on first use, so that importing the package needs
# neither torch nor pandas.
_MODULES = {
    "ComparisonDisplay": "reports.comparison_display",
    "CurationDisplay": "reports.curation_display",
    "CurationWarning": "estimators.curation_warning",
    "DetectionReport": "evaluation.report_table",
    "DetectorComparison": "evaluation.comparison_table",
    "DetectorFileError": "persistence.folder",
    "EncodingCacheWarning": "store.warning",
    "EncodingError": "estimators.failures",
    "EncodingWarning": "estimators.failures",
    "EvaluationReport": "reports.evaluation_page",
    "Explanation": "estimators.explanation",
    "FrozenEncoderTransformer": "estimators.frozen_encoder",
    "GeneratorCurator": "estimators.generator_curator",
    "GeneratorGroupKFold": "splits.folds",
    "GeneratorReportDisplay": "reports.generator_report_display",
    "LeakAuditDisplay": "reports.leak_audit_display",
    "LeaveOneGeneratorOut": "splits.leave_one_generator_out",
    "LinearProbe": "estimators.linear_probe",
    "Perturbation": "images.perturbations.perturbation",
    "RobustnessCurve": "evaluation.robustness_result",
    "RobustnessCurveDisplay": "reports.robustness_curve_display",
    "SSAFEClassifier": "estimators.ssafe_classifier",
    "ScoreDistributionDisplay": "reports.score_distribution_display",
    "TooFewRealPicturesWarning": "estimators.thresholds",
    "WeightsFileError": "encoders.weights",
    "WeightsNotFoundError": "encoders.weights",
    "audit_leaks": "evaluation.leaks.audit",
    "clear_memory_cache": "store.memory",
    "compare_detectors": "evaluation.comparison",
    "cross_val_report": "evaluation.cross_val_report",
    "detection_report": "evaluation.detection_report",
    "equal_error_rate": "evaluation.metrics",
    "equalize": "evaluation.leaks.equalize",
    "evaluation_report": "reports.evaluation_report",
    "expected_calibration_error": "evaluation.metrics",
    "file_properties": "evaluation.file_properties",
    "free_encoders": "encoders.loading",
    "group_near_duplicates": "splits.near_duplicates",
    "keep_together": "splits.folds",
    "list_encoders": "encoders.catalogue",
    "list_perturbations": "images.perturbations.catalogue",
    "load_detector": "estimators.load_detector",
    "perturb": "images.perturbations.perturb",
    "robustness_curve": "evaluation.robustness",
    "threshold_for_fpr": "estimators.thresholds",
    "tpr_at_fpr": "evaluation.metrics",
}

__all__ = ["__version__", "datasets", *_MODULES]


def __getattr__(name):
    if name == "datasets":
        return import_module(".datasets", __name__)
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
