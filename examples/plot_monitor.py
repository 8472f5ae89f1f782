"""
A generator nobody has seen
===========================

A detector knows the generators it was trained on. Then a new one comes out. `NoveltyMonitor` looks
at the pictures as they come, says when something is among them that the detector does not know, and
names the pictures that are worth a person's label.
"""

# %%
# Pictures that are known
# -----------------------
#
# The embeddings are synthetic here, so that we know the truth; with pictures, give their paths in
# place of embeddings, and leave out ``encoder=None``. There are two cameras and three generators.

import numpy as np

rng = np.random.default_rng(0)
names = np.array(["phone", "reflex", "gan", "diffusion", "autoregressive"], dtype=object)
centres = rng.normal(scale=0.5, size=(5, 32))


def draw(counts):
    """Draw pictures of each camera and generator."""
    group = np.repeat(np.arange(5), counts)
    return centres[group] + rng.normal(size=(len(group), 32)), group


X, group = draw([120, 80, 60, 60, 60])
y = (group > 1).astype(int)

# %%
# A detector, and the reference of the monitor. The reference should be drawn as the pictures that
# will come, and best holds others than the training set.

from sklearn_ssafe import SSAFEClassifier
from sklearn_ssafe.monitoring import NoveltyMonitor

detector = SSAFEClassifier(encoder=None, cv=None).fit(X[::2], y[::2])
monitor = NoveltyMonitor(detector, n_looks=20, window=120)
monitor.fit(X[1::2], y[1::2], generator=names[group[1::2]], source=names[group[1::2]])
monitor.groups_

# %%
# Watch
# -----
#
# Six looks at pictures drawn as the reference was. Then five at other proportions: a lot more from
# the reflex camera. Then a new generator comes out.

usual = np.array([12, 8, 6, 6, 6])
new_centre = rng.normal(scale=0.5, size=32)
for _ in range(6):
    monitor.update(draw(usual)[0])
for _ in range(5):
    monitor.update(draw([2, 30, 2, 2, 2])[0])
for _ in range(5):
    new = new_centre + rng.normal(size=(30, 32))
    found = monitor.update(np.concatenate([draw([3, 2, 1, 1, 1])[0], new]))
found

# %%
# Each look asks two questions. Are the pictures drawn as the reference was? And if not: would other
# proportions of what is known explain it? Either p-value counts below the line, so that the false
# alarms of twenty looks, both questions together, are 5 % at most.

import matplotlib.pyplot as plt

history = monitor.history_
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
look = np.arange(1, len(history) + 1)
axes.semilogy(look, history["p_change"], "s--", color="#0072B2", label="drawn as the reference?")
axes.semilogy(look, history["p_unknown"], "o-", color="#D55E00", label="a mixture of the known?")
axes.axhline(monitor.level_, color="0.4", linestyle=":", label="counts below")
for first, text in (
    (0.5, "as the reference"),
    (6.5, "other proportions"),
    (11.5, "a new generator"),
):
    axes.axvline(first, color="0.8")
    axes.text(first + 0.1, 1.6, text, fontsize="small")
axes.set(xlabel="look", ylabel="p-value", xticks=look, xlim=(0.5, look[-1] + 0.5))
axes.legend(loc="lower left", fontsize="small")
plt.show()

# %%
# What to label
# -------------
#
# New, unlike each other, and uncertain, the best first. Fill in ``label``, ``generator`` and
# ``source``, and ``ssafe fit`` takes the table below the one it had.

monitor.suggest(5)[["label", "generator", "score", "novelty", "unsure", "nearest"]]
