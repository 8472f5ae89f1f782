"""load_detector: a saved detector, checked before it judges anything."""

import os
import warnings

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

from ..encoders.weights import WeightsFileError, WeightsNotFoundError
from ..encoding.transformer import FrozenEncoderTransformer
from ..labels import generated_label
from ..metrics.thresholds import OperatingPoint
from ..model_selection.held_out import HeldOutScores
from ..public import public
from .classifier import SSAFEClassifier
from .encoder_identity import check_encoder, resizing_as_saved
from .folder import ARRAYS, CARD, ESTIMATORS, SETTINGS, DetectorFileError, read_folder
from .rule_files import set_verdicts
from .saving import PARAMETERS, check_scores, figures
from .settings_schema import check_arrays, check_settings
from .skops_files import load_estimators
from .training import TrainingRows

_TOLERANCE = 1e-6


@public("sklearn_ssafe")
def load_detector(
    path, *, encoder=None, weights=None, device="auto", trusted=(), allow_download=False
):
    """Load a detector that `SSAFEClassifier.save` saved.

    No pickle is opened, and only types are built that are known to be harmless. The encoder is
    compared by the hash of its weights and by what it makes of one picture, and the head by scores
    that were saved with it. What does not fit is an error, never a wrong verdict.

    Nothing outside of the folder is opened but the encoder's weights, and nothing is fetched unless
    you say so.

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
    allow_download : bool, default=False
        Whether the encoder's weights may be fetched from the hub, where they are not on this
        machine. It is the detector that says from which repository.

    Returns
    -------
    detector : SSAFEClassifier
        Fitted. Of the attributes of `SSAFEClassifier`, ``failures_`` and ``curator_`` are not kept.

    Raises
    ------
    FileNotFoundError
        There is no detector.
    DetectorFileError
        It is damaged, was edited by hand, is of a newer format, holds types that are not trusted,
        or does not fit the encoder or the libraries of this machine.
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
    try:
        settings, arrays = _checked(settings, files)
        with warnings.catch_warnings():
            # The scores below tell whether another version of scikit-learn matters.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            estimators = load_estimators(files[ESTIMATORS], trusted)
        _check_head(estimators["head_"], arrays, settings)
    except DetectorFileError as error:
        raise DetectorFileError(f"{path}: {error}") from error
    encoder = _encoder(path, settings["encoder"], encoder, weights, device, allow_download)
    if encoder is not None:
        encoder = _checked_encoder(path, encoder, settings, arrays["encoder_probe"])

    known = settings["parameters"]  # earlier versions wrote fewer
    parameters = {name: known[name] for name in PARAMETERS if name in known}
    if parameters.get("augment") is not None:
        parameters["augment"] = [tuple(pair) for pair in parameters["augment"]]
    detector = SSAFEClassifier(
        encoder,
        head=estimators["head"],
        curator=estimators["curator"],
        prefit=settings["prefit"],
        **parameters,
    )
    detector.encoder_ = None if encoder is None else clone(encoder)
    detector._unit_rows = settings["unit_rows"]
    if settings.get("columns") is not None:
        detector.column_kinds_ = settings["columns"]["kinds"]
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
    detector.out_of_fold_ = _out_of_fold(settings, arrays)
    set_verdicts(detector, settings, arrays)
    detector.training_rows_ = None
    if settings["training_rows"] is not None:
        kept = settings["training_rows"]
        detector.training_rows_ = TrainingRows(
            arrays["training_rows"], arrays["training_y"], kept["paths"], kept["names"]
        )
    return detector


def _checked(settings, files):
    """Return settings in the form of today, and the arrays, when they are what they must be."""
    version = settings["format_version"]
    own = ("format", "format_version", "files", "checksum")
    settings = {name: value for name, value in settings.items() if name not in own}
    try:
        if version == 1:
            settings = _from_version_1(settings)
        elif version == 2:
            settings = {"unit_rows": True, "prefit": False, "head_origin": None} | settings
        if version < 3:
            settings = _without_three_verdicts(settings)
        check_settings(settings)
        arrays = load(files[ARRAYS])
        check_arrays(arrays, settings)
        if version < 3:
            _check_one_against_another(settings, arrays, files.get(CARD))
    except SafetensorError as error:
        raise DetectorFileError(f"the arrays are damaged: {error}.") from error
    except Exception as error:  # the first two formats may hold anything at all
        raise DetectorFileError(
            f"{SETTINGS} is damaged, or was edited by hand: {error}. Copy the detector again."
        ) from error
    return settings, arrays


def _without_three_verdicts(settings):
    """The first two formats know two verdicts alone."""
    parameters = settings["parameters"] | {"abstain": None, "calibration_size": 0.5}
    return settings | {"verdict_rule": None, "recalibration": None, "parameters": parameters}


def _check_one_against_another(settings, arrays, card):
    """Where there is no checksum, what decides a verdict follows from something else."""
    first, second = settings["classes"]
    labels = f"Labels: {first!r} and {second!r}; {settings['pos_label']!r} means generated."
    if card is not None and labels not in card.decode():
        raise ValueError(f"classes and pos_label are not what {CARD} says")
    parameters, scores = settings["parameters"], _out_of_fold(settings, arrays)
    classes = np.array(settings["classes"], dtype=settings["classes_dtype"])
    if settings["pos_label"] != generated_label(classes, parameters["pos_label"]):
        raise ValueError("pos_label and parameters.pos_label do not fit together")
    if settings["operating_point"] is None:
        # The first format's threshold has been moved to the next number.
        chosen = parameters["threshold"], float(np.nextafter(parameters["threshold"], np.inf))
        if settings["threshold"] not in chosen or parameters["target_fpr"] is not None:
            raise ValueError("threshold and parameters.threshold do not fit together")
    if scores is not None:
        # To a rounding: the scores at the threshold itself are another format's matter.
        for name, value in figures(scores, settings["threshold"]).items():
            if name in ("fpr", "tpr") and abs(value - settings["out_of_fold"][name]) > 1e-9:
                raise ValueError(f"threshold and out_of_fold.{name} do not fit together")


def _out_of_fold(settings, arrays):
    if settings["out_of_fold"] is None:
        return None
    columns = (arrays[f"out_of_fold_{name}"] for name in ("y", "score", "fold"))
    return HeldOutScores(*columns, settings["out_of_fold"]["held_out"])


def _from_version_1(settings):
    """Version 1 called generated what scored more than the threshold, and said "confidence"."""

    def renamed(old):
        if "confidence" not in old or "confidence_level" in old:
            raise ValueError("confidence is missing")
        return {"confidence_level" if key == "confidence" else key: v for key, v in old.items()}

    for name in ("unit_rows", "prefit", "head_origin"):
        if name in settings:
            raise ValueError(f"{name} is no setting of the first format")

    threshold, point = float(np.nextafter(settings["threshold"], np.inf)), None
    if settings["operating_point"] is not None:
        if settings["operating_point"]["threshold"] != settings["threshold"]:
            raise ValueError("threshold and operating_point.threshold are not the same")
        point = renamed(settings["operating_point"]) | {"threshold": threshold}
    return settings | {
        "unit_rows": True,
        "prefit": False,
        "head_origin": None,
        "parameters": renamed(settings["parameters"]),
        "threshold": threshold,
        "operating_point": point,
    }


def _check_head(head, arrays, settings):
    versions = ", ".join(f"{name} {which}" for name, which in settings["versions"].items())
    advice = f"Take the versions that it was saved with ({versions}), or train again."
    try:
        scores = check_scores(head, arrays["check_rows"], settings.get("columns"))
    except Exception as error:  # another version of a library may raise anything
        raise DetectorFileError(
            f"the head does not work here ({type(error).__name__}: {error}). {advice}"
        ) from error
    if not np.abs(scores - arrays["check_scores"]).max() <= _TOLERANCE:
        raise DetectorFileError(
            f"the head gives other scores here than where it was saved. {advice}"
        )


def _encoder(path, description, given, weights, device, allow_download):
    if description is None:
        if given is not None:
            raise ValueError("encoder was given, and this detector takes embeddings")
        return None
    if given is not None:
        return given
    if not description["complete"]:
        raise DetectorFileError(
            f"{path}: the detector's encoder {description['name']} is a module, or has a function, "
            "of its author's own, which was not saved: give it, load_detector(path, "
            "encoder=FrozenEncoderTransformer(...))."
        )
    settings = dict(description["settings"])
    if description["precision"] != "fp32":
        settings.setdefault("resize", "pillow")  # all there was, when earlier files were written
    if "encoder" not in settings:
        raise DetectorFileError(f"{path}: {SETTINGS} does not name the encoder.")
    if weights is not None:
        settings["weights"] = weights
    elif settings.get("weights") not in (None, "random"):
        _refuse_what_is_no_local_file(path, settings["weights"], "weights")
    names = settings["encoder"]
    for name in names if isinstance(names, list) else [names]:
        place = name.removeprefix("timm/").removeprefix("local-dir:")
        if not place.startswith(("hf-hub:", "hf_hub:")):
            _refuse_what_is_no_local_file(path, place, "encoder")
    return FrozenEncoderTransformer(device=device, allow_download=allow_download, **settings)


def _refuse_what_is_no_local_file(path, place, name):
    """Let a stranger's detector name no other machine, and nothing that is no plain file."""
    real = os.path.realpath(os.path.expanduser(place))
    is_remote = "://" in place or place.replace("\\", "/").startswith("//")
    if is_remote or real.startswith(("/dev/", "/proc/", "/sys/")):
        raise DetectorFileError(
            f"{path}: its encoder has {name}={place!r}, which is no file of this machine. Name the "
            "one to take: load_detector(path, weights=...), or --weights."
        )


def _checked_encoder(path, encoder, settings, probe):
    try:
        encoder = resizing_as_saved(encoder, settings["encoder"])
        check_encoder(encoder, settings["encoder"], probe, settings["unit_rows"])
        return encoder
    except (WeightsNotFoundError, WeightsFileError):
        raise
    except DetectorFileError as error:
        raise DetectorFileError(f"{path}: {error}") from error
    except Exception as error:  # settings that no encoder has, or a library that is missing
        raise DetectorFileError(
            f"{path}: its encoder cannot be used here ({type(error).__name__}: {error})."
        ) from error


def _table(records):
    columns = ["class", "name", "pictures", "trained_on", "called_generated", "auc"]
    table = pd.DataFrame(records, columns=columns)
    figures = ["called_generated", "auc"]
    return table.astype(dict.fromkeys(figures, "float64"))
