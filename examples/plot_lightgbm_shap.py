"""
LightGBM and SHAP on named features
===================================

The columns of the embedded encoder are named after what they measure. So the reasons of a tree
ensemble can be read, by family first and by column then.
"""

# %%
# Named features
# --------------

import numpy as np
import pandas as pd

from sklearn_ssafe import FrozenEncoderTransformer, GeneratorGroupKFold
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=240, image_size=128, random_state=0)
encoder = FrozenEncoderTransformer("forensic").set_output(transform="pandas")
features = encoder.fit_transform(pictures.X)
print(features.shape)

# %%
# Each column belongs to a family of measurements.

from sklearn_ssafe.encoders import ForensicEncoder

families = pd.Series(ForensicEncoder().feature_families, index=features.columns, name="family")
families.value_counts()

# %%
# A model, and pictures that it has not seen
# ------------------------------------------
#
# The explained pictures are those of one fold: generators and a camera that were held out.

from lightgbm import LGBMClassifier
from sklearn.metrics import roc_auc_score

folds = GeneratorGroupKFold(n_splits=4)
train, test = next(folds.split(features, pictures.y, groups=pictures.source))
trees = LGBMClassifier(
    n_estimators=150, num_leaves=7, colsample_bytree=0.1, min_child_samples=10, n_jobs=1,
    random_state=0, verbose=-1,
)  # fmt: skip
trees.fit(features.iloc[train], pictures.y[train])
probability = trees.predict_proba(features.iloc[test])[:, 1]
print("held out:", ", ".join(sorted(set(pictures.source[test]))))
print(f"AUC {roc_auc_score(pictures.y[test], probability):.3f}")

# %%
# SHAP values
# -----------
#
# A SHAP value says how far a column moves the log-odds of one picture towards "generated" (above
# 0) or "real" (below 0). They add up to the model's output.

import shap

explanation = shap.TreeExplainer(trees)(features.iloc[test])
values = pd.DataFrame(explanation.values, columns=features.columns)
total = values.sum(axis=1) + explanation.base_values
np.testing.assert_allclose(total, trees.predict(features.iloc[test], raw_score=True), atol=1e-6)

# %%
# By family
# ---------
#
# Neighbouring columns measure nearly the same and share the credit by chance. Their sum is
# steadier. Here the SHAP values of a family are added up for each picture first, then the mean
# magnitude is taken over pictures.

import matplotlib.pyplot as plt

by_family = values.T.groupby(families).sum().T
importance = by_family.abs().mean().sort_values()

fig, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
axis.barh(importance.index.str.replace("_", " "), importance, color="#0072B2")
axis.set_xlabel("mean |SHAP value| of the family (log-odds)")
plt.show()

# %%
# The columns that matter most
# ----------------------------
#
# Each point is a held-out picture. Right means: this column speaks for "generated".
# `describe_features` has a few words for each column, and a sentence.

from sklearn_ssafe.encoders import describe_features

words = describe_features().set_index("column")
top = values.abs().mean().nlargest(10).index
jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(test))

fig, axis = plt.subplots(figsize=(8.5, 4.4), layout="constrained")
for row, name in enumerate(top):
    rank = features.iloc[test][name].rank(pct=True)
    points = axis.scatter(values[name], row + jitter, c=rank, cmap="cividis", s=12)
axis.axvline(0, color="0.4", linewidth=1)
axis.set_yticks(range(len(top)), words.loc[top, "label"], fontsize=8)
axis.invert_yaxis()
axis.set_xlabel("SHAP value (log-odds)")
fig.colorbar(points, label="value of the column (rank)")
plt.show()

# %%
# One picture
# -----------
#
# The same for a single picture: the one that the model is surest to be generated.

surest = int(np.argmax(probability))
one = by_family.iloc[surest].sort_values(key=abs)
print("it comes from:", pictures.source[test[surest]])

fig, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
axis.barh(
    one.index.str.replace("_", " "), one, color=np.where(one > 0, "#D55E00", "#56B4E9")
)  # fmt: skip
axis.axvline(0, color="0.4", linewidth=1)
axis.set_xlabel("real  ←  SHAP value of the family (log-odds)  →  generated")
plt.show()

# %%
# Read with care. These values explain the model, not the picture. If real and generated pictures
# differed in compression, the same plots would point at that, and be right about the model. That
# is a good use of them: a family that should not matter, and does, is a sign of a leak.
