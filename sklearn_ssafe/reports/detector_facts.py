"""What a detector is made of, what it was trained on, and with what it runs."""

from pathlib import Path

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from ..estimators.frozen_encoder import FrozenEncoderTransformer
from ..estimators.ssafe_classifier import SSAFEClassifier
from ..evaluation.operating_threshold import last_step
from ..persistence.encoder_identity import describe_encoder
from ..persistence.encoder_licence import licence_of
from ..persistence.versions import installed_versions


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
