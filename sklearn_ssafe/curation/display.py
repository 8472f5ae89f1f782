"""`CurationDisplay`: how far generators are from each other, and which were chosen."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import dendrogram, leaves_list
from sklearn.utils.validation import check_is_fitted

from ..plotting import Display
from ..public import public


@public("sklearn_ssafe.curation")
class CurationDisplay(Display):
    """Distances between generators as a heatmap, ordered by the tree, with those chosen marked.

    Make it with `from_estimator`.

    Parameters
    ----------
    distances : ndarray of shape (n_generators, n_generators)
        Symmetric, zero on the diagonal.
    linkage : ndarray of shape (n_generators - 1, 4)
        The tree, as SciPy has it.
    generators : sequence of str, length n_generators
        Their names.
    clusters : sequence of int, length n_generators
        The cluster of each.
    selected : sequence of str
        Names of those chosen, in the order of choice.

    Attributes
    ----------
    ax_ : matplotlib Axes
        With the heatmap; after `plot`.
    figure_ : matplotlib Figure
        That it is in; after `plot`.

    Examples
    --------
    >>> import matplotlib
    >>> import numpy as np
    >>> matplotlib.use("agg")
    >>> from sklearn_ssafe.curation import CurationDisplay
    >>> from sklearn_ssafe import GeneratorCurator
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(90, 8)), np.repeat([0, 1], [30, 60])
    >>> X[70:] += 2
    >>> generator = np.repeat(["", "gan", "gan v2", "diffusion"], [30, 20, 20, 20])
    >>> curator = GeneratorCurator(n_generators=2, n_samples=20, random_state=0)
    >>> display = CurationDisplay.from_estimator(curator.fit(X, y, generator=generator))
    >>> sorted(display.frame()["generator"])
    ['diffusion', 'gan', 'gan v2']
    """

    def __init__(self, distances, linkage, generators, clusters, selected):
        self.distances = np.asarray(distances)
        self.linkage = np.asarray(linkage)
        self.generators = list(generators)
        self.clusters = list(clusters)
        self.selected = list(selected)

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, cmap="viridis"):
        """Show a fitted curator.

        Parameters
        ----------
        estimator : GeneratorCurator
            Fitted, by ``fit`` or ``fit_resample``.
        {ax}
        cmap : str, default="viridis"
            As for `plot`.

        Returns
        -------
        display : CurationDisplay
            The display, plotted.
        """
        check_is_fitted(estimator, "distances_")
        names = ("distances_", "linkage_", "generators_", "clusters_", "selected_generators_")
        return cls(*(getattr(estimator, name) for name in names)).plot(ax, cmap=cmap)

    from_result = from_estimator

    def frame(self):
        """Tabulate what the heatmap shows.

        Returns
        -------
        table : pandas.DataFrame
            A row for each generator, in the order of the heatmap: columns ``generator``,
            ``cluster``, ``order`` (of choice, from 1; missing for those not chosen), ``nearest``
            (the chosen generator that stands for it), ``to_nearest`` (the distance to that), and a
            column of distances for each generator, named ``to NAME``.
        """
        names = [self.generators[number] for number in self._order()]
        distances = self.distances[np.ix_(self._order(), self._order())]
        positions = [names.index(name) for name in self.selected]
        to_selected = distances[:, positions]
        nearest = to_selected.argmin(axis=1)
        order = pd.Series(pd.NA, index=range(len(names)), dtype="Int64")
        order[positions] = np.arange(1, len(positions) + 1)
        return pd.DataFrame(
            {
                "generator": names,
                "cluster": [self.clusters[number] for number in self._order()],
                "order": order,
                "nearest": [self.selected[column] for column in nearest],
                "to_nearest": to_selected.min(axis=1),
                **{f"to {name}": distances[:, column] for column, name in enumerate(names)},
            }
        )

    def plot(self, ax=None, *, cmap="viridis"):
        """Draw the heatmap, with the tree above it.

        Chosen generators have a bold name, and their number in the order of choice on the diagonal.

        Parameters
        ----------
        {ax}
        cmap : str, default="viridis"
            A colour map of matplotlib; one that grows steadily lighter stays readable in print.

        Returns
        -------
        display : CurationDisplay
            The display itself, with ``ax_`` and ``figure_``.
        """
        n_generators = len(self.generators)
        side = 3.5 + 0.3 * n_generators
        ax = self._axes(ax, (side + 1, side))
        table = self.frame()
        distances = table[[f"to {name}" for name in table["generator"]]].to_numpy()
        image = ax.imshow(distances, cmap=cmap, vmin=0)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_ticks(range(n_generators), table["generator"])
        ax.tick_params(length=0)
        ax.tick_params(axis="x", rotation=90)
        for position in np.flatnonzero(table["order"].notna()):
            number = str(table["order"][position])
            ax.text(
                position, position, number, color="white", weight="bold", ha="center", va="center"
            )
            for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
                labels[position].set_weight("bold")
        if len(self.linkage):
            tree = ax.inset_axes((0, 1.02, 1, 0.2))
            dendrogram(
                self.linkage,
                ax=tree,
                no_labels=True,
                color_threshold=0,
                above_threshold_color="0.2",
            )
            tree.axis("off")
        ax.figure.colorbar(image, ax=ax, shrink=0.7, label="distance (root of MMD²)")
        return self

    def _order(self):
        return leaves_list(self.linkage) if len(self.linkage) else np.arange(len(self.generators))
