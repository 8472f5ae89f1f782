"""
Pictures beside tabular columns
===============================

A table with a column of pictures, two numbers and a category, in one `ColumnTransformer`, with
LightGBM as the head. What do the pictures add, and what do the columns?
"""

# %%
# A table
# -------
#
# Think of uploads to a photo agency. The pictures are simulated. The columns are invented, too:
# they are drawn at random so that each tells a little about the label. **How much they help here
# is what we put in.** The point is how the two kinds of data are put together and compared.

import numpy as np

from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=240, image_size=128, random_state=0)
y = pictures.y

rng = np.random.default_rng(0)
table = pictures.frame[["image"]].copy()
table["account_age_days"] = rng.lognormal(mean=np.where(y == 1, 5.0, 6.0), sigma=1.0).round()
table["uploads_that_day"] = rng.poisson(np.where(y == 1, 7, 4))
table["subject"] = rng.choice(["people", "landscape", "object"], len(table))  # tells nothing
table.drop(columns="image").head()

# %%
# One model for all columns
# -------------------------
#
# The column of pictures is named as a plain string. More than a thousand columns of a picture
# would drown three others, so a PCA brings them down to 30 first.

from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, GeneratorGroupKFold

compress = make_pipeline(StandardScaler(), PCA(30, random_state=0))
numbers = ["account_age_days", "uploads_that_day"]
tabular = [
    ("number", "passthrough", numbers),
    ("category", OneHotEncoder(sparse_output=False), ["subject"]),
]
trees = LGBMClassifier(num_leaves=7, min_child_samples=10, n_jobs=1, random_state=0, verbose=-1)


def with_names(columns):
    """Hand tables on, so that LightGBM knows the columns by name."""
    return ColumnTransformer(columns).set_output(transform="pandas")


picture = ("picture", make_pipeline(FrozenEncoderTransformer("forensic"), compress), "image")
model = make_pipeline(with_names([picture, *tabular]), trees)

folds = GeneratorGroupKFold(n_splits=4)
train, test = next(folds.split(table, y, groups=pictures.source))
model.fit(table.iloc[train], y[train])
model.predict_proba(table.iloc[test[:4]])[:, 1].round(2)

# %%
# With and without the pictures
# -----------------------------
#
# The encoder is frozen, so the pictures are encoded once, before the folds are made. The scaler
# and the PCA learn from the rows, so they stay inside.

import pandas as pd
from sklearn.model_selection import cross_val_score

features = (
    FrozenEncoderTransformer("forensic")
    .set_output(transform="pandas")
    .fit_transform(table["image"])
)
encoded = pd.concat([table, features], axis=1)
encoded_picture = ("picture", compress, list(features.columns))

variants = {
    "columns alone": tabular,
    "pictures alone": [encoded_picture],
    "pictures and columns": [encoded_picture, *tabular],
}
aucs = {}
for name, columns in variants.items():
    candidate = make_pipeline(with_names(columns), trees)
    aucs[name] = cross_val_score(
        candidate, encoded, y, groups=pictures.source, cv=folds, scoring="roc_auc"
    )
    print(f"{name:22} mean AUC {aucs[name].mean():.3f}   by fold {aucs[name].round(2)}")

# %%
# Each point below is a fold with its own generators and cameras, none of which was in training.
# A line connects the same fold.

import matplotlib.pyplot as plt

fig, axis = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
values = np.array(list(aucs.values()))
axis.plot(values, color="0.75", zorder=0)
for number, (row, colour) in enumerate(zip(values, ["#E69F00", "#56B4E9", "#009E73"], strict=True)):
    axis.scatter([number] * len(row), row, color=colour, edgecolor="0.2", s=45)
    axis.hlines(row.mean(), number - 0.15, number + 0.15, color="0.2", linewidth=2)
axis.axhline(0.5, color="0.4", linestyle=":")
axis.set_xticks(range(len(aucs)), aucs)
axis.set_xlim(-0.5, len(aucs) - 0.5)
axis.set_ylabel("AUC (bar: mean of the folds)")
plt.show()

# %%
# Compare along the lines, fold by fold: folds differ more from each other than the variants do,
# because each holds out other generators.
#
# Before you do this with real data, ask of each column whether it will mean the same for the next
# picture. Account age may. A file size, or an upload path, may only tell how the data were
# collected.
