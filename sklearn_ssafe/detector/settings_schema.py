"""What ``detector.json`` and the arrays of a detector may hold; all else is refused by name."""

import math

import numpy as np

# A crop is 200 kB and a view of this side 50 MB: more is no encoder, but a bomb.
_MOST_VIEWS = 256
_LONGEST_SIDE = 4096
N_CHECK_ROWS = 4


def check_settings(settings):
    """Raise ValueError, which names the setting, unless all of them are as they must be."""
    _SETTINGS(settings, "")
    classes, pos_label = settings["classes"], settings["pos_label"]
    if len(classes) != 2 or type(classes[0]) is not type(classes[1]) or not classes[0] < classes[1]:
        raise ValueError(f"classes are {classes!r}, and must be two labels, sorted")
    try:
        again = np.array(classes, dtype=settings["classes_dtype"]).tolist()
    except (TypeError, ValueError) as error:
        raise ValueError(f"classes_dtype does not fit the classes {classes!r}: {error}") from error
    if again != classes or type(again[0]) is not type(classes[0]):
        raise ValueError(
            f"classes_dtype is {settings['classes_dtype']!r}, which is not that of {classes!r}"
        )
    if not any(pos_label == label and type(pos_label) is type(label) for label in classes):
        raise ValueError(f"pos_label is {pos_label!r}, and must be one of {classes!r}")
    columns = settings.get("columns") or {"kinds": {}, "check": {}}
    named = settings["parameters"].get("columns") or []
    if not named == list(columns["kinds"]) == list(columns["check"]):
        raise ValueError("parameters.columns, columns.kinds and columns.check do not fit together")
    point = settings["operating_point"]
    if point is not None and point["threshold"] != settings["threshold"]:
        raise ValueError("threshold and operating_point.threshold are not the same")
    names, rows = settings["feature_names_in"], settings["training_rows"]
    if names is not None and len(names) != settings["n_features_in"]:
        raise ValueError("feature_names_in are not n_features_in names")
    if rows is not None and len(rows["paths"]) != len(rows["names"]):
        raise ValueError("training_rows.paths and training_rows.names have not the same length")
    if settings["encoder"] is None and settings["n_features_in"] is None:
        raise ValueError("n_features_in is missing, and there is no encoder that would tell")


