"""
Quick start
===========

Pictures, a pipeline, and a table that tells how well generators are found that the detector has
never seen.
"""

# %%
# Pictures
# --------
#
# Half of these pictures come from four simulated cameras, the other half from six simulated
# families of generator. All are JPEG files of the same quality and size, as `bytes`. A list of
# file paths would do as well.

import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=240, image_size=128, random_state=0)
print(pictures.frame.groupby(["label", "source"]).size())

# %%
# One picture from each source. The traces are too weak for the eye.

sources = list(dict.fromkeys(pictures.source[np.argsort(pictures.y, kind="stable")]))
fig, axes = plt.subplots(2, 5, figsize=(10, 4.4), layout="constrained")
for axis, source in zip(axes.flat, sources, strict=True):
    first = np.flatnonzero(pictures.source == source)[0]
    axis.imshow(Image.open(io.BytesIO(pictures.X[first])))
    axis.set_title(source.replace("_", " "), fontsize=9)
    axis.set_axis_off()

# %%
# A detector
# ----------
#
# An encoder and a classifier. The encoder is frozen: only the classifier learns. The default is a
# small network whose weights were installed with the package.

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from sklearn_ssafe import FrozenEncoderTransformer

detector = Pipeline(
    [
        ("enc", FrozenEncoderTransformer()),
        ("clf", LogisticRegression()),
    ]
)
detector.fit(pictures.X[:80], pictures.y[:80])
detector.predict_proba(pictures.X[80:84])[:, 1].round(2)

# %%
# Those are the probabilities of "generated" for four new pictures. But new pictures of the *same*
# cameras and generators are the easy case.
#
# Generators that were never seen
# -------------------------------
#
# Every fold now holds out whole generators and whole cameras. The encoder learns nothing, so the
# pictures are encoded once, before the folds are made. What does learn, the
# classifier, is fitted in each fold anew.

from sklearn_ssafe.model_selection import held_out_scores, held_out_table

features = detector["enc"].transform(pictures.X)
head = detector[1:]
origin = {"generator": pictures.generator, "source": pictures.source}
scores = held_out_scores(head, features, pictures.y, **origin)
print("Held out:", scores.held_out)
table = held_out_table(scores, **origin)
table.round(2)

# %%
# For generators, ``called_generated`` is the true-positive rate at a threshold of 0.5; for
# cameras it is the false-positive rate. A camera unlike the training cameras may be taken for a
# generator. A mean over all pictures would hide that.
#
# What a shuffled split would have said
# -------------------------------------
#
# The same features, classifier and table, with folds that ignore generators and cameras:

from sklearn.model_selection import StratifiedKFold, cross_val_predict

from sklearn_ssafe.model_selection import HeldOutScores

folds = StratifiedKFold(5, shuffle=True, random_state=0)
probability = cross_val_predict(head, features, pictures.y, cv=folds, method="predict_proba")[:, 1]
fold = np.empty(len(pictures.y), dtype=int)
for number, (_, test) in enumerate(folds.split(features, pictures.y)):
    fold[test] = number
shuffled_scores = HeldOutScores(pictures.y, probability, fold, "single pictures")
shuffled = held_out_table(shuffled_scores, **origin).set_index("name")

generators = table[table["class"] == "generated"]
shuffled_auc = shuffled.loc[generators["name"], "auc"]

fig, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
rows = np.arange(len(generators))
axis.hlines(rows, generators["auc"], shuffled_auc, color="0.7", zorder=0)
axis.scatter(generators["auc"], rows, color="#0072B2", marker="o", label="held out")
axis.scatter(shuffled_auc, rows, color="#D55E00", marker="s", label="shuffled folds")
axis.axvline(0.5, color="0.4", linestyle=":", label="guessing")
axis.set_yticks(rows, generators["name"].str.replace("_", " "))
axis.set_xlabel("AUC of this generator against the cameras")
axis.invert_yaxis()
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %%
# Where the two points lie apart, the shuffled figure was a promise that would not have been kept.
# With 20 pictures a generator, differences of a few hundredths are chance.
