"""The pictures that new ones are compared with: their rows, and the groups they are of."""

from collections import Counter
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils import column_or_1d

from ..curation.mmd import median_distance
from ..labels import is_generated, known_labels, names_of
from .mixtures import Whitening, Witness, nearest_weights

FEW = "(those with few pictures)"


def group_names(n_pictures, y, generator, source, detector):
    """Name class and group of each picture, "" where unknown.

    Labels are those of the detector, one class of them is enough; or others, of two classes.
    """
    if y is None:
        return np.full(n_pictures, "", dtype=object), known_labels(n_pictures, generator, source)
    y = column_or_1d(y)
    if set(y.tolist()) <= set(detector.classes_.tolist()):
        generated = y == detector.pos_label_
    else:
        generated = is_generated(y)
    side = np.where(generated, "generated", "real").astype(object)
    name = names_of(generated.astype(int), generator, source)
    return side, np.where(name == "", side, name)


def deal_halves(group, rng):
    """Deal each group out to two halves."""
    half = np.empty(len(group), dtype=np.int64)
    for number in np.unique(group):
        mine = rng.permutation(np.flatnonzero(group == number))
        half[mine] = np.arange(len(mine)) % 2
    return half


def pool_small_groups(labels, least):
    """Put the smallest groups into one, until each has at least so many pictures.

    `labels` are pairs of class and name. Of groups equally small the first in their order is taken.
    """
    sizes = Counter((str(side), str(name)) for side, name in labels)
    rising = sorted(sizes, key=lambda pair: (sizes[pair], pair))
    n_pooled = sum(size < least for size in sizes.values())
    while 0 < n_pooled < len(rising) and sum(map(sizes.get, rising[:n_pooled])) < least:
        n_pooled += 1
    if n_pooled == 1:  # the only one, whatever its size
        n_pooled = 0
    pooled = dict.fromkeys(rising[:n_pooled], ("", FEW))
    groups = sorted(set(rising[n_pooled:]) | set(pooled.values()))
    number = [groups.index(pooled.get(pair, pair)) for pair in labels]
    return np.array(number), groups


def unit_rows(rows):
    """Scale rows to unit length, in double precision."""
    rows = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)


def gaussian(rows):
    """Return the Gaussian kernel whose bandwidth is the median distance between these rows."""
    return partial(rbf_kernel, gamma=0.5 / median_distance(rows) ** 2)


@dataclass
class Fold:
    """Half of the reference, which makes kernel and witness, and the other half."""

    whitening: Whitening
    kernel: partial
    known: np.ndarray
    group: np.ndarray
    other_known: np.ndarray
    other_group: np.ndarray


class Reference:
    """Rows of known pictures, with the number of each row's group, and the groups' names."""

    def __init__(self, rows, group, groups, half):
        self.rows, self.group, self.groups, self.half = rows, group, groups, half
        self._unit = unit_rows(rows)
        self.kernel = gaussian(self._unit)
        self._gram = self.kernel(self._unit, self._unit)
        self._sizes = np.bincount(group)
        self._members = np.eye(len(groups))[group]
        self.folds = [self._fold(half == number) for number in (0, 1)]

    def _fold(self, mine):
        rows = np.asarray(self.rows, dtype=np.float64)
        whitening = Whitening(rows[mine], self.group[mine])
        white = whitening(rows)
        return Fold(
            whitening,
            gaussian(white[mine]),
            white[mine],
            self.group[mine],
            white[~mine],
            self.group[~mine],
        )

    def kernel_with(self, rows):
        """Return the kernel matrix of the reference and, behind it, further rows."""
        new = unit_rows(rows)
        across = self.kernel(self._unit, new)
        return np.block([[self._gram, across], [across.T, self.kernel(new, new)]])

    def similarity(self, rows):
        """Return how alike rows are, in units of what pictures of one group differ by."""
        whites = (fold.whitening(np.asarray(rows, dtype=np.float64)) for fold in self.folds)
        pairs = zip(self.folds, whites, strict=True)
        return sum(fold.kernel(white, white) for fold, white in pairs) / len(self.folds)

    def table(self, matrix=None):
        """Say how far new rows are from each group, and the shares that come nearest to them.

        `matrix` is `kernel_with` these rows; None leaves the figures out.
        """
        table = pd.DataFrame(self.groups, columns=["class", "name"]).assign(
            pictures=self._sizes, mmd=np.nan, share=np.nan
        )
        if matrix is None:
            return table
        n_old = len(self.rows)
        new, sizes = matrix[n_old:, n_old:], self._sizes
        sums = self._members.T @ self._gram @ self._members
        across = self._members.T @ matrix[:n_old, n_old:].mean(axis=1) / sizes
        # Unbiased; a row's kernel with itself is 1.
        within = (sums.diagonal() - sizes) / (sizes * (sizes - 1.0))
        own = (new.sum() - len(new)) / (len(new) * (len(new) - 1.0))
        return table.assign(
            mmd=np.sqrt(np.maximum(own + within - 2 * across, 0)),
            share=nearest_weights(sums / np.outer(sizes, sizes), across),
        )

    def nearest(self, rows):
        """Return the number of the group whose mean is nearest to each row."""
        means = self._members / self._sizes
        of_means = np.einsum("ij,ij->j", means, self._gram @ means)
        return np.argmin(of_means - 2 * self.kernel(unit_rows(rows), self._unit) @ means, axis=1)

    def novelty(self, rows):
        """Return, for each row, how much denser the rows are there than any known mixture."""
        total = np.zeros(len(rows))
        for fold in self.folds:
            white = fold.whitening(np.asarray(rows, dtype=np.float64))
            total += Witness(fold.kernel, white, fold.known, fold.group)(white, own=True)
        return total / 2
