"""A head that was fitted elsewhere, taken into a detector as it is."""

from copy import deepcopy

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ..labels import binary_labels, generated_label
from .verdicts import abstention

_TABLE = {
    "class": str,
    "name": str,
    "pictures": int,
    "trained_on": int,
    "called_generated": float,
    "auc": float,
}


def take_fitted_head(detector, y):
    """Fit a detector without training: check its head and encoder, and set all attributes."""
    for name in ("curator", "target_fpr", "keep_training_rows", "augment"):
        if getattr(detector, name):
            raise ValueError(
                f"{name}={getattr(detector, name)!r} with prefit=True, where there are no training "
                "pictures. For a threshold take threshold_for_fpr on scores of real pictures of "
                "your own, and give it as threshold; or fit, and then recalibrate."
            )
    if abstention(detector).fpr is not None:
        raise ValueError(
            f"abstain={detector.abstain!r} with prefit=True, where there are no pictures to "
            'calibrate by: abstain="stability" needs none'
        )
    if detector.head is None:
        raise ValueError("prefit=True needs a fitted head, such as LinearProbe.from_linear_layer's")
    encoder = detector._new_encoder()
    head = deepcopy(detector._new_head(encoder))
    check_is_fitted(head)
    if not np.array_equal(getattr(head, "classes_", None), [0, 1]):
        raise ValueError(
            f"head={head!r} was fitted with the labels {getattr(head, 'classes_', None)}; with "
            "prefit=True they must be 0 (real) and 1 (generated)."
        )
    detector.classes_ = np.array([0, 1])
    if y is not None:
        detector.classes_, _ = binary_labels(np.asarray(y), type(detector).__name__)
    detector.pos_label_ = generated_label(detector.classes_, detector.pos_label)
    detector.encoder_, detector._unit_rows = encoder, False
    detector.head_ = head
    detector.n_features_of_head_ = _width_of_both(detector.encoder_, head)
    if detector.encoder_ is None:
        detector.n_features_in_ = detector.n_features_of_head_
    detector.threshold_ = detector.threshold
    detector.curator_ = detector.operating_point_ = detector.out_of_fold_ = None
    detector.training_rows_ = detector.verdict_rule_ = detector.recalibration_ = None
    detector.training_indices_ = np.empty(0, dtype=np.intp)
    detector.training_table_ = pd.DataFrame(columns=list(_TABLE)).astype(_TABLE)
    detector.n_failures_ = 0
    return detector


def _width_of_both(encoder, head):
    width = getattr(head, "n_features_in_", None)
    if not hasattr(encoder, "get_feature_names_out"):
        if width is None:
            raise ValueError(f"head={head!r} does not say how many features it takes.")
        return width
    n_features = len(encoder.get_feature_names_out())
    if width not in (None, n_features):
        raise ValueError(
            f"head={head!r} takes {width} features, and the encoder gives {n_features}: it was "
            "fitted with another encoder, or other layers of it."
        )
    return n_features
