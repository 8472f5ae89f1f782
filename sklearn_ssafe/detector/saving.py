"""A fitted detector as settings, arrays and estimators, ready to be written."""

from dataclasses import asdict
from datetime import date

import numpy as np
import pandas as pd
from safetensors.numpy import save

from ..encoding.transformer import FrozenEncoderTransformer
from ..results import plain
from .changed_copies import as_pairs
from .columns import beside, columns_to_check, tidy_columns
from .encoder_identity import describe_encoder
from .folder import ARRAYS, CARD, ESTIMATORS, installed_versions
from .model_card import model_card
from .rule_files import verdict_arrays, verdict_settings
from .settings_schema import N_CHECK_ROWS, check_arrays, check_settings
from .skops_files import dump_estimators

PARAMETERS = (
    "threshold",
    "target_fpr",
    "confidence_level",
    "cv",
    "columns",
    "picture_components",
    "pos_label",
    "keep_training_rows",
    "augment",
    "abstain",
    "calibration_size",
)


def contents_of(detector):
    """Return a fitted detector as settings, other files, and the types that are not trusted."""
    estimators = {name: getattr(detector, name) for name in ("head", "curator", "head_")}
    heads, untrusted = dump_estimators(estimators)
    arrays, encoder = {}, None
    if detector.encoder_ is not None:
        if not isinstance(detector.encoder_, FrozenEncoderTransformer):
            raise TypeError(
                f"encoder={detector.encoder_!r} is no FrozenEncoderTransformer, so it cannot be "
                "recognised when the detector is loaded: save a detector of embeddings "
                "(encoder=None) and keep the encoder yourself"
            )
        encoder, arrays["encoder_probe"] = describe_encoder(detector.encoder_)
    arrays["training_indices"] = np.asarray(detector.training_indices_, dtype=np.int64)
    arrays["check_rows"] = check_rows(detector.n_features_of_head_)
    columns = None
    if detector.columns is not None:
        kinds = detector.column_kinds_
        columns = {"kinds": kinds, "check": columns_to_check(detector.head_, kinds)}
    arrays["check_scores"] = check_scores(detector.head_, arrays["check_rows"], columns)
    scores, kept = detector.out_of_fold_, detector.training_rows_
    if scores is not None:
        arrays |= {
            "out_of_fold_y": np.asarray(scores.y, dtype=np.int64),
            "out_of_fold_score": scores.score,
            "out_of_fold_fold": np.asarray(scores.fold, dtype=np.int64),
        }
    if kept is not None:
        arrays |= {"training_rows": kept.rows, "training_y": np.asarray(kept.y, dtype=np.int64)}
    arrays |= verdict_arrays(detector.verdict_rule_)
    settings = {
        "saved": date.today().isoformat(),
        "parameters": {name: getattr(detector, name) for name in PARAMETERS}
        | {"augment": as_pairs(detector.augment)},
        "prefit": detector.prefit,
        # What makes columns ready is told in words.
        "head": repr(detector.head_ if columns is None else detector.head_["head"]),
        "head_origin": getattr(detector.head_, "origin_", None),
        "curator": None if detector.curator is None else repr(detector.curator),
        "encoder": encoder,
        "columns": columns,
        "unit_rows": detector._unit_rows,
        "classes": detector.classes_,
        "classes_dtype": detector.classes_.dtype.str,
        "pos_label": detector.pos_label_,
        "threshold": float(detector.threshold_),
        "operating_point": _operating_point(detector),
        "n_features_in": getattr(detector, "n_features_in_", None),
        "feature_names_in": list(getattr(detector, "feature_names_in_", [])) or None,
        "n_failures": detector.n_failures_,
        "training_table": detector.training_table_,
        "out_of_fold": None if scores is None else figures(scores, detector.threshold_),
        "training_rows": None if kept is None else {"paths": kept.paths, "names": kept.names},
        **verdict_settings(detector),
        "versions": installed_versions(),
    }
    settings = plain(settings)
    check_settings(settings)  # what is saved can be loaded
    check_arrays(arrays, settings)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    card = model_card(settings).encode("utf-8", "backslashreplace")
    return settings, {ESTIMATORS: heads, ARRAYS: save(arrays), CARD: card}, untrusted


def check_rows(n_features):
    """Random directions of unit length; their scores tell whether a head works as it did."""
    rows = np.random.RandomState(0).standard_normal((N_CHECK_ROWS, n_features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def check_scores(head, rows, columns=None):
    """What a head says of these rows, and of the columns that go with them."""
    rows = rows.astype(np.float64)
    if columns is not None:
        rows = beside(rows, tidy_columns(pd.DataFrame(columns["check"]), columns["kinds"]))
    return np.asarray(head.predict_proba(rows)[:, 1], dtype=np.float64)


def _operating_point(detector):
    """How the threshold was chosen; nothing, where another one has been put in its place."""
    point = detector.operating_point_
    return asdict(point) if point and point.threshold == detector.threshold_ else None


def figures(scores, threshold):
    """Return what held-out scores say of a detector as a whole."""
    called = scores.score >= threshold
    return {
        "held_out": scores.held_out,
        "n_folds": len(np.unique(scores.fold)),
        "auc": list(scores.fold_averages()["auc"]),
        "fpr": float(called[scores.y == 0].mean()),
        "tpr": float(called[scores.y == 1].mean()),
    }
