"""Saved detectors: whatever is changed in the folder, an error at load or the same verdicts.

Half of the changes are sealed with a new checksum, as somebody could who knows how. Then other
verdicts are no fault, for it is another detector; ending the process is.
"""

import io
import json
import os
import shutil
import tempfile
import warnings
import zipfile
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fuzz_areas.changes import changed
from fuzz_areas.faults import Fault
from sklearn_ssafe import LinearProbe, SSAFEClassifier, load_detector
from sklearn_ssafe.detector.folder import read_folder, write_folder
from sklearn_ssafe.exceptions import DetectorFileError

_FILES = ("detector.json", "arrays.safetensors", "estimators.skops", "README.md")
_VALUES = (None, True, False, 0, 1, -1, 0.5, 1e308, 10**30, "", "x", "../x", [], {}, [0], {"a": 1})
_ROWS = np.random.default_rng(1).normal(size=(20, 8))


@cache
def sound_folders():
    """Return a folder of each of some detectors, and its verdicts."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 40)
    X = rng.normal(size=(80, 8)) + y[:, None]
    heads = (
        (None, {"target_fpr": 0.2, "keep_training_rows": True, "cv": 2}, ("real", "fake")),
        (LinearProbe(epochs=2, random_state=0), {}, (0, 1)),
        (make_pipeline(StandardScaler(), LogisticRegression()), {"pos_label": 0}, (1, 0)),
        (RandomForestClassifier(3, random_state=0), {}, (0, 1)),
        (HistGradientBoostingClassifier(max_iter=3), {}, (False, True)),
        (KNeighborsClassifier(), {}, (0, 1)),
    )
    parent = Path(tempfile.mkdtemp(prefix="ssafe-fuzz-detectors-"))
    found = {}
    for number, (head, parameters, labels) in enumerate(heads):
        detector = SSAFEClassifier(encoder=None, head=head, **{"cv": None, **parameters})
        detector.fit(X, np.array(labels)[y])
        folder = detector.save(parent / str(number))
        found[str(number)] = folder, detector.predict(_ROWS).tolist()
    return found


def make(noise, folder):
    """Copy a sound detector and change something in it."""
    name = noise.choice(sorted(sound_folders()))
    source, verdicts = sound_folders()[name]
    path = folder / "detector"
    shutil.copytree(source, path)
    is_sealed = noise.random() < 0.5
    if is_sealed:
        _seal(noise, path)
    else:
        _change(noise, path)
    (folder / "expected.json").write_text(json.dumps(None if is_sealed else verdicts))
    return 1


def _change(noise, path):
    name = noise.choice(_FILES)
    way = noise.random()
    if way < 0.1 and hasattr(os, "mkfifo"):
        (path / name).unlink()
        place = noise.choice(
            ("/dev/zero", "/proc/self/mem", "/etc/passwd", "detector.json", ".", "..")
        )
        noise.choice(
            (
                lambda: os.mkfifo(path / name),
                lambda: (path / name).mkdir(),
                lambda: (path / name).symlink_to(place),
                lambda: None,
            )
        )()
    elif way < 0.4:
        settings = json.loads((path / "detector.json").read_text())
        _change_value(noise, settings)
        (path / "detector.json").write_text(json.dumps(settings))
    else:
        contents = [(path / other).read_bytes() for other in _FILES]
        (path / name).write_bytes(changed(noise, (path / name).read_bytes(), contents))


def _change_value(noise, value):
    """Go down to some value, and put another in its place, or take it away."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = noise.choice(keys)
        if isinstance(value[key], dict | list) and value[key] and noise.random() < 0.8:
            value = value[key]
            continue
        if noise.random() < 0.15:
            del value[key]
        else:
            value[key] = deepcopy(noise.choice(_VALUES))
        return


def _seal(noise, path):
    settings, files = read_folder(path)
    way = noise.random()
    if way < 0.3:
        _change_value(noise, settings)
    elif way < 0.5:
        files["arrays.safetensors"] = changed(noise, files["arrays.safetensors"])
    elif way < 0.6:
        files["estimators.skops"] = changed(noise, files["estimators.skops"])
    else:
        files["estimators.skops"] = _changed_archive(noise, files["estimators.skops"])
    try:
        write_folder(path, settings, files)
    except (ValueError, TypeError):  # no JSON, or too large: nobody could write it either
        pass


def _changed_archive(noise, content):
    """Change the values of what skops wrote, or one of the arrays in it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = noise.choice(list(members))
    if name == "schema.json" and noise.random() < 0.9:
        schema = json.loads(members[name])
        for _ in range(noise.choice((1, 1, 3))):
            _change_value(noise, schema)
        members[name] = json.dumps(schema).encode()
    else:
        members[name] = changed(noise, members[name], list(members.values()))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, value in members.items():
            archive.writestr(member, value)
    return file.getvalue()


def check(folder):
    """Load it and ask it."""
    expected = json.loads((folder / "expected.json").read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            detector = load_detector(folder / "detector")
        except DetectorFileError:
            return
        except FileNotFoundError:
            if os.path.lexists(folder / "detector" / "detector.json"):
                raise
            return
        if expected is None:
            try:
                detector.predict(_ROWS)
            except Exception:  # of a head that somebody has made so
                return
            return
        verdicts = detector.predict(_ROWS).tolist()
    if verdicts != expected or list(map(type, verdicts)) != list(map(type, expected)):
        raise Fault("wrong", f"{verdicts} instead of {expected}")
