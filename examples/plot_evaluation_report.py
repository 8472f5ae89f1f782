"""
One page on what a detector is worth
====================================

A detector, pictures that it has not seen, and one page to print, to send, or to argue about: what
is its false-positive rate, which generators does it miss, and what may be wrong with the figures?
"""

# %%
# A detector
# ----------
#
# It is trained on two of four cameras and four of six generators. The threshold is chosen in
# training, for a false-positive rate of about one in ten.

import numpy as np

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=360, image_size=96, trace_strength=0.9, random_state=0)
held_out = ["camera_2", "camera_3", "bilinear_upsampling", "diffusion"]
test = np.isin(pictures.source, held_out)
detector = SSAFEClassifier(
    FrozenEncoderTransformer("forensic", n_views=1),  # one crop: these pictures are small
    target_fpr=0.1,
    confidence_level=None,
)
detector.fit(
    pictures.X[~test],
    pictures.y[~test],
    generator=pictures.generator[~test],
    source=pictures.source[~test],
)
print(f"{(~test).sum()} pictures for training, {test.sum()} for the test")

# %%
# Its page
# --------
#
# Cameras and generators of the test are new to the detector. Scroll: verdict, tables that sort,
# curves, a slider for the threshold, the most confident errors, the audit of these pictures,
# settings.

from sklearn_ssafe import evaluation_report

page = evaluation_report(
    detector,
    pictures.X[test],
    pictures.y[test],
    generator=pictures.generator[test],
    source=pictures.source[test],
    robustness={"jpeg": [85, 65, 30], "blur": [0.5, 1, 2], "messenger": [1]},
    title="A detector that meets two new cameras and two new generators",
)
page

# %%
# Only two cameras and two generators: the intervals are wide, and the page says so.
#
# ``page.save("report.html")`` writes it. ``thumbnails=False`` and ``show_paths=False`` make one
# that may leave the house where the pictures must not.
#
# In numbers
# ----------
#
# All that the page says is in a dict, to check in a test or to keep beside the model.

for sentence in page.facts["verdict"]["points"]:
    print("-", sentence)

# %%
# The figures by themselves are a `DetectionReport`.

page.report.frame()[["class", "name", "pictures", "tpr", "fpr", "auc"]].round(3)

# %%
# A saved detector is judged from the command line as well::
#
#    ssafe evaluate my_detector pictures.csv -o report.html
