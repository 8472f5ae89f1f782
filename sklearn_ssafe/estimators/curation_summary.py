"""What the pool held, and what was taken from it."""

import numpy as np
import pandas as pd


def summarise(generators, sources, candidates, clusters, selected, shares):
    """Tabulate a pool and the choice from it.

    Parameters
    ----------
    generators, sources : list of PoolGroup
        All of the pool.
    candidates : list of PoolGroup
        Those of `generators` that could be chosen.
    clusters : ndarray of int, shape (n_candidates,)
        The cluster of each.
    selected : ndarray of int, shape (n_selected,)
        Numbers of candidates, in the order of choice.
    shares : pair of ndarray of int, shapes (n_selected,) and (n_sources,)
        Pictures taken of each.

    Returns
    -------
    summary : pandas.DataFrame
        As `GeneratorCurator.summary_` is described.
    """
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
