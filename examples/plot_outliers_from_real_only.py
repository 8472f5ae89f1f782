"""
Outliers, from photographs alone
================================

No generated picture is at hand? An outlier detector learns what photographs are like, and says
what is unlike them. This is weaker than a classifier, and it is easy to overrate: a new camera is
an outlier, too.
"""

# %%
# Train on three cameras
# ----------------------
#
# The fourth camera and all generators are new to the detector.

import numpy as np

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=240, image_size=128, random_state=0)
features = FrozenEncoderTransformer().fit_transform(pictures.X)
cameras = sorted(set(pictures.source[pictures.y == 0]))
generators = sorted(set(pictures.source[pictures.y == 1]))

# %%
# The pipeline has no label to learn from. The local outlier factor compares the density around a
# picture with the density around its neighbours among the training photographs.

from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

detector = make_pipeline(StandardScaler(), LocalOutlierFactor(n_neighbors=10, novelty=True))

# %%
# Every camera is left out in turn, so that each photograph gets a score from a detector that has
# not seen its camera. Pictures of generators get the mean of the four detectors.

score = np.zeros(len(pictures.y))
for camera in cameras:
    train = (pictures.y == 0) & (pictures.source != camera)
    fitted = detector.fit(features[train])
    left_out = pictures.source == camera
    score[left_out] = -fitted.score_samples(features[left_out])
    score[pictures.y == 1] -= fitted.score_samples(features[pictures.y == 1]) / len(cameras)

# %%
# What is unlike the training photographs?
# ----------------------------------------

import matplotlib.pyplot as plt

rng = np.random.default_rng(0)
fig, axis = plt.subplots(figsize=(8, 4.6), layout="constrained")
for row, source in enumerate([*cameras, *generators]):
    chosen = score[pictures.source == source]
    real = source in cameras
    axis.scatter(
        chosen,
        row + rng.uniform(-0.25, 0.25, len(chosen)),
        color="#0072B2" if real else "#D55E00",
        marker="o" if real else "^",
        alpha=0.6,
        s=18,
    )
    axis.vlines(np.median(chosen), row - 0.35, row + 0.35, color="0.1", linewidth=2)
axis.axhline(len(cameras) - 0.5, color="0.4", linewidth=1)
axis.set_yticks(
    range(len(cameras) + len(generators)),
    [f"{name.replace('_', ' ')} (left out)" for name in cameras]
    + [name.replace("_", " ") for name in generators],
)
axis.invert_yaxis()
axis.set_xlabel("outlier score (the line is the median)")
plt.show()

# %%
# Circles are photographs by a camera that the detector did not know; triangles are generated
# pictures. The cameras differ from each other, and each overlaps with the generators.
#
# In figures
# ----------
#
# The AUC of each generator against all left-out photographs. Below 0.5, a generator's pictures
# look *more* usual than photographs by a new camera.

import pandas as pd
from sklearn.metrics import roc_auc_score

real = pictures.y == 0
pd.Series(
    {
        name: roc_auc_score(pictures.y[chosen], score[chosen])
        for name in generators
        for chosen in [real | (pictures.source == name)]
    },
    name="AUC",
).sort_values().round(2)

# %%
# A threshold may let 5 % of the photographs of *known* cameras be called outliers, and call far
# more of an unknown camera so. The share for each camera when it is left out:

rates = []
for camera in cameras:
    known = real & (pictures.source != camera)
    fitted = detector.fit(features[known])
    threshold = np.quantile(fitted[-1].negative_outlier_factor_, 0.05)
    left_out = pictures.source == camera
    rates.append((fitted.score_samples(features[left_out]) < threshold).mean())
pd.Series(rates, index=cameras, name="called outliers").round(2)

# %%
# So use many and varied photographs for training, ones that resemble those to come, and read the
# score as "look at this one", not as a verdict.
