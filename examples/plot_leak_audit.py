"""
The leak audit on a flawed data set
===================================

A detector can score well without looking at a picture: by its format, its size, its compression.
This example builds such a data set, lets the audit find what is wrong, and shows how much of a
detector's figure was never about generators.
"""

# %%
# A flawed data set
# -----------------
#
# The pictures of `make_generated_images` differ in traces of generators alone. At
# ``trace_strength=0`` not even in those, so an honest evaluation can only report an AUC of 0.5.
# Now they are stored the way collections often are: photographs as JPEG at some quality, in
# landscape format, with the camera's name; generated pictures square and as PNG, some with the
# prompt in their text and a logo in the corner.

import io

import numpy as np
from PIL import Image, PngImagePlugin

from sklearn_ssafe.datasets import make_generated_images

pictures = make_generated_images(n_samples=240, image_size=160, trace_strength=0, random_state=0)
rng = np.random.default_rng(0)


def store(image, is_generated):
    file = io.BytesIO()
    if not is_generated:
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Camera maker", "Model 1"
        quality = int(rng.integers(70, 90))
        image.crop((0, 20, 160, 140)).save(file, "JPEG", quality=quality, exif=exif)
        return file.getvalue()
    if rng.random() < 0.5:
        image.paste((235, 235, 235), (146, 150, 156, 154))
        image.paste((30, 30, 30), (146, 154, 156, 156))
    text = PngImagePlugin.PngInfo()
    if rng.random() < 0.5:
        text.add_text("parameters", "a landscape, Steps: 20, Sampler: Euler a")
    image.crop((16, 16, 160, 160)).save(file, "PNG", pnginfo=text)
    return file.getvalue()


flawed = [
    store(Image.open(io.BytesIO(file)), label)
    for file, label in zip(pictures.X, pictures.y, strict=True)
]

# %%
# The audit
# ---------
#
# For each property, the AUC is that of a predictor which sees nothing else, on pictures it was not
# fitted to. *Leaks* can reach a detector through the pixels. *Notes* reach it only if somebody
# makes a column of them.

from sklearn_ssafe import audit_leaks
from sklearn_ssafe.leaks import LeakAuditDisplay

origin = {"generator": pictures.generator, "source": pictures.source, "groups": pictures.groups}
audit = audit_leaks(flawed, pictures.y, **origin)
print(audit)

# %%

display = LeakAuditDisplay.from_result(audit)

# %%
# What a detector makes of it
# ---------------------------
#
# There is nothing to find in these pictures, and yet:

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssafe import FrozenEncoderTransformer

head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))


def auc_of_a_detector(files, y):
    features = FrozenEncoderTransformer("forensic").fit_transform(files)
    return cross_val_score(head, features, y, cv=5, scoring="roc_auc").mean()


print(f"AUC on the flawed files: {auc_of_a_detector(flawed, pictures.y):.2f}")

# %%
# An equalised copy
# -----------------
#
# One size, one codec, one quality, no metadata. The crop also cuts off the logo.

from sklearn_ssafe import equalize

copy = equalize(flawed, pictures.y, **origin, size=112, codec="jpeg", quality=90)
origin = {"generator": copy.generator, "source": copy.source, "groups": copy.groups}
audit_of_copy = audit_leaks(copy.X, copy.y, **origin)
print(audit_of_copy)

# %%
print(f"AUC on the copy: {auc_of_a_detector(copy.X, copy.y):.2f}")

# %%
# The audit finds nothing in the copy, but the detector still does: the first JPEG compression of
# the photographs has left its mark in the pixels, and storing them again does not take it away. So
# a silent audit of *equalised* pictures is not enough: look at the audit of the originals, and
# collect both classes with the same history. The pictures as they were made have it:

print(f"AUC on the files as made: {auc_of_a_detector(pictures.X, pictures.y):.2f}")
