"""
A small training set that represents a large pool
=================================================

Ten generators, some of them versions of each other, and a budget of a hundred pictures. Which
generators should they be from? `GeneratorCurator` compares embeddings to find out.
"""

# %%
# A pool
# ------
#
# The embeddings are synthetic here, so that we know the truth: three families of generators, and
# one that is like no other. Some have many pictures and some few.

import numpy as np

families = {
    "diffusion": ["sd 1.4", "sd 1.5", "sd 2.1", "sdxl"],
    "gan": ["biggan", "stylegan2", "stylegan3"],
    "autoregressive": ["dalle", "parti"],
    "video frames": ["video"],
}
rng = np.random.default_rng(0)
rows, generator = [], []
for members in families.values():
    family = rng.normal(scale=0.6, size=32)
    for name in members:
        n_pictures = rng.integers(60, 400)
        centre = family + rng.normal(scale=0.2, size=32)
        rows.append(centre + rng.normal(size=(n_pictures, 32)))
        generator += [name] * n_pictures
n_real = 1000
X = np.concatenate([rng.normal(size=(n_real, 32)), *rows])
y = np.repeat([0, 1], [n_real, len(generator)])
generator = np.array([""] * n_real + generator)
source = np.where(y == 0, rng.choice(["phone", "reflex", "scan"], len(y), p=[0.8, 0.15, 0.05]), "")

# %%
# Choose
# ------
#
# Four generators, fifty of their pictures, and as many real ones.

from sklearn_ssafe import GeneratorCurator
from sklearn_ssafe.curation import CurationDisplay

curator = GeneratorCurator(n_generators=4, n_samples=100, random_state=0)
X_chosen, y_chosen = curator.fit_resample(X, y, generator=generator, source=source)
X_chosen.shape, curator.selected_generators_.tolist()

# %%
# ``summary_`` accounts for the whole pool. The real pictures are balanced over their sources,
# though four of five in the pool are from phones.

curator.summary_

# %%
# Look at it
# ----------
#
# Dark is near. The families are the dark blocks along the diagonal, which the tree above finds,
# too. The numbers say in which order generators were chosen: the most central first, then always
# the one farthest from those chosen before.

import matplotlib.pyplot as plt

display = CurationDisplay.from_estimator(curator)
plt.show()

# %%
# As a table: which chosen generator stands for which, and how well.

display.frame()[["generator", "cluster", "order", "nearest", "to_nearest"]].round(3)

# %%
# What stands for what
# --------------------
#
# How large is the hole that a choice leaves? The largest distance of any generator from the nearest
# chosen one, beside a thousand random choices of four.

holes = [
    curator.distances_[:, rng.choice(10, 4, replace=False)].min(axis=1).max() for _ in range(1000)
]
print(f"curated: {display.frame()['to_nearest'].max():.2f}")
print(f"random:  {np.mean(holes):.2f} on average, {np.min(holes):.2f} at best")

# %%
# Farthest-point sampling covers the pool by design. Whether a detector is better for it is another
# question, and one for held-out generators: see :doc:`/user_guide/curate`.
