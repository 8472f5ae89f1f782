"""Save a small detector as a fixture of the tests: once for each version, and never again.

With an old scikit-learn, so that the tests can load it with every one that is supported.

    python tools/make_detector_fixture.py VERSION
"""

import json
import sys
from pathlib import Path

from sklearn_ssafe import SSAFEClassifier
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(96, image_size=96, random_state=0)
detector = SSAFEClassifier(target_fpr=0.2)
detector.fit(pictures.X, pictures.y, generator=pictures.generator, source=pictures.source)

folder = Path(__file__).parents[1] / "tests" / "fixtures" / "detectors" / sys.argv[1]
folder.mkdir()
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
