"""
Leave one generator out
=======================

The next generator is one that your detector has not seen. So leave each of yours out in turn, and
look at every one of them, not at the mean.
"""

# %%
# Pictures, encoded once
# ----------------------

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=240, image_size=128, n_real_sources=6, random_state=0)
features = FrozenEncoderTransformer("forensic").fit_transform(pictures.X)
known = {
    "generator": pictures.generator,
    "source": pictures.source,
    "groups": pictures.groups,  # scenes: what shows the same stays in one fold
}

# %%
# The folds
# ---------
#
# The group of a picture is its generator or, for a photograph, its camera. Each fold tests one
# generator against photographs of a camera that is new as well.

import numpy as np

from sklearn_ssafe import LeaveOneGeneratorOut

group = np.where(pictures.y == 1, pictures.generator, pictures.source)
folds = LeaveOneGeneratorOut()
for _, test in folds.split(features, pictures.y, group):
    print("tested:", ", ".join(sorted(set(group[test]))))

# %%
# It is an ordinary splitter, so it goes into `cross_val_score` or `GridSearchCV`:

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
search = GridSearchCV(head, {"logisticregression__C": [1e-4, 1e-2, 1]}, cv=folds, scoring="roc_auc")
search.fit(features, pictures.y, groups=group)
print("best C:", search.best_params_["logisticregression__C"])

# %%
# The report
# ----------
#
# `cross_val_report` makes the groups itself. The generator that is found worst comes first, then
# the source of photographs with the most false positives. AUC and other ranking metrics are
# computed within each fold and then averaged, because scores of different folds come from different
# classifiers.

from sklearn_ssafe import cross_val_report

report = cross_val_report(head, features, pictures.y, cv=folds, **known)
report

# %%
# ``report.frame()`` has all figures with the ends of their intervals; `to_markdown`, `to_html` and
# `to_json` carry them elsewhere.

report.frame()[["class", "name", "pictures", "auc", "auc_low", "auc_high", "resampled"]].round(2)

# %%
# The same as a figure. Lines are 95 % intervals. A star marks rows that are too small to rely on,
# here because each fold has a single camera.

import matplotlib.pyplot as plt

from sklearn_ssafe.metrics import GeneratorReportDisplay

GeneratorReportDisplay.from_result(report, metric="auc")
plt.show()

# %%
# What a shuffled split would have said
# -------------------------------------
#
# The report looks at the folds themselves, and says that nothing was held out.

from sklearn.model_selection import StratifiedKFold

shuffled = list(StratifiedKFold(6, shuffle=True, random_state=0).split(features, pictures.y))
flattering = cross_val_report(head, features, pictures.y, cv=shuffled, **known)
print(flattering.settings["held_out"])
for name, made in (("generators left out", report), ("shuffled", flattering)):
    macro = made.frame().set_index("name").loc["macro"]
    print(
        f"{name:20} mean AUC {macro['auc']:.2f} [{macro['auc_low']:.2f}, {macro['auc_high']:.2f}]"
    )

# %%
# With photographs alone
# ----------------------
#
# An outlier detector is trained on the photographs of each training part and never sees a
# generated picture. Its threshold is set on photographs that were held out of the training part.

from sklearn.ensemble import IsolationForest

outliers = make_pipeline(StandardScaler(), IsolationForest(random_state=0))
cross_val_report(outliers, features, pictures.y, target_fpr=0.1, n_resamples=0, **known)
