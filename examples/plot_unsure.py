"""
Unsure, and your own cameras
============================

Not every picture can be told. A detector that may say "unsure" can promise how seldom its verdicts
are wrong, for real pictures and for generated ones, of every camera and of every generator. And a
detector from elsewhere can be moved to your own cameras with a few dozen photographs.
"""

# %%
# Three verdicts
# --------------
#
# Four cameras and six generators, half of the pictures of each to train on. Of these, the detector
# keeps half from its head and calibrates on them: of each camera at most 15 % of pictures may be
# called generated, of each generator at most 15 % real. ``confidence_level=None`` promises that on
# average. The default, 0.95, promises more and takes more pictures.

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=600, image_size=64, n_real_sources=4, random_state=0)
rows = FrozenEncoderTransformer("forensic").fit_transform(pictures.X)
y = np.asarray(pictures.y)
name = np.where(y == 1, pictures.generator, pictures.source)
order = np.lexsort([np.arange(len(y)), name])
train, test = order[::2], order[1::2]

head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
detector = SSAFEClassifier(encoder=None, head=head, abstain=0.15, confidence_level=None)
detector.fit(rows[train], y[train], generator=name[train], source=name[train])
verdict = detector.predict_verdict(rows[test])
for word in ("real", "unsure", "generated"):
    share = [(verdict[y[test] == label] == word).mean() for label in (0, 1)]
    print(f"{word:>9}: {share[0]:4.0%} of the real pictures, {share[1]:4.0%} of the generated ones")

# %%
# What is promised to whom
# ------------------------
#
# The camera and the generator that are hardest to tell decide for all. The others fare better.

detector.verdict_rule_.frame().round(3)

# %%
# The scores of the other half. Between the two lines no verdict is given.

import matplotlib.pyplot as plt

from sklearn_ssafe.metrics import ScoreDistributionDisplay

known = {"generator": name[test], "source": name[test]}
display = ScoreDistributionDisplay.from_estimator(detector, rows[test], y[test], **known)
rule = detector.verdict_rule_
display.ax_.axvspan(rule.real_below, rule.generated_from, color="0.85", zorder=0)
display.ax_.set_title("unsure: the grey part")
plt.show()

# %%
# Is it kept? The share of wrong verdicts among **all** pictures of a name, unsure ones included:

wrong = np.where(y[test] == 1, verdict == "real", verdict == "generated")
for each in np.unique(name):
    mine = name[test] == each
    unsure = (verdict[mine] == "unsure").mean()
    print(f"{each:>24}: {wrong[mine].mean():4.0%} wrong, {unsure:4.0%} unsure")

# %%
# What it costs
# -------------
#
# The fewer verdicts are given, the fewer are wrong. The lines withhold what is nearest to the
# threshold; the marks are the detector's own verdicts.

from sklearn_ssafe.metrics import CoverageRiskDisplay

CoverageRiskDisplay.from_estimator(detector, rows[test], y[test], **known)
plt.show()

# %%
# A camera that was not there
# ---------------------------
#
# All of that is about these cameras. Leave one out, and its pictures are another matter.

new = name == "camera_1"
elsewhere = SSAFEClassifier(encoder=None, head=head, confidence_level=None)
elsewhere.fit(rows[~new], y[~new], generator=name[~new], source=name[~new])
own, later = np.flatnonzero(new)[::2], np.flatnonzero(new)[1::2]


def called_generated(detector):
    return f"{(detector.predict(rows[later]) == 1).mean():.0%}"


print(f"of the new camera's pictures, {called_generated(elsewhere)} are called generated")

# %%
# So give it some photographs by this camera, none of them generated. The head stays as it is, and
# the threshold moves, so that on average at most 10 % of them are called generated:

ours = elsewhere.recalibrate(rows[own], target_fpr=0.1)
n_own = ours.operating_point_.n_real
print(f"threshold {elsewhere.threshold_:.3f} becomes {ours.threshold_:.3f}, by {n_own} photographs")
print(f"of its later pictures, {called_generated(ours)} are called generated")

# %%
# The price is what is found of the generated pictures. These were held out in training:

scores = elsewhere.out_of_fold_
made = scores.score[scores.y == 1]
for word, each in (("before", elsewhere), ("after", ours)):
    print(f"{word}: {(made >= each.threshold_).mean():.0%} of the generated pictures detected")
