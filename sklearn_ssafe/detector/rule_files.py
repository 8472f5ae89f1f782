"""The rule for three verdicts, as settings and arrays of a saved detector, and back."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from ..metrics.abstention import VerdictRule
from .verdicts import Recalibration, current_rule

_ARRAYS = ("calibration_y", "calibration_score", "calibration_name")
_NUMBERS = ("fpr", "fnr", "confidence_level", "generated_limit", "real_limit")


def verdict_settings(detector):
    """Return what ``detector.json`` says of verdicts."""
    rule, done = current_rule(detector), detector.recalibration_
    settings = {"verdict_rule": None, "recalibration": None if done is None else asdict(done)}
    if rule is not None:
        settings["verdict_rule"] = {name: getattr(rule, name) for name in _NUMBERS} | {
            "names": sorted(set(rule.scores["name"])),
            "promises": rule.frame(),
        }
    return settings


def verdict_arrays(rule):
    """Return what a rule was calibrated on, as arrays."""
    if rule is None:
        return {}
    scores = rule.scores
    columns = (
        scores["generated"].to_numpy().astype(np.int64),
        scores["score"].to_numpy().astype(np.float64),
        np.unique(scores["name"].to_numpy().astype(str), return_inverse=True)[1].astype(np.int64),
    )
    return dict(zip(_ARRAYS, columns, strict=True))


def set_verdicts(detector, settings, arrays):
    """Set what `verdict_settings` and `verdict_arrays` kept."""
    detector.verdict_rule_ = detector.recalibration_ = None
    kept, done = settings["verdict_rule"], settings["recalibration"]
    if kept is not None:
        y, score, name = (arrays[column] for column in _ARRAYS)
        names = np.array(kept["names"], dtype=object)[name]
        scores = pd.DataFrame({"generated": y == 1, "name": names, "score": score})
        numbers = {column: kept[column] for column in _NUMBERS}
        threshold = settings["threshold"]
        detector.verdict_rule_ = VerdictRule(**numbers, threshold=threshold, scores=scores)
    if done is not None:
        detector.recalibration_ = Recalibration(**done)
