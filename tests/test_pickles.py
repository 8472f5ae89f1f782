"""What is pickled or saved knows public names only, so that the files of this package may move."""

import io
import pickle
import re
import zipfile

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io
import torch

from sklearn_ssafe import (
    FrozenEncoderTransformer,
    GeneratorCurator,
    GeneratorGroupKFold,
    LeaveOneGeneratorOut,
    LinearProbe,
    SSAFEClassifier,
    audit_leaks,
    compare_detectors,
    cross_val_report,
    detection_report,
    evaluation_report,
    robustness_curve,
)
from sklearn_ssafe.comparison import make_heads
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.images import Perturbation, read_file_facts
from sklearn_ssafe.model_selection import held_out_scores
from sklearn_ssafe.public import homes

PUBLIC = {"sklearn_ssafe", *homes().values()}


@pytest.fixture(scope="module")
def made():
    pictures = make_generated_images(n_samples=32, image_size=64, random_state=0)
    origin = {"generator": pictures.generator, "source": pictures.source}
    rows = FrozenEncoderTransformer("forensic").fit_transform(pictures.X)
    curator = GeneratorCurator(2, n_samples=8, random_state=0)
    detector = SSAFEClassifier(
        curator=curator, target_fpr=0.5, confidence_level=None, keep_training_rows=True
    )
    return pictures, origin, rows, detector.fit(pictures.X, pictures.y, **origin)


def comparison(pictures, origin, rows, detector):
    table = {"device": np.where(np.arange(32) % 2, "phone", "camera")}
    return compare_detectors(
        pictures.X, pictures.y, heads=["linear"], tabular=_table(table), **origin
    )


def _table(columns):
    import pandas as pd

    return pd.DataFrame(columns)


ESTIMATORS = {
    "SSAFEClassifier": lambda pictures, origin, rows, detector: detector,
    "LinearProbe": lambda pictures, origin, rows, detector: LinearProbe(epochs=2).fit(
        rows, pictures.y
    ),
    "GeneratorCurator": lambda pictures, origin, rows, detector: GeneratorCurator(
        2, n_samples=8, random_state=0
    ).fit(rows, pictures.y, **origin),
    "FrozenEncoderTransformer": lambda *made: FrozenEncoderTransformer("forensic", n_views=1),
    "make_heads": lambda pictures, origin, rows, detector: {
        name: head.fit(rows, pictures.y) for name, head in make_heads().items()
    },
}
OTHERS = {
    "a curator of pictures": lambda pictures, origin, rows, detector: GeneratorCurator(
        2, n_samples=8, encoder=FrozenEncoderTransformer("forensic"), random_state=0
    ).fit(pictures.X, pictures.y, **origin),
    "a module of one's own": lambda *made: FrozenEncoderTransformer(torch.nn.Identity()),
    "GeneratorGroupKFold": lambda *made: GeneratorGroupKFold(2),
    "LeaveOneGeneratorOut": lambda *made: LeaveOneGeneratorOut(),
    "HeldOutScores": lambda pictures, origin, rows, detector: held_out_scores(
        LinearProbe(epochs=2), rows, pictures.y, **origin
    ),
    "FileFacts": lambda pictures, *made: read_file_facts(pictures.X[0]),
    "Explanation": lambda pictures, origin, rows, detector: detector.explain(pictures.X[0], grid=2),
    "DetectionReport": lambda pictures, origin, rows, detector: detection_report(
        pictures.y, detector.predict_proba(pictures.X)[:, 1], **origin
    ),
    "cross_val_report": lambda pictures, origin, rows, detector: cross_val_report(
        LinearProbe(epochs=2), rows, pictures.y, **origin
    ),
    "RobustnessCurve": lambda pictures, origin, rows, detector: robustness_curve(
        detector,
        pictures.X[:4],
        pictures.y[:4],
        perturbations={"jpeg": [50], "resize_nearest": [0.5], "crop": [0.5]},
        n_resamples=0,
    ),
    "LeakAudit": lambda pictures, origin, rows, detector: audit_leaks(
        pictures.X, pictures.y, **origin
    ),
    "DetectorComparison": comparison,
    "EvaluationReport": lambda pictures, origin, rows, detector: evaluation_report(
        detector, pictures.X, pictures.y, **origin
    ),
}


def joblib_dumps(thing):
    file = io.BytesIO()
    joblib.dump(thing, file)
    return file.getvalue()


def modules_named_in(content):
    return {name.decode() for name in re.findall(rb"sklearn_ssafe(?:\.\w+)*", content)}


@pytest.mark.filterwarnings("ignore")  # so few pictures
@pytest.mark.parametrize("name", [*ESTIMATORS, *OTHERS])
def test_pickles_know_public_modules_only(made, name):
    thing = {**ESTIMATORS, **OTHERS}[name](*made)
    for dumps in (pickle.dumps, cloudpickle.dumps, joblib_dumps):
        content = dumps(thing)
        assert modules_named_in(content) <= PUBLIC
        again = joblib.load(io.BytesIO(content))
        assert type(again) is type(thing)


def invert(image, strength, rng):
    return 255 - image


@pytest.mark.filterwarnings("ignore")  # so few pictures
def test_a_pickled_perturbation_does_the_same(made):
    curve = OTHERS["RobustnessCurve"](*made)
    for own in (*curve.perturbations, Perturbation("jpeg", invert, (1,), "times")):
        again = pickle.loads(pickle.dumps(own))
        assert vars(again) == vars(own)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # LightGBM's own
@pytest.mark.parametrize("name", ["LinearProbe", "FrozenEncoderTransformer", "make_heads"])
def test_skops_files_know_public_modules_only(made, name):
    content = skops.io.dumps([ESTIMATORS[name](*made), GeneratorCurator()])
    schema = zipfile.ZipFile(io.BytesIO(content)).read("schema.json")
    assert modules_named_in(schema) <= PUBLIC


def test_a_saved_detector_knows_public_modules_only(made, tmp_path):
    pictures, origin, _, _ = made
    detector = SSAFEClassifier(
        head=LinearProbe(epochs=2), curator=GeneratorCurator(2, n_samples=8, random_state=0)
    )
    path = detector.fit(pictures.X, pictures.y, **origin).save(tmp_path / "detector")
    schema = zipfile.ZipFile(path / "estimators.skops").read("schema.json")
    assert modules_named_in(schema) == {"sklearn_ssafe"}
    for file in path.iterdir():
        assert modules_named_in(file.read_bytes()) <= PUBLIC
