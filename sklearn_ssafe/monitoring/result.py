"""`MonitorUpdate`: what `NoveltyMonitor.update` found."""

from dataclasses import dataclass

import pandas as pd

from ..public import public
from ..results import Result, Summary, percent, plain

_SHOWN = 5


@public("sklearn_ssafe.monitoring")
@dataclass(repr=False)
class MonitorUpdate(Result):
    """Whether the pictures of late are like the known ones. Made by `NoveltyMonitor.update`.

    Print it for a summary.

    Attributes
    ----------
    look : int
        Which look of its period this was, from 1; 0 where there were too few pictures for one.
    n_new : int
        Pictures that were given and could be encoded.
    n_window : int
        Latest pictures that the look was at.
    mmd : float
        Distance of these from the reference; NaN without a look.
    p_change : float
        That they are drawn as the reference was, in its proportions.
    p_unknown : float
        That they are a mixture, in whatever proportions, of the groups of the reference.
    level : float
        At which either p-value counts in this look.
    unsure, unsure_reference : float
        Share of the pictures that the detector is unsure of, in the window and in the reference.
    groups : pandas.DataFrame
        A row for each generator and real source of the reference: ``class``, ``name``,
        ``pictures`` in the reference, ``mmd`` from the pictures of late, and ``share`` in the
        mixture that comes nearest to them, which is an estimate.
    failures : pandas.DataFrame
        Pictures that could not be encoded: ``row``, ``path`` and ``reason``.
    """

    look: int
    n_new: int
    n_window: int
    mmd: float
    p_change: float
    p_unknown: float
    level: float
    unsure: float
    unsure_reference: float
    groups: pd.DataFrame
    failures: pd.DataFrame

    @property
    def changed(self):
        """Whether the pictures are no longer drawn as the reference was."""
        return bool(self.p_change <= self.level)

    @property
    def unknown(self):
        """Whether there is something that no mixture of known groups explains."""
        return bool(self.p_unknown <= self.level)

    @property
    def nearest(self):
        """Name of the generator or source that the pictures of late are nearest to."""
        if self.groups["mmd"].isna().all():
            return ""
        return self.groups.loc[self.groups["mmd"].idxmin(), "name"]

    def frame(self):
        """Return how far the pictures of late are from each known group.

        Returns
        -------
        table : pandas.DataFrame
            As ``groups``, the nearest first.
        """
        return self.groups.sort_values("mmd", kind="stable", ignore_index=True)

    def to_dict(self):
        """Return the result in plain types.

        Returns
        -------
        facts : dict
            The attributes, with ``changed``, ``unknown`` and ``nearest``; None for what is missing.
        """
        names = [name for name in self.__dataclass_fields__ if name not in ("groups", "failures")]
        facts = {name: getattr(self, name) for name in [*names, "changed", "unknown", "nearest"]}
        return plain({**facts, "groups": self.frame(), "failures": self.failures})

    def to_html(self):
        """Return the summary as a piece of HTML.

        Returns
        -------
        text : str
            A ``div`` with paragraphs and a table.
        """
        return self._summary().html("ssafe-monitor")

    def __repr__(self):
        return self._summary().text()

    def _summary(self):
        failed = f" {len(self.failures)} could not be read." if len(self.failures) else ""
        if self.n_new == 0 and not failed:
            return Summary([f"No new pictures, {self.n_window} kept: no look."], [], [], [])
        if self.look == 0:
            waits = f"{self.n_new} new pictures, {self.n_window} waiting: too few for a look."
            return Summary([waits + failed], [], [], [])
        facts = [
            f"{self._verdict()}",
            f"Look {self.look}: {self.n_new} new pictures, the latest {self.n_window} compared."
            + failed,
            f"Drawn as the reference: p = {self.p_change:.2g}. A mixture of what is known: "
            f"p = {self.p_unknown:.2g}. Either counts at {self.level:.2g}.",
            f"Unsure: {percent(self.unsure)} of them, {percent(self.unsure_reference)} of the "
            "reference.",
        ]
        table = self.frame().head(_SHOWN)
        rows = [
            [
                *(row["class"], row["name"], str(row["pictures"])),
                *(f"{row['mmd']:.3f}", percent(row["share"])),
            ]
            for row in table.to_dict("records")
        ]
        return Summary(
            facts, ["class", "nearest known", "pictures", "MMD", "share, estimated"], rows, []
        )

    def _verdict(self):
        if self.unknown:
            return "UNKNOWN: there is something that no mixture of known groups explains."
        if self.changed:
            return (
                "CHANGED: the pictures are no longer drawn as the reference was. Other proportions "
                "of known groups may explain it."
            )
        return "Nothing new was found."
