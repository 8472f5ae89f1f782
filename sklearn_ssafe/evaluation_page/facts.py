"""All that an evaluation report says, as one plain dict: first the facts, then the page."""

import math
from datetime import date
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from ..detector.classifier import SSAFEClassifier
from ..detector.encoder_identity import describe_encoder
from ..detector.folder import installed_versions
from ..detector.model_card import licence_of
from ..encoding.transformer import FrozenEncoderTransformer
from ..metrics.scores import last_step
from .curves import ScoreAxis, roc_curves, score_distribution, score_quantiles, threshold_table
from .pictures import confident_mistakes
from .verdict import SLIPS_THROUGH, evaluation_verdict


def evaluation_facts(
    report,
    *,
    detector,
    described,
    threshold,
    audit,
    curve,
    failures,
    names,
    n_mistakes,
    title,
    random_state,
):
    """Gather what the page shows.

    Parameters
    ----------
    report : DetectionReport
        Of the pictures that could be judged; its ``picture`` is their row.
    detector : estimator
        Fitted.
    described : dict
        From `detector_facts`.
    threshold : OperatingThreshold
        The detector's own.
    audit : LeakAudit or None
        Of the same pictures.
    curve : RobustnessCurve or None
        Of the same pictures.
    failures : dict of int to str
        Row to the reason why there is no score.
    names : list of str
        What to call each picture.
    n_mistakes : int
        How many mistakes of either kind to show.
    title : str
        The heading.
    random_state : int
        What was seeded with.

    Returns
    -------
    facts : dict
        Of what JSON knows: dicts with text as keys, lists, text, numbers, booleans and None.
    """
    scores = report.scores
    generated, score = scores["generated"].to_numpy(), scores["score"].to_numpy()
    name = np.array([each or "(unnamed)" for each in scores["name"]], dtype=object)
    called = score >= threshold.lowest_called
    axis = ScoreAxis(score, threshold.value)
    table = threshold_table(generated, score, name, threshold.lowest_called)
    table["shown"] = threshold.value
    table["positions"] = axis.position(np.array(table["thresholds"])).round(4).tolist()
    settings = report.settings
    point = getattr(last_step(detector), "operating_point_", None)
    facts = {
        "title": title,
        "data": {
            "pictures": len(names),
            "real": settings["real"],
            "generated": settings["generated"],
        },
        "threshold": {
            "value": threshold.value,
            "origin": threshold.origin,
            "followed": threshold.followed,
            "target_fpr": None if point is None else point.target_fpr,
        },
        "detector": described,
        "rows": _rows(report, described["training"]),
        "scores": {
            "is_probability": axis.is_probability,
            "ticks": axis.ticks(),
            "threshold": float(axis.position(threshold.value)),
            "distribution": score_distribution(axis, generated, score),
            "by_name": _by_name(axis, generated, score, name),
        },
        "roc": roc_curves(generated, score, name),
        "by_threshold": table,
        "mistakes": _mistakes(scores, generated, called, score, name, names, n_mistakes),
        "audit": None
        if audit is None
        else _audit_facts(audit, [names[row] for row in scores["picture"]]),
        "robustness": None if curve is None else _robustness_facts(curve),
        "failures": [
            {"row": row, "picture": names[row], "reason": reason}
            for row, reason in failures.items()
        ],
        "evaluation": {
            "n_resamples": settings["n_resamples"],
            "confidence_level": settings["confidence_level"],
            "random_state": random_state,
            "date": date.today().isoformat(),
        },
    }
    facts = plain(facts)
    facts["verdict"] = evaluation_verdict(facts)
    return facts


