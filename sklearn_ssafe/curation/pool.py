"""The pool of pictures by generator and source, how many each gives, and which ones."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ..labels import known_labels
from .clusters import farthest_points, share_out
from .mmd import generator_distances


@dataclass(eq=False)
class PoolGroup:
    """Rows of one combination of domain and generator, or of one real source; "" is not known."""

    domain: str
    name: str
    rows: np.ndarray  # in `content_order`; of a pool that is streamed only the first
    size: int | None = None  # where that is more than these rows
    number: int | None = None  # of a pool that is streamed

    @property
    def label(self):
        """The name to show: with the domain, where there is one."""
        name = self.name or "(unnamed)"
        return f"{self.domain} / {name}" if self.domain else name

    def __len__(self):
        return len(self.rows) if self.size is None else self.size


class HeldPool:
    """A pool whose rows are at hand, in memory or a memory map; groups as of `group_pool`.

    `row_numbers` are what its rows are called outside, where that differs.
    """

    def __init__(self, embeddings, generators, sources, row_numbers=None):
        self._embeddings, self._row_numbers = embeddings, row_numbers
        self.generators, self.sources = generators, sources

    def distances(self, candidates, **how):
        """Return distances between generators, the bandwidth and the method that were used."""
        return generator_distances(self._embeddings, [group.rows for group in candidates], **how)

    def representatives(self, groups, shares, *, selection, seed):
        """Choose rows of each group."""
        return [
            choose_representatives(
                self._embeddings, group.rows, share, selection=selection, seed=seed
            )
            for group, share in zip(groups, shares, strict=True)
        ]

    def row_numbers(self, chosen):
        """Return what rows are called outside."""
        return chosen if self._row_numbers is None else self._row_numbers[chosen]


def group_pool(is_generated, order, *, generator, domain=None, source=None):
    """Sort the rows of a pool into generators and real sources, each in alphabetical order."""
    n = len(is_generated)
    generator = known_labels(n, generator)
    domain = known_labels(n, domain)
    source = domain if source is None else known_labels(n, source)
    generators, sources = {}, {}
    for row in order.tolist():
        if is_generated[row]:
            generators.setdefault((domain[row], generator[row]), []).append(row)
        else:
            sources.setdefault(("", source[row]), []).append(row)
    return [
        [PoolGroup(*key, np.array(rows)) for key, rows in sorted(groups.items())]
        for groups in (generators, sources)
    ]


def half_and_half(n_samples, generators, sources, *, quotas="equal"):
    """Return shares of generators and of sources, and notes on what differs from what was asked."""
    wanted = {"generated": n_samples // 2, "real": n_samples - n_samples // 2}
    there_are = {"generated": sum(map(len, generators)), "real": sum(map(len, sources))}
    notes = []
    if any(there_are[kind] < wanted[kind] for kind in wanted):
        half = min(*there_are.values(), n_samples // 2)
        notes.append(
            f"n_samples={n_samples} asks for {wanted['real']} real and {wanted['generated']} "
            f"generated pictures; there are {there_are['real']} real ones, and the chosen "
            f"generators have {there_are['generated']}. {half} of each are taken."
        )
        wanted = dict.fromkeys(wanted, half)
    sizes = [len(group) for group in generators]
    weights = sizes if quotas == "proportional" else None
    from_generators = share_out(wanted["generated"], sizes, weights)
    from_sources = share_out(wanted["real"], [len(group) for group in sources])
    for kind, groups, shares in (
        ("generators", generators, from_generators if weights is None else []),
        ("real sources", sources, from_sources),
    ):
        # All they have, and less than others give: these could not fill an equal share.
        short = [
            f"{group.label} ({len(group)})"
            for group, share in zip(groups, shares, strict=False)
            if share == len(group) and share < max(shares)
        ]
        if short:
            notes.append(
                f"These {kind} have fewer pictures than an equal share, and the others make up for "
                f"it: {', '.join(short)}."
            )
    return from_generators, from_sources, notes


def choose_representatives(X, rows, n_chosen, *, selection="random", seed=0):
    """Choose some rows of one group, which stand in `content_order`."""
    if selection == "random" or n_chosen in (0, len(rows)):
        return rows[:n_chosen]
    choose = {"k_means": _prototypes, "k_centre": _centres}[selection]
    return rows[choose(X[rows], n_chosen, seed)]


def _prototypes(block, n_chosen, seed):
    k_means = KMeans(n_chosen, n_init=1, random_state=seed)
    # One thread: several add up in whichever order they finish, and so end up elsewhere.
    with threadpool_limits(1, user_api="openmp"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        to_centres = k_means.fit_transform(block)
    own = to_centres[np.arange(len(block)), k_means.labels_]
    by_distance = np.argsort(own, kind="stable")
    _, first = np.unique(k_means.labels_[by_distance], return_index=True)
    chosen = by_distance[first]
    others = np.setdiff1d(np.arange(len(block)), chosen)
    return np.concatenate([chosen, others[: n_chosen - len(chosen)]])


def _centres(block, n_chosen, seed):
    norms = np.einsum("ij,ij->i", block, block)
    mean = block.mean(axis=0, dtype=np.float64).astype(block.dtype)
    first = int(np.argmin(norms - 2 * (block @ mean)))
    return farthest_points(
        lambda row: norms + norms[row] - 2 * (block @ block[row]), first, n_chosen
    )


def summarise(generators, sources, candidates, clusters, selected, shares):
    """`GeneratorCurator.summary_`: a pool and the choice from it."""
    frame = pd.DataFrame(
        [("generated", group.domain, group.name, len(group)) for group in generators]
        + [("real", group.domain, group.name, len(group)) for group in sources],
        columns=["class", "domain", "name", "pictures"],
    )
    rows = np.array([row for row, group in enumerate(generators) if group in candidates])
    for column, where, values in (
        ("cluster", rows, clusters),
        ("order", rows[selected], np.arange(1, len(selected) + 1)),
    ):
        frame[column] = pd.Series(pd.NA, index=frame.index, dtype="Int64")
        frame.loc[where, column] = values
    frame["taken"] = 0
    frame.loc[rows[selected], "taken"] = shares[0]
    frame.loc[len(generators) :, "taken"] = shares[1]
    return frame
