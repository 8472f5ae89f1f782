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
features = FrozenEncoderTransformer("forensic").fit_transform(pictures.X)
cameras = sorted(set(pictures.source[pictures.y == 0]))

# %%
# The pipeline has no label to learn from. The local outlier factor compares the density around a
# picture with the density around its neighbours among the training photographs.

from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

detector = make_pipeline(StandardScaler(), LocalOutlierFactor(n_neighbors=10, novelty=True))

# %%
# Every camera is left out in turn, so that each photograph gets a score from a detector that has
# not seen its camera. The generated pictures are only tested, by all four detectors. The score is
# ``-decision_function(X)``: more is more unusual. `cross_val_report` takes the folds as they are,
# and sets each threshold so that at most 10 % of photographs by *known* cameras are called
# generated.

from sklearn_ssafe import cross_val_report

real = pictures.y == 0
folds = [
    (
        np.flatnonzero(real & (pictures.source != camera)),
        np.flatnonzero(~real | (pictures.source == camera)),
    )
    for camera in cameras
]
report = cross_val_report(
    detector,
    features,
    pictures.y,
    generator=pictures.generator,
    source=pictures.source,
    cv=folds,
    target_fpr=0.1,
)
print(report.settings["trained_on"])

# %%
# What is unlike the training photographs?
# ----------------------------------------

import matplotlib.pyplot as plt

from sklearn_ssafe.metrics import ScoreDistributionDisplay

ScoreDistributionDisplay.from_result(report)
plt.show()

# %%
# Circles are photographs by a camera that the detector did not know; triangles are generated
# pictures. The cameras differ from each other, and each overlaps with the generators.
#
# In figures
# ----------
#
# The AUC of each generator against the left-out photographs. Below 0.5, a generator's pictures look
# *more* usual than photographs by a new camera.

table = report.frame()
table.loc[table["class"] == "generated", ["name", "auc", "auc_low", "auc_high", "tpr"]].round(2)

# %%
# The thresholds were set for 10 % of photographs by *known* cameras. An unknown camera need not
# keep to that. The share of each camera that is called generated when it is left out:

table.loc[table["class"] == "real", ["name", "fpr", "fpr_low", "fpr_high"]].round(2)

# %%
# So use many and varied photographs for training, ones that resemble those to come, and read the
# score as "look at this one", not as a verdict.
