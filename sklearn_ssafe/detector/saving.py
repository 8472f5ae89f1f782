"""A fitted detector as settings, arrays and estimators, ready to be written."""

from dataclasses import asdict
from datetime import date

import numpy as np
from safetensors.numpy import save

from ..encoding.transformer import FrozenEncoderTransformer
from ..results import plain
from .encoder_identity import describe_encoder
from .folder import installed_versions
from .model_card import model_card
from .skops_files import dump_estimators

PARAMETERS = (
    "threshold",
    "target_fpr",
    "confidence_level",
    "cv",
    "pos_label",
    "keep_training_rows",
)
_N_CHECK_ROWS = 4


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
    arrays["check_scores"] = check_scores(detector.head_, arrays["check_rows"])
    scores, kept = detector.out_of_fold_, detector.training_rows_
    if scores is not None:
        arrays |= {
            "out_of_fold_y": np.asarray(scores.y, dtype=np.int64),
            "out_of_fold_score": scores.score,
            "out_of_fold_fold": np.asarray(scores.fold, dtype=np.int64),
        }
    if kept is not None:
        arrays |= {"training_rows": kept.rows, "training_y": np.asarray(kept.y, dtype=np.int64)}
    settings = {
        "saved": date.today().isoformat(),
        "parameters": plain({name: getattr(detector, name) for name in PARAMETERS}),
        "prefit": detector.prefit,
        "head": repr(detector.head_),
        "head_origin": getattr(detector.head_, "origin_", None),
        "curator": None if detector.curator is None else repr(detector.curator),
        "encoder": encoder,
        "unit_rows": detector._unit_rows,
        "classes": plain(detector.classes_),
        "classes_dtype": detector.classes_.dtype.str,
        "pos_label": plain(detector.pos_label_),
        "threshold": float(detector.threshold_),
        "operating_point": None
        if detector.operating_point_ is None
        else asdict(detector.operating_point_),
        "n_features_in": getattr(detector, "n_features_in_", None),
        "feature_names_in": list(getattr(detector, "feature_names_in_", [])) or None,
        "n_failures": detector.n_failures_,
        "training_table": plain(detector.training_table_),
        "out_of_fold": None if scores is None else _figures(scores, detector.threshold_),
        "training_rows": None if kept is None else {"paths": kept.paths, "names": kept.names},
        "versions": installed_versions(),
    }
    files = {
        "estimators.skops": heads,
        "arrays.safetensors": save(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        ),
    }
    files["README.md"] = model_card(settings).encode("utf-8")
    return settings, files, untrusted


def check_rows(n_features):
    """Random directions of unit length; their scores tell whether a head works as it did."""
    rows = np.random.RandomState(0).standard_normal((_N_CHECK_ROWS, n_features))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def check_scores(head, rows):
    """What a head says of these rows."""
    return np.asarray(head.predict_proba(rows.astype(np.float64))[:, 1], dtype=np.float64)


def _figures(scores, threshold):
    called = scores.score >= threshold
    return {
        "held_out": scores.held_out,
        "n_folds": len(np.unique(scores.fold)),
        "auc": list(scores.fold_averages()["auc"]),
        "fpr": float(called[scores.y == 0].mean()),
        "tpr": float(called[scores.y == 1].mean()),
    }
