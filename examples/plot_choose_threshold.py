"""
A threshold for 5 % false positives
===================================

At a probability of 0.5, a detector calls as many photographs generated as it happens to. Choose the
threshold by the rate of false positives that you can answer for, on pictures that the detector was
not trained on, and then see what it finds.
"""

# %%
# Scores of held-out pictures
# ---------------------------
#
# The pictures are split twice. Some cameras and generators are kept for the end. On the others,
# out-of-fold scores show how the detector treats photographs that it has not seen.

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, GeneratorGroupKFold
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=600, image_size=96, n_real_sources=6, random_state=0)
features = FrozenEncoderTransformer("forensic").fit_transform(pictures.X)
group = np.where(pictures.y == 1, pictures.generator, pictures.source)
train, test = next(GeneratorGroupKFold(3).split(features, pictures.y, group))
print("kept for the end:", ", ".join(sorted(set(group[test]))))

head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
score = cross_val_predict(
    head,
    features[train],
    pictures.y[train],
    groups=group[train],
    cv=GeneratorGroupKFold(4),
    method="predict_proba",
)[:, 1]

# %%
# The threshold
# -------------
#
# `threshold_for_fpr` takes scores of held-out photographs. Five in a hundred may be called
# generated, and the upper bound of their rate has to say so, not only the rate among these few. So
# fewer than five in a hundred of these are. A picture with a score of the threshold or more is
# called generated.

from sklearn_ssafe.metrics import threshold_for_fpr

point = threshold_for_fpr(score[pictures.y[train] == 0], 0.05)
print(
    f"threshold {point.threshold:.3f}: {point.n_false} of {point.n_real} photographs are called "
    f"generated ({point.fpr:.1%}); upper bound {point.fpr_upper_bound:.1%}"
)
print(f"5 % takes at least {point.n_real_needed} photographs")

# %%
# What it finds
# -------------
#
# The detector is trained on the whole training part. The cameras and generators at the end are new
# to it, and to the threshold.

import matplotlib.pyplot as plt

from sklearn_ssafe import detection_report
from sklearn_ssafe.metrics import GeneratorReportDisplay, ScoreDistributionDisplay

head.fit(features[train], pictures.y[train])
final = head.predict_proba(features[test])[:, 1]
known = {"generator": pictures.generator[test], "source": pictures.source[test]}
report = detection_report(
    pictures.y[test],
    final,
    threshold=point.threshold,
    threshold_from="5 % of photographs like those of the training part, out of fold",
    **known,
)
report

# %%

ScoreDistributionDisplay.from_result(report)
plt.show()

# %%
# Read the rate of the new cameras with its interval: few photographs cannot show 5 %. And a new
# camera need not keep to the rate of the known ones. The more kinds of photographs the threshold
# has seen, the better it holds.
#
# In one step
# -----------
#
# With `target_fpr`, `cross_val_report` does this inside every training part, for several folds. So
# does `SSAFEClassifier` when it is fitted.

from sklearn_ssafe import cross_val_report

known = {"generator": pictures.generator, "source": pictures.source}
by_fold = cross_val_report(
    head, features, pictures.y, target_fpr=0.05, cv=GeneratorGroupKFold(3), **known
)
print(by_fold.settings["threshold_from"])
GeneratorReportDisplay.from_result(by_fold)
plt.show()

# %%
# What 5 % costs: the same folds at other rates, pooled over all pictures.

for rate in (0.05, 0.1, 0.2):
    made = cross_val_report(
        head,
        features,
        pictures.y,
        target_fpr=rate,
        cv=GeneratorGroupKFold(3),
        n_resamples=0,
        **known,
    )
    pooled = made.frame().set_index("name").loc["pooled"]
    print(f"asked for {rate:.0%}: called generated {pooled['fpr']:.1%} of the photographs and "
          f"{pooled['tpr']:.0%} of the generated pictures")  # fmt: skip
