"""DetectionReport: the judged detector, as a table, text, Markdown, HTML or JSON."""

import json
from dataclasses import dataclass

import pandas as pd

from .report_text import as_html, as_markdown, as_text


@dataclass(repr=False)
class DetectionReport:
    """How well a detector does, by generator and by real source. Made by `detection_report`.

    Attributes
    ----------
    rows : pandas.DataFrame
        What `frame` returns.
    scores : pandas.DataFrame
        What was judged, a row for each score: ``picture`` (position in the data), ``generated``,
        ``name`` (generator or source), ``score``, ``threshold`` and ``fold``.
    settings : dict
        How it was made: counts, folds, thresholds and where they came from, the bootstrap.

    See Also
    --------
    sklearn_ssafe.detection_report : Makes it from scores.
    sklearn_ssafe.cross_val_report : Makes it by cross-validation.
    """

    rows: pd.DataFrame
    scores: pd.DataFrame
    settings: dict

    def frame(self):
        """Return the figures as a table.

        Returns
        -------
        table : pandas.DataFrame
            Generators, the worst AUC first; real sources, the highest false-positive rate first;
            then the averages, ``macro`` (each generator and each source counts once) and
            ``pooled`` (each picture counts once). The columns:

            - ``class`` ("generated", "real" or "average") and ``name``;
            - ``pictures``; ``compared_with``, pictures of the other class in the same folds, and
              ``names_compared``, how many sources (or generators) these come from;
            - ``tpr``, ``fpr`` and ``balanced_accuracy`` at the threshold;
            - ``auc``, ``average_precision``, ``eer``, ``tpr_at_1pct_fpr`` and ``tpr_at_5pct_fpr``,
              which need no threshold;
            - ``brier`` and ``ece``, NaN for scores that are no probabilities;
            - after each but ``ece``, the ends of its interval, ``..._low`` and ``..._high``;
            - ``resampled``, ``units`` and ``units_compared``: what the bootstrap drew, and how
              many there are of it in the row's own class and in the other;
            - ``small``: too few to rely on.
        """
        return self.rows.copy()

    @property
    def worst(self):
        """The rows to look at first: a dict with keys "generated" and "real", each a Series."""
        return {
            word: self.rows[self.rows["class"] == word].iloc[0] for word in ("generated", "real")
        }

    def to_markdown(self):
        """Return the report as Markdown.

        Returns
        -------
        text : str
            What was done, the two rows to look at first, and the table.
        """
        return as_markdown(self)

    def to_html(self):
        """Return the report as a piece of HTML, without scripts or style sheets.

        Returns
        -------
        text : str
            The same as `to_markdown` has.
        """
        return as_html(self)

    def to_json(self):
        """Return settings and rows as JSON.

        Returns
        -------
        text : str
            An object with the keys ``settings`` and ``rows``; null where there is no figure.
        """
        rows = self.rows.astype(object).where(self.rows.notna(), None)
        return json.dumps(
            {"settings": self.settings, "rows": rows.to_dict("records")}, indent=2, default=float
        )

    def _repr_html_(self):
        return self.to_html()

    def __repr__(self):
        return as_text(self)
