"""All that an evaluation report says, as one plain dict: first the facts, then the page."""

import math
from datetime import date

import numpy as np

from ..evaluation.operating_threshold import last_step
from .confident_mistakes import confident_mistakes
from .evaluation_verdict import SLIPS_THROUGH, evaluation_verdict
from .score_curves import (
    ScoreAxis,
    roc_curves,
    score_distribution,
    score_quantiles,
    threshold_table,
)


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
