"""
What the file claims, beside what the detector says
===================================================

Some files say what made them: a signed manifest, a line in the metadata. `read_provenance` reads
it, to stand beside a verdict. Why it is not part of the verdict, the last figure shows.
"""

# %%
# Pictures, some of which carry a mark
# ------------------------------------
#
# Generators often write their settings into PNG files, and editors an IPTC source type into the
# XMP. Here both are written by hand, which is just as easy for anybody else.

import io

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sklearn_ssafe import SSAFEClassifier
from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=100, image_size=64, random_state=0)
detector = SSAFEClassifier(cv=None).fit(pictures.X[:60], pictures.y[:60])
new, truth = list(pictures.X[60:]), pictures.y[60:]

URL = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def with_text(content):
    """Write a PNG file with a generator's settings in it."""
    info, file = PngInfo(), io.BytesIO()
    info.add_text("parameters", "a lighthouse\nSteps: 20, Sampler: Euler a")
    Image.open(io.BytesIO(content)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def with_source_type(content, source_type):
    """Write a JPEG file with an IPTC source type in its XMP."""
    xmp = f'<rdf:Description Iptc4xmpExt:DigitalSourceType="{URL}{source_type}"/>'
    file = io.BytesIO()
    Image.open(io.BytesIO(content)).save(file, "JPEG", quality=95, xmp=xmp.encode())
    return file.getvalue()


for number, is_generated in enumerate(truth):
    if is_generated and number % 3 == 0:
        new[number] = with_text(new[number])
    elif is_generated and number % 3 == 1:
        new[number] = with_source_type(new[number], "trainedAlgorithmicMedia")
    elif not is_generated and number % 2 == 0:
        new[number] = with_source_type(new[number], "digitalCapture")

# %%
# Beside the verdict
# ------------------
#
# ``ssafe predict --provenance`` writes such a column. An unsigned "camera" counts for nothing, so
# nothing is said of it.

import pandas as pd

from sklearn_ssafe.images import read_provenance

table = pd.DataFrame(
    {
        "score": detector.predict_proba(new)[:, 1].round(3),
        "verdict": detector.predict(new),
        "provenance": [read_provenance(picture).says for picture in new],
    }
)
table.head(8)

# %%
# After one upload
# ----------------
#
# A messenger compresses the pictures. The pixels are nearly the same. The marks are gone, and a
# detector that had learned to look for them would now call every one of these pictures real.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ssafe.images import read_image

uploaded = []
for picture in new:
    file = io.BytesIO()
    Image.fromarray(read_image(picture)).save(file, "JPEG", quality=80)
    uploaded.append(file.getvalue())
is_marked = ["unsigned" in read_provenance(picture).says for picture in new]
still_marked = ["unsigned" in read_provenance(picture).says for picture in uploaded]
called = [detector.predict(each)[truth == 1].mean() for each in (new, uploaded)]
shares = [np.mean(np.array(each)[truth == 1]) for each in (is_marked, still_marked)]

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
place = np.arange(2)
bars = [
    axes.bar(place - 0.2, shares, 0.36, color="#E69F00", edgecolor="black", label="file is marked"),
    axes.bar(
        place + 0.2, called, 0.36, color="#0072B2", edgecolor="black", label="called generated"
    ),
]
for each in bars:
    axes.bar_label(each, fmt="{:.0%}")
axes.set(xticks=place, xticklabels=["as made", "after an upload"], ylim=(0, 1.15))
axes.set_ylabel("share of generated pictures")
axes.legend(loc="upper right", fontsize="small")
axes.spines[["top", "right"]].set_visible(False)
plt.show()