def plain(value):
    """Turn NumPy's numbers into Python's, and what is not defined into None.

    Parameters
    ----------
    value : object
        Dicts, lists and tuples are gone through.

    Returns
    -------
    value : object
        As JSON has it.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def _rows(report, training):
    rows = report.rows.to_dict("records")
    for row in rows:
        row["slips_through"] = row["class"] == "generated" and row["tpr"] < SLIPS_THROUGH
        row["seen_in_training"] = (
            row["class"] != "average"
            and training is not None
            and row["name"] in training[row["class"]]["names"]
        )
    return rows


def _by_name(axis, generated, score, name):
    """Where the scores of each generator and source lie on the axis; the lowest median first."""
    rows = []
    for is_generated, word in ((True, "generated"), (False, "real")):
        for each in set(name[generated == is_generated]):
            mine = score[(generated == is_generated) & (name == each)]
            quantiles = axis.position(np.array(score_quantiles(mine))).round(4).tolist()
            rows.append({"class": word, "name": each, "quantiles": quantiles})
    return sorted(rows, key=lambda row: (row["class"], row["quantiles"][2], row["name"]))


def _mistakes(scores, generated, called, score, name, names, n_mistakes):
    row = scores["picture"].to_numpy()
    chosen = confident_mistakes(generated, called, score, n_mistakes)
    kinds = {
        kind: [
            {
                "row": int(row[place]),
                "picture": names[row[place]],
                "name": name[place],
                "score": float(score[place]),
            }
            for place in places
        ]
        for kind, places in chosen.items()
    }
    counts = {
        "n_accused": int((~generated & called).sum()),
        "n_missed": int((generated & ~called).sum()),
    }
    return {**kinds, **counts}


def _audit_facts(audit, names):
    """Take over the findings; pictures are called as everywhere in the report."""
    facts = audit.to_dict()
    for finding in facts["findings"]:
        finding["examples"] = [
            {
                "picture": names[shown["row"]],
                "label": shown["label"],
                # The value of this check is the path itself.
                "value": "" if finding["code"] == "path" else shown["value"],
            }
            for shown in finding["examples"]
        ]
    del facts["failures"]  # told for the whole report
    facts["leaks"] = [f["title"] for f in facts["findings"] if f["severity"] == "leak"]
    return facts


def _robustness_facts(curve):
    table = curve.frame()
    return {
        "perturbations": [
            {"name": each.name, "unit": each.unit, "strengths": list(each.strengths)}
            for each in curve.perturbations
        ],
        "rows": table.to_dict("records"),
    }


def detector_facts(detector, *, show_paths):
    """Describe a fitted detector.

    Parameters
    ----------
    detector : estimator
        Fitted.
    show_paths : bool
        Whether paths may be told, such as that of the encoder's weights.

    Returns
    -------
    facts : dict
        ``steps`` (list of str), ``encoder`` and ``training`` (dict or None), ``versions``.
    """
    encoder = find_encoder(detector)
    return {
        "steps": list(_steps(detector)),
        "encoder": None if encoder is None else _encoder_facts(encoder, show_paths),
        "training": _training_facts(last_step(detector)),
        "versions": installed_versions(),
    }


def find_encoder(estimator):
    """Find the encoder inside a fitted detector.

    Parameters
    ----------
    estimator : estimator
        A pipeline, a search, a `SSAFEClassifier` ...

    Returns
    -------
    encoder : FrozenEncoderTransformer or None
        The first.
    """
    if isinstance(estimator, FrozenEncoderTransformer):
        return estimator
    return next(filter(None, map(find_encoder, _parts(estimator))), None)


def _parts(estimator):
    if isinstance(estimator, Pipeline):
        return [step for _, step in estimator.steps]
    if isinstance(estimator, ColumnTransformer):
        return [step for _, step, _ in estimator.transformers_]
    if isinstance(estimator, FeatureUnion):
        return [step for _, step in estimator.transformer_list]
    names = ("best_estimator_", "estimator_", "estimator", "encoder_")
    return [getattr(estimator, name) for name in names if hasattr(estimator, name)]


def _steps(detector):
    """Yield each part in words; the encoder is told of elsewhere, with care for its paths."""
    if hasattr(detector, "best_estimator_"):
        yield f"chosen by {type(detector).__name__}"
        yield from _steps(detector.best_estimator_)
    elif isinstance(detector, Pipeline):
        for _, step in detector.steps:
            yield from _steps(step)
    elif isinstance(detector, SSAFEClassifier):
        yield "SSAFEClassifier, rows of unit length"
        if detector.curator is not None:
            yield f"training pictures chosen by {detector.curator!r}"
        yield repr(detector.head_)
    elif find_encoder(detector) is not None:
        yield type(detector).__name__
    elif detector not in (None, "passthrough"):
        yield repr(detector)


def _encoder_facts(transformer, show_paths):
    description, _ = describe_encoder(transformer)
    settings = dict(description["settings"])
    weights = settings.get("weights")
    if weights is not None and not show_paths and weights != "random":
        settings["weights"] = "(a file)"
    elif weights is not None:
        settings["weights"] = Path(weights).name
    return {
        "name": description["name"],
        "n_features": description["n_features"],
        "precision": description["precision"],
        "weights_hash": description["weights_hash"],
        "licence": licence_of(description),
        "settings": settings,
    }


def _training_facts(head):
    """Tell what a `SSAFEClassifier` remembers; other estimators remember nothing."""
    table = getattr(head, "training_table_", None)
    if table is None:
        return None
    facts = {}
    for side in ("real", "generated"):
        mine = table[table["class"] == side]
        facts[side] = {
            "pictures": int(mine["pictures"].sum()),
            "trained_on": int(mine["trained_on"].sum()),
            "names": sorted(set(mine["name"]) - {"(unnamed)"}),
        }
    scores = head.out_of_fold_
    facts["held_out"] = None
    if scores is not None:
        called = scores.score > head.threshold_
        facts["held_out"] = {
            "what": scores.held_out,
            "fpr": float(called[scores.y == 0].mean()),
            "tpr": float(called[scores.y == 1].mean()),
        }
    return facts
