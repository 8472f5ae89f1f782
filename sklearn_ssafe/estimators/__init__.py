"""scikit-learn estimators that take pictures."""
