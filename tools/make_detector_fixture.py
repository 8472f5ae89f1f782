"""Save small detectors as fixtures of the tests: once for each version, and never again.

With an old scikit-learn, so that the tests can load them with every one that is supported.

    python tools/make_detector_fixture.py VERSION
"""

import json
import sys
from pathlib import Path

from lightgbm import LGBMClassifier

from sklearn_ssafe import GeneratorCurator, LinearProbe, SSAFEClassifier
from sklearn_ssafe.datasets import make_generated_images

KINDS = {
    "": {"target_fpr": 0.2},
    "-linear_probe": {"head": LinearProbe(epochs=20, random_state=0)},
    "-curator": {
        "curator": GeneratorCurator(n_generators=2, n_samples=40, random_state=0),
        "cv": None,
    },
    "-lightgbm": {
        "head": LGBMClassifier(n_estimators=10, num_leaves=7, random_state=0, verbose=-1),
        "cv": 3,
    },
    "-training_rows": {"target_fpr": 0.2, "keep_training_rows": True},
}

pictures = make_generated_images(96, image_size=96, random_state=0)
for kind, parameters in KINDS.items():
    folder = Path(__file__).parents[1] / "tests/fixtures/detectors" / (sys.argv[1] + kind)
    if folder.exists():
        continue
    folder.mkdir()
    detector = SSAFEClassifier("forensic", **parameters)
    detector.fit(pictures.X, pictures.y, generator=pictures.generator, source=pictures.source)
    detector.save(folder / "detector")
    names = [f"picture_{number}.jpg" for number in range(4)]
    for name, content in zip(names, pictures.X, strict=False):
        (folder / name).write_bytes(content)
    probability = detector.predict_proba(pictures.X[:4])[:, 1].tolist()
    expected = {
        "probability": dict(zip(names, probability, strict=True)),
        "threshold": detector.threshold_,
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
