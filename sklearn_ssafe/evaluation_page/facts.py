"""All that an evaluation report says, as one plain dict: first the facts, then the page."""

from datetime import date
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from ..detector.classifier import SSAFEClassifier
from ..detector.encoder_identity import describe_encoder
from ..detector.folder import installed_versions
from ..detector.model_card import licence_of
from ..encoders.names import is_folder
from ..encoding.transformer import FrozenEncoderTransformer
from ..results import all_visible, plain
from .browsing import picture_table
from .curves import ScoreAxis, roc_curves, score_distribution, score_quantiles, threshold_table
from .marks import count_marks
from .pictures import confident_errors
from .unsure import unsure_facts
from .verdict import MISSED_BELOW, evaluation_verdict


def evaluation_facts(
    report,
    *,
    head,
    described,
    threshold,
    verdict,
    audit,
    curve,
    marks,
    failures,
    names,
    n_errors,
    title,
    random_state,
):
    """Gather what the page shows, of what JSON knows.

    `report` is of the pictures that could be judged, `head` the estimator that gives the verdicts,
    `described` from `detector_facts`; `audit`, `curve`, `verdict`, of three, and `marks`, what each
    of these pictures claims, may be None. `failures` says why a row has no score, `names` what to
    call each picture.
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
    point = getattr(head, "operating_point_", None)
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
        "unsure": unsure_facts(generated, name, score, threshold.lowest_called, verdict),
        "pictures": picture_table(
            [names[row] for row in scores["picture"]],
            score=score,
            verdict=np.where(called, "generated", "real") if verdict is None else verdict,
            label=np.where(generated, "generated", "real"),
            name=name.astype(str),
        ),
        "errors": _errors(scores, generated, called, score, name, names, n_errors, marks),
        "provenance": None if marks is None else count_marks(marks, generated),
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
    facts = all_visible(plain(facts))
    facts["verdict"] = evaluation_verdict(facts)
    return facts


def _rows(report, training):
    rows = report.rows.to_dict("records")
    for row in rows:
        row["missed"] = row["class"] == "generated" and row["tpr"] < MISSED_BELOW
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


def _errors(scores, generated, called, score, name, names, n_errors, marks):
    row = scores["picture"].to_numpy()
    chosen = confident_errors(generated, called, score)
    facts = {
        kind: [
            {
                "row": row[place],
                "picture": names[row[place]],
                "name": name[place],
                "score": score[place],
                "provenance": "" if marks is None else marks[place],
            }
            for place in places[:n_errors]
        ]
        for kind, places in chosen.items()
    }
    return facts | {f"n_{kind}": len(places) for kind, places in chosen.items()}


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


def detector_facts(detector, head, *, show_paths):
    """Describe a fitted detector; `show_paths`: whether the file of its weights may be named."""
    encoder = find_encoder(detector)
    return {
        "steps": list(_steps(detector)),
        "encoder": None if encoder is None else _encoder_facts(encoder, show_paths),
        "training": _training_facts(head),
        "versions": installed_versions(),
    }


def find_encoder(estimator):
    """Find the first encoder inside a fitted detector, or None."""
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
    encoder = settings.get("encoder")
    if encoder is not None and is_folder(encoder):
        settings["encoder"] = Path(encoder).name if show_paths else "(a folder)"
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
        called = scores.score >= head.threshold_
        facts["held_out"] = {
            "what": scores.held_out,
            "fpr": float(called[scores.y == 0].mean()),
            "tpr": float(called[scores.y == 1].mean()),
        }
    return facts