def check_arrays(arrays, settings):
    """Raise ValueError unless names, types, shapes and values fit the settings."""
    encoder, kept = settings["encoder"], settings["training_rows"]
    n_features = settings["n_features_in"] if encoder is None else encoder["n_features"]
    expected = {
        "training_indices": (np.int64, (None,)),
        "check_rows": (np.float32, (N_CHECK_ROWS, n_features)),
        "check_scores": (np.float64, (N_CHECK_ROWS,)),
    }
    if encoder is not None:
        expected["encoder_probe"] = (np.float32, (n_features,))
    if settings["out_of_fold"] is not None:
        n_scores = arrays.get("out_of_fold_y", np.empty(0)).shape[:1]
        expected |= {
            "out_of_fold_y": (np.int64, n_scores),
            "out_of_fold_score": (np.float64, n_scores),
            "out_of_fold_fold": (np.int64, n_scores),
        }
    if kept is not None:
        expected |= {
            "training_rows": (np.float32, (len(kept["paths"]), n_features)),
            "training_y": (np.int64, (len(kept["paths"]),)),
        }
    if settings["verdict_rule"] is not None:
        n_scores = arrays.get("calibration_y", np.empty(0)).shape[:1]
        expected |= {
            "calibration_y": (np.int64, n_scores),
            "calibration_score": (np.float64, n_scores),
            "calibration_name": (np.int64, n_scores),
        }
    if set(arrays) != set(expected):
        raise ValueError(f"the arrays are {sorted(arrays)}, and must be {sorted(expected)}")
    for name, (dtype, shape) in expected.items():
        array = arrays[name]
        right = array.ndim == len(shape) and all(
            wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
        )
        if array.dtype != dtype or not right:
            raise ValueError(
                f"the array {name} is {array.dtype} {array.shape}, and must be "
                f"{np.dtype(dtype)} {shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"the array {name} holds numbers that are not finite")
    for name in ("out_of_fold_y", "training_y", "calibration_y"):
        if name in arrays and not np.isin(arrays[name], (0, 1)).all():
            raise ValueError(f"the array {name} holds other labels than 0 and 1")
    if settings["verdict_rule"] is not None:
        places, n_names = arrays["calibration_name"], len(settings["verdict_rule"]["names"])
        if len(places) and not 0 <= places.min() <= places.max() < n_names:
            raise ValueError("the array calibration_name holds places that are no names")


# Each of these makes a check, which is called with a value and with the name it has in the file.


def _one(words, holds):
    def check(value, where):
        if not holds(value):
            raise ValueError(f"{where} is {_short(value)}, and must be {words}")

    return check


def _number(low=-math.inf, high=math.inf):
    def holds(value):
        return _is_number(value) and math.isfinite(value) and low <= value <= high

    limits = "" if low == -math.inf else f" from {low:g} to {high:g}"
    return _one(f"a number{limits}", holds)


def _whole(low=0, high=2**53):
    return _one(
        f"a whole number from {low} to {high}", lambda n: type(n) is int and low <= n <= high
    )


def _choice(*values):
    return _one(f"one of {values}", lambda value: type(value) is str and value in values)


def _maybe(check):
    return lambda value, where: value is None or check(value, where)


def _each(check, length=None):
    def check_each(value, where):
        if type(value) is not list or length not in (None, len(value)):
            raise ValueError(f"{where} is {_short(value)}, and must be a list")
        for number, item in enumerate(value):
            check(item, f"{where}[{number}]")

    return check_each


def _pair(*checks):
    def check_pair(value, where):
        if type(value) is not list or len(value) != len(checks):
            raise ValueError(f"{where} is {_short(value)}, and must be a list of {len(checks)}")
        for number, (check, item) in enumerate(zip(checks, value, strict=True)):
            check(item, f"{where}[{number}]")

    return check_pair


def _mapping(check):
    def check_mapping(value, where):
        if type(value) is not dict:
            raise ValueError(f"{where} is {_short(value)}, and must be an object")
        for name, item in value.items():
            check(item, f"{where}.{name}")

    return check_mapping


def _record(_optional=(), **checks):
    def check_record(value, where):
        if type(value) is not dict:
            raise ValueError(f"{where} is {_short(value)}, and must be an object")
        for name in value:
            if name not in checks:
                raise ValueError(f"{where}{'.' if where else ''}{name} is no setting")
        for name, check in checks.items():
            place = f"{where}.{name}" if where else name
            if name in value:
                check(value[name], place)
            elif name not in _optional:
                raise ValueError(f"{place} is missing")

    return check_record


def _is_number(value):
    return type(value) in (int, float)


def _is_label(value):
    return type(value) in (str, bool, int) or (type(value) is float and math.isfinite(value))


def _is_cell(value):
    return type(value) is str or (_is_number(value) and math.isfinite(value))


def _is_abstain(value):
    """A share, a word, or an object of two shares and a flag."""
    if type(value) is not dict:
        return value == "stability" or (_is_number(value) and 0 < value < 1)
    rates = [value[name] for name in ("fpr", "fnr") if name in value]
    return (
        bool(value)
        and set(value) <= {"fpr", "fnr", "stability"}
        and len(rates) != 1
        and all(_is_number(rate) and 0 < rate < 1 for rate in rates)
        and type(value.get("stability", False)) is bool
    )


def _is_preprocess(value):
    """A word, or the keys of a view, none of which may ask for a picture of gigabytes."""
    if type(value) is str:
        return True
    if type(value) is not dict:
        return False
    sizes = value.get("size")
    sizes = sizes if type(sizes) is list else [sizes]
    return all(size is None or (_is_number(size) and 0 < size <= _LONGEST_SIDE) for size in sizes)


def _is_name_or_names(value):
    names = value if type(value) is list else [value]
    return all(type(name) is str and "\0" not in name for name in names)


def _is_layers(value):
    layers = value if type(value) is list else [value]
    return all(type(layer) in (str, int) for layer in layers)


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_text = _one("a text", lambda value: type(value) is str)
_flag = _one("true or false", lambda value: type(value) is bool)
_label = _one("a label", _is_label)
_place = _one("a place", lambda value: type(value) is str and "\0" not in value)
_share = _number(0, 1)
# The threshold above all scores is the next number above 1.
_threshold = _number(0, 1 + 1e-6)

_ENCODER_SETTINGS = {
    "encoder": _one("a name or a list of names", _is_name_or_names),
    "pretrained": _maybe(_text),
    "weights": _maybe(_place),
    "layers": _one("a layer or a list of layers", _is_layers),
    "pooling": _choice("auto", "cls", "mean"),
    "preprocess": _one(f"a word or a view of side {_LONGEST_SIDE} at most", _is_preprocess),
    "n_views": _maybe(_whole(1, _MOST_VIEWS)),
    "resize": _choice("auto", "pillow", "torch"),
    "normalize": _one("true, false or auto", lambda value: type(value) is bool or value == "auto"),
    "precision": _choice("auto", "fp32", "bf16", "fp16"),
    "on_error": _choice("raise", "nan"),
}
_SETTINGS = _record(
    _optional=("columns",),
    saved=_text,
    parameters=_record(
        _optional=("columns", "picture_components", "augment"),
        augment=_maybe(_each(_pair(_text, _number()))),
        columns=_maybe(_each(_text)),
        picture_components=_maybe(_whole(1)),
        threshold=_share,
        target_fpr=_maybe(_share),
        confidence_level=_maybe(_share),
        cv=_maybe(_whole(2)),
        pos_label=_maybe(_label),
        keep_training_rows=_flag,
        abstain=_maybe(_one("a share, stability, or an object of these", _is_abstain)),
        calibration_size=_share,
    ),
    prefit=_flag,
    head=_text,
    head_origin=_maybe(_text),
    curator=_maybe(_text),
    encoder=_maybe(
        _record(
            name=_text,
            weights_hash=_maybe(_text),
            n_features=_whole(1),
            precision=_choice("fp32", "bf16", "fp16"),
            complete=_flag,
            # What is no plain value, such as a module, is left out.
            settings=_record(_optional=tuple(_ENCODER_SETTINGS), **_ENCODER_SETTINGS),
        )
    ),
    columns=_maybe(
        _record(
            kinds=_mapping(_choice("number", "words")),
            check=_mapping(_each(_one("a number or a text", _is_cell), N_CHECK_ROWS)),
        )
    ),
    unit_rows=_flag,
    classes=_each(_label, 2),
    classes_dtype=_text,
    pos_label=_label,
    threshold=_threshold,
    operating_point=_maybe(
        _record(
            threshold=_threshold,
            target_fpr=_share,
            confidence_level=_maybe(_share),
            n_real=_whole(1),
            n_false=_whole(),
            fpr_upper_bound=_share,
            n_real_needed=_whole(),
            n_groups=_maybe(_whole(1)),
            _optional=("n_groups",),
        )
    ),
    n_features_in=_maybe(_whole(1)),
    feature_names_in=_maybe(_each(_text)),
    n_failures=_whole(),
    training_table=_each(
        _record(
            **{
                "class": _choice("real", "generated"),
                "name": _text,
                "pictures": _whole(),
                "trained_on": _whole(),
                "called_generated": _maybe(_share),
                "auc": _maybe(_share),
            }
        )
    ),
    out_of_fold=_maybe(
        _record(
            held_out=_text,
            n_folds=_whole(1),
            auc=_each(_share, 2),
            fpr=_share,
            tpr=_share,
        )
    ),
    training_rows=_maybe(_record(paths=_each(_text), names=_each(_text))),
    verdict_rule=_maybe(
        _record(
            fpr=_share,
            fnr=_share,
            confidence_level=_maybe(_share),
            generated_limit=_threshold,
            real_limit=_threshold,
            names=_each(_text),
            promises=_each(
                _record(
                    **{
                        "class": _choice("real", "generated"),
                        "name": _text,
                        "pictures": _whole(1),
                        "wrong": _whole(),
                        "unsure": _whole(),
                        "rate": _share,
                        "upper_bound": _share,
                        "target": _share,
                        "promised": _flag,
                    }
                )
            ),
        )
    ),
    recalibration=_maybe(_record(n_failures=_whole(), threshold_before=_threshold, date=_text)),
    versions=_mapping(_text),
)
