"""How good a detector is: scores, thresholds, rates, intervals, reports."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "CoverageRiskDisplay": "coverage",
        "DetectionReport": "report",
        "GeneratorReportDisplay": "displays",
        "OperatingPoint": "thresholds",
        "ScoreDistributionDisplay": "displays",
        "VerdictRule": "abstention",
        "corrected_interval": "intervals",
        "cross_val_report": "cross_validation",
        "detection_report": "report",
        "equal_error_rate": "figures",
        "expected_calibration_error": "figures",
        "threshold_for_fpr": "thresholds",
        "tpr_at_fpr": "figures",
        "verdict_rule": "abstention",
    },
)
