"""load_detector: a saved detector, checked before it judges anything."""

import warnings

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

from ..encoding.transformer import FrozenEncoderTransformer
from ..metrics.thresholds import OperatingPoint
from ..model_selection.held_out import HeldOutScores
from ..public import public
from .classifier import SSAFEClassifier
from .encoder_identity import check_encoder
from .folder import DetectorFileError, read_folder
from .saving import PARAMETERS, check_scores
from .skops_files import load_estimators
from .training import TrainingRows

_TOLERANCE = 1e-6


@public("sklearn_ssafe")
def load_detector(path, *, encoder=None, weights=None, device="auto", trusted=()):
    """Load a detector that `SSAFEClassifier.save` saved.

    No pickle is opened, and only types are built that are known to be harmless. The encoder is
    compared by the hash of its weights and by what it makes of one picture, and the head by scores
    that were saved with it. What does not fit is an error, never a wrong verdict.

    Parameters
    ----------
    path : str or Path
        The detector's folder.
    encoder : FrozenEncoderTransformer or None, default=None
        The encoder to use, which a module of your own needs. It has to be the one that the detector
        was trained with. None builds it from the saved settings.
    weights : str, Path or None, default=None
        The file or folder with the encoder's weights, where they lie at another place on this
        machine. None looks where they were.
    device : str or torch.device, default="auto"
        Where the encoder runs, unless it is given.
    trusted : sequence of str, default=()
        Full names of further types that may be built, such as ``"my_package.MyHead"``. Loading
        runs their code.

    Returns
    -------
    detector : SSAFEClassifier
        Fitted. Of the attributes of `SSAFEClassifier`, ``failures_`` and ``curator_`` are not kept.

    Raises
    ------
    FileNotFoundError
        There is no detector.
    DetectorFileError
        It is damaged, of a newer format, holds types that are not trusted, or does not fit the
        encoder or the libraries of this machine.
    WeightsNotFoundError
        The encoder's weights are not on this machine.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_ssafe import SSAFEClassifier, load_detector
    >>> X = np.random.default_rng(0).normal(size=(40, 8))
    >>> detector = SSAFEClassifier(encoder=None).fit(X, X[:, 0] > 0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_detector(detector.save(f"{folder}/detector"))
    >>> bool((again.predict_proba(X) == detector.predict_proba(X)).all())
    True
    """
    settings, files = read_folder(path)
    if settings["format_version"] == 1:
        settings = _from_version_1(settings)
    try:
        arrays = load(files["arrays.safetensors"])
    except SafetensorError as error:
        raise DetectorFileError(f"{path}: the arrays are damaged: {error}.") from error
    with warnings.catch_warnings():
        # The scores below tell whether another version of scikit-learn matters.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        estimators = load_estimators(files["estimators.skops"], trusted)
    _check_head(estimators["head_"], arrays, settings)
    unit_rows = settings.get("unit_rows", True)  # those of the first format were, and did not say
    encoder = _encoder(settings["encoder"], encoder, weights, device)
    if encoder is not None:
        check_encoder(encoder, settings["encoder"], arrays["encoder_probe"], unit_rows)

    parameters = {name: settings["parameters"][name] for name in PARAMETERS}
    parameters["prefit"] = settings.get("prefit", False)
    detector = SSAFEClassifier(
        encoder, head=estimators["head"], curator=estimators["curator"], **parameters
    )
    detector.encoder_ = None if encoder is None else clone(encoder)
    detector._unit_rows = unit_rows
    detector.head_ = estimators["head_"]
    detector.n_features_of_head_ = arrays["check_rows"].shape[1]
    detector.classes_ = np.array(settings["classes"], dtype=settings["classes_dtype"])
    detector.pos_label_ = settings["pos_label"]
    detector.threshold_ = settings["threshold"]
    point = settings["operating_point"]
    detector.operating_point_ = None if point is None else OperatingPoint(**point)
    if settings["n_features_in"] is not None:
        detector.n_features_in_ = settings["n_features_in"]
    if settings["feature_names_in"] is not None:
        detector.feature_names_in_ = np.array(settings["feature_names_in"], dtype=object)
    detector.n_failures_ = settings["n_failures"]
    detector.training_indices_ = arrays["training_indices"]
    detector.training_table_ = _table(settings["training_table"])
    detector.out_of_fold_ = detector.training_rows_ = None
    if settings["out_of_fold"] is not None:
        columns = (arrays[f"out_of_fold_{name}"] for name in ("y", "score", "fold"))
        detector.out_of_fold_ = HeldOutScores(*columns, settings["out_of_fold"]["held_out"])
    if settings["training_rows"] is not None:
        kept = settings["training_rows"]
        detector.training_rows_ = TrainingRows(
            arrays["training_rows"], arrays["training_y"], kept["paths"], kept["names"]
        )
    return detector


def _from_version_1(settings):
    """Version 1 called generated what scored more than the threshold, and said "confidence"."""

    def renamed(old):
        return {"confidence_level" if key == "confidence" else key: v for key, v in old.items()}

    threshold, point = float(np.nextafter(settings["threshold"], np.inf)), None
    if settings["operating_point"] is not None:
        point = renamed(settings["operating_point"]) | {"threshold": threshold}
    return settings | {
        "parameters": renamed(settings["parameters"]),
        "threshold": threshold,
        "operating_point": point,
    }


def _check_head(head, arrays, settings):
    versions = ", ".join(f"{name} {which}" for name, which in settings["versions"].items())
    advice = f"Take the versions that it was saved with ({versions}), or train again."
    try:
        scores = check_scores(head, arrays["check_rows"])
    except Exception as error:  # another version of a library may raise anything
        raise DetectorFileError(
            f"the head does not work here ({type(error).__name__}: {error}). {advice}"
        ) from error
    if not np.abs(scores - arrays["check_scores"]).max() <= _TOLERANCE:
        raise DetectorFileError(
            f"the head gives other scores here than where it was saved. {advice}"
        )


def _encoder(description, given, weights, device):
    if description is None:
        if given is not None:
            raise ValueError("encoder was given, and this detector takes embeddings")
        return None
    if given is not None:
        return given
    if not description["complete"]:
        raise DetectorFileError(
            f"the detector's encoder {description['name']} is a module, or has a function, of its "
            "author's own, which was not saved: give it, load_detector(path, "
            "encoder=FrozenEncoderTransformer(...))."
        )
    settings = dict(description["settings"])
    if weights is not None:
        settings["weights"] = weights
    return FrozenEncoderTransformer(device=device, **settings)


def _table(records):
    columns = ["class", "name", "pictures", "trained_on", "called_generated", "auc"]
    table = pd.DataFrame(records, columns=columns)
    figures = ["called_generated", "auc"]
    return table.astype(dict.fromkeys(figures, "float64"))
