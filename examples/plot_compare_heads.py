"""
Do the pictures add anything? From an Excel file
================================================

A tabular team has columns, LightGBM, and a folder of pictures. Is it worth looking at the pictures?
Every encoder and head is compared with plain baselines, on the same folds.
"""

# %%
# An Excel file
# -------------
#
# One row a picture, with its path, its label, where it comes from, and two columns of the team's
# own. The columns are drawn at random here, so that each tells a little. **How much they help is
# what we put in.**

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ssafe.datasets import load_manifest, make_generated_images

folder = Path(tempfile.mkdtemp()) / "uploads"
made = make_generated_images(n_samples=160, image_size=128, output_dir=folder, random_state=0)
table = pd.read_csv(folder / "manifest.csv")
rng = np.random.default_rng(0)
table["account_age_days"] = rng.lognormal(np.where(made.y == 1, 5.0, 6.0), 1.0).round()
table["device"] = np.where(rng.uniform(size=160) < 0.5 + 0.1 * made.y, "desktop", "phone")
table.to_excel(folder / "uploads.xlsx", index=False)

uploads = load_manifest(folder / "uploads.xlsx")
uploads.frame.drop(columns="path").head()

# %%
# The comparison
# --------------
#
# Whole generators and whole cameras are held out. Each picture is encoded once.

from sklearn_ssafe import compare_detectors

comparison = compare_detectors(
    uploads.X,
    uploads.y,
    encoders=["forensic"],
    heads=["linear", "lightgbm", "knn"],
    tabular=uploads.frame[["account_age_days", "device"]],
    generator=uploads.generator,
    source=uploads.source,
    groups=uploads.groups,
)
comparison

# %%
# In a terminal, the same is
#
# .. code-block:: console
#
#    $ ssafe compare uploads.xlsx --encoder forensic --columns account_age_days,device
#
# File properties alone (bytes, dimensions, format) must not do well. If they do, the data leak.

import matplotlib.pyplot as plt

from sklearn_ssafe.comparison import ComparisonDisplay

ComparisonDisplay.from_result(comparison)
plt.show()

# %%
# Paired differences
# ------------------
#
# Folds differ more than candidates do. So candidates are subtracted fold by fold, here from
# LightGBM on the table alone. An interval that holds 0 means that the folds do not tell the two
# apart. With four folds, intervals are wide, and rightly so.

differences = comparison.differences(reference=("table", "lightgbm"))
differences[["input", "head", "auc", "auc_low", "auc_high"]].head(6).round(2)

# %%
# What a candidate goes by
# ------------------------
#
# SHAP values by named column, added up by family of measurements.

from sklearn_ssafe.encoders import describe_features

words = describe_features().set_index("column")
importances = comparison.importances("forensic", "lightgbm", method="shap")
columns = importances.features.head(5)
columns.assign(meaning=columns["feature"].map(words["meaning"])).round(3)

# %%

families = importances.families.iloc[::-1]
fig, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
axis.barh(families["family"].str.replace("_", " "), families["importance"], color="#0072B2")
axis.set_xlabel("mean |SHAP value| of the family (log-odds)")
plt.show()

# %%
# With the table beside the pictures, the loss of AUC when a family's columns are shuffled works for
# every head:

both = comparison.importances("table + forensic", "linear", method="permutation")
both.families.head(5).round(3)

# %%
# A number to predict
# -------------------
#
# The same for a regression: any column of numbers can be the target. Here it is the sharpness of a
# picture, which the forensic features should know and the table should not.

from PIL import Image

sharpness = [
    np.abs(np.diff(np.asarray(Image.open(path).convert("L"), float))).mean() for path in uploads.X
]
compare_detectors(
    uploads.X,
    np.array(sharpness),
    encoders=["forensic"],
    heads=["linear"],
    tabular=uploads.frame[["account_age_days", "device"]],
    groups=uploads.groups,
).frame()[["input", "head", "r2", "rmse"]].round(2)
