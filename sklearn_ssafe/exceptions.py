"""Errors and warnings of this library."""

from .public import lazy

__all__, __getattr__, __dir__ = lazy(
    __package__,
    {
        "CannotSplitError": "model_selection.held_out",
        "CurationWarning": "curation.curator",
        "DetectorFileError": "detector.folder",
        "EncodingCacheWarning": "store.warning",
        "EncodingError": "encoding.failures",
        "EncodingWarning": "encoding.failures",
        "ImageReadError": "images.errors",
        "MonitorFileError": "monitoring.state",
        "TooFewPicturesWarning": "metrics.abstention",
        "TooFewRealPicturesWarning": "metrics.thresholds",
        "WeightsFileError": "encoders.weights",
        "WeightsNotFoundError": "encoders.weights",
    },
)
