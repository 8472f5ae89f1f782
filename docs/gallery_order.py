"""The order of the examples in the gallery: first steps first."""

_READING_ORDER = [
    "plot_quick_start.py",
    "plot_detector.py",
    "plot_images_beside_columns.py",
    "plot_leak_audit.py",
    "plot_lightgbm_shap.py",
    "plot_compare_heads.py",
    "plot_leave_one_generator_out.py",
    "plot_choose_threshold.py",
    "plot_evaluation_report.py",
    "plot_robustness.py",
    "plot_monitor.py",
    "plot_provenance.py",
    "plot_outliers_from_real_only.py",
    "plot_own_module.py",
    "plot_curation.py",
]


def reading_order(filename):
    """Return where an example stands; one that is not listed comes last."""
    if filename in _READING_ORDER:
        return _READING_ORDER.index(filename)
    return len(_READING_ORDER)
