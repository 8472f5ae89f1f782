"""
A detector, from training to a verdict
======================================

One estimator for everything: it encodes, trains, chooses a threshold, says how good it is, saves
itself, and explains a verdict.
"""

# %%
# Train
# -----
#
# Half of these pictures come from simulated cameras, half from simulated generators. The detector
# is told which, so that it can hold whole generators and cameras out when it judges itself.

import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ssafe import SSAFEClassifier, load_detector
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(240, image_size=128, trace_strength=0.9, random_state=0)
known, new = slice(0, 200), slice(200, 240)

detector = SSAFEClassifier(target_fpr=0.1, keep_training_rows=True)
detector.fit(
    pictures.X[known],
    pictures.y[known],
    generator=pictures.generator[known],
    source=pictures.source[known],
)
detector.training_table_.round(2)

# %%
# Each row was judged by a head that had not seen its generator or camera. A camera with a large
# ``called_generated`` is one whose photographs would often be called generated.
#
# The threshold
# -------------
#
# "Call at most 10 % of real pictures generated" was the goal. The threshold was chosen on the same
# held-out scores, so that even the upper bound of the rate keeps to it.

point = detector.operating_point_
print(f"threshold {point.threshold:.3f}: {point.n_false} of {point.n_real} photographs reach it,")
print(f"upper bound {point.fpr_upper_bound:.1%} at {point.confidence_level:.0%} confidence")

scores = detector.out_of_fold_
fig, axis = plt.subplots(figsize=(7, 3), layout="constrained")
bins = np.linspace(scores.score.min(), scores.score.max(), 30)
real, generated = (scores.score[scores.y == label] for label in (0, 1))
axis.hist(real, bins, color="#0072B2", label="real")
axis.hist(generated, bins, histtype="step", color="#D55E00", linewidth=2, label="generated")
axis.axvline(point.threshold, color="black", linestyle="--", label="threshold")
axis.set_xlabel("score, out of fold")
axis.set_ylabel("pictures")
axis.legend(frameon=False)
plt.show()

# %%
# How many photographs does a stricter promise need? The detector says so, and so does the warning
# that it gives.

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    SSAFEClassifier(target_fpr=0.01).fit(pictures.X[known], pictures.y[known])
print(caught[0].message)

# %%
# Keep it, and use it again
# -------------------------
#
# A folder without pickle, with a model card for people. ``ssafe predict FOLDER PICTURES`` uses the
# same folder.

with tempfile.TemporaryDirectory() as folder:
    path = detector.save(Path(folder) / "detector")
    card = (path / "README.md").read_text(encoding="utf-8")
    again = load_detector(path)

print(card[card.index("## Threshold") : card.index("## Limits")])
np.array_equal(again.predict(pictures.X[new]), detector.predict(pictures.X[new]))

# %%
# Why?
# ----
#
# Regions are covered one after the other, and the picture scored again. Orange regions, with a
# plus, push towards "generated"; blue ones, with a minus, towards "real".

generated_one = np.flatnonzero(pictures.y[new])[0] + 200
explanation = again.explain(pictures.X[generated_one], grid=5)

fig, axis = plt.subplots(figsize=(4, 4.6), layout="constrained")
axis.imshow(explanation.overlay())
axis.set_axis_off()
plt.show()

# %%
# The training pictures nearest to it are evidence of another kind. They are known because
# ``keep_training_rows=True`` kept them.

explanation.nearest.drop(columns="path").round(3)
