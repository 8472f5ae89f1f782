"""Coverage against risk: how many verdicts are wrong if the doubtful ones are not given."""

import numpy as np
import pandas as pd

from ..labels import is_generated, names_of
from ..plotting import STYLES, Display
from ..public import public
from .scores import log_odds, scores_and_threshold

_MOST_STEPS = 100


def coverage_table(generated, name, score, threshold, verdict=None):
    """Compute what `CoverageRiskDisplay.frame` returns, from arrays of one item a score."""
    called = score >= threshold
    margin = _margin(score, threshold)
    rows = []
    for least in _steps(margin):
        given = np.where(margin >= least, np.where(called, "generated", "real"), "unsure")
        rows += _judged(generated, name, given, margin=least, own=False)
    if verdict is not None:
        rows += _judged(generated, name, np.asarray(verdict), margin=np.nan, own=True)
    table = pd.DataFrame(rows)
    return table.sort_values(["own", "class", "margin"], kind="stable", ignore_index=True)


def _margin(score, threshold):
    """How far each score is from the threshold; of probabilities in log-odds."""
    if ((score >= 0) & (score <= 1)).all():
        score, threshold = log_odds(score), log_odds(threshold)
    return np.abs(score - threshold)


def _steps(margin):
    steps = np.unique(np.append(margin, 0))
    places = np.linspace(0, len(steps) - 1, min(len(steps), _MOST_STEPS)).round().astype(int)
    return steps[np.unique(places)]


def _judged(generated, name, given, **known):
    """Judge the verdicts on each class."""
    rows = []
    for side, word, other in ((False, "real", "generated"), (True, "generated", "real")):
        mine = generated == side
        table = pd.DataFrame(
            {"name": name[mine], "wrong": given[mine] == other, "sure": given[mine] != "unsure"}
        )
        by_name = table.groupby("name")[["wrong", "sure"]].mean()
        worst = by_name["wrong"].idxmax()
        n_wrong, n_sure = table["wrong"].sum(), table["sure"].sum()
        rows.append(
            {
                "class": word,
                **known,
                "coverage": n_sure / len(table),
                "risk": n_wrong / len(table),
                "selective_risk": n_wrong / n_sure if n_sure else np.nan,
                "worst": worst or "(unnamed)",
                "worst_risk": by_name.loc[worst, "wrong"],
                "lowest_coverage": by_name["sure"].min(),
            }
        )
    return rows


@public("sklearn_ssafe.metrics")
class CoverageRiskDisplay(Display):
    """Show how many verdicts are wrong if the doubtful ones are not given.

    Make it with `from_result`, `from_predictions` or `from_estimator`.

    A picture is doubtful if its score is near the threshold. The less near it may be, the fewer
    pictures have a verdict (coverage), and the fewer of all have a wrong one (risk).

    Parameters
    ----------
    table : pandas.DataFrame
        As `frame` returns it.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        With the plot, after `plot`.
    figure_ : matplotlib.figure.Figure
        That it is in, after `plot`.

    See Also
    --------
    verdict_rule : Chooses where verdicts end, so that risks are kept to.

    Notes
    -----
    The risk is a share of **all** pictures of the class: the generalized risk of [1]_. That is what
    `verdict_rule` promises, and it stays meaningful where few verdicts are left. The share among
    those with a verdict is in the frame as ``selective_risk``.

    References
    ----------
    .. [1] J. Traub et al., "Overcoming common flaws in the evaluation of selective classification
       systems", NeurIPS 2024.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn_ssafe.metrics import CoverageRiskDisplay
    >>> display = CoverageRiskDisplay.from_predictions(
    ...     [0, 0, 0, 1, 1, 1], [0.1, 0.3, 0.6, 0.4, 0.8, 0.9],
    ...     verdict=["real", "real", "unsure", "unsure", "generated", "generated"],
    ... )
    >>> display.frame()[["class", "coverage", "risk", "own"]].tail(2).round(2)
            class  coverage  risk   own
    12  generated      0.67   0.0  True
    13       real      0.67   0.0  True
    """

    def __init__(self, table):
        self.table = table

    @classmethod
    def from_result(cls, result, *, verdict=None, ax=None):
        """Show the scores that a report was made of.

        Parameters
        ----------
        result : DetectionReport
            From `detection_report` or `cross_val_report`.
        verdict : array-like of str, shape (n_scores,), or None, default=None
            Verdicts on the pictures, as for `from_predictions`.
        {ax}

        Returns
        -------
        display : CoverageRiskDisplay
            The display, plotted.
        """
        columns = (result.scores[name].to_numpy() for name in ("generated", "name", "score"))
        threshold = result.scores["threshold"].to_numpy()
        return cls(coverage_table(*columns, threshold, verdict)).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_score,
        *,
        verdict=None,
        generator=None,
        source=None,
        threshold=0.5,
        pos_label=None,
        ax=None,
    ):
        """Show scores that you have.

        Parameters
        ----------
        {y_true}
        {y_score}
        verdict : array-like of str, shape (n_samples,), or None, default=None
            "real", "generated" or "unsure", as `SSAFEClassifier.predict_verdict` says. They are
            drawn as single points.
        {generator}
        {source}
        threshold : float, default=0.5
            From which score a picture is called generated.
        {pos_label}
        {ax}

        Returns
        -------
        display : CoverageRiskDisplay
            The display, plotted.
        """
        generated = is_generated(y_true, pos_label)
        name = names_of(generated, generator, source)
        score = np.asarray(y_score, dtype=float)
        return cls(coverage_table(generated, name, score, threshold, verdict)).plot(ax)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, pos_label=None, ax=None, **options):
        """Score pictures with a fitted detector, and show the scores.

        Parameters
        ----------
        estimator : estimator
            A classifier or outlier detector, fitted on other pictures than `X`. Its own threshold
            is taken unless `threshold` is given, and its verdicts are shown if it has three.
        X : array-like of shape (n_samples, ...)
            What it takes.
        {y}
        {pos_label}
        {ax}
        **options : dict
            Further arguments of `from_predictions`, such as `generator` and `source`.

        Returns
        -------
        display : CoverageRiskDisplay
            The display, plotted.
        """
        y = np.asarray(y)
        score, options["threshold"] = scores_and_threshold(
            estimator, X, y, pos_label=pos_label, **options
        )
        if getattr(estimator, "abstain", None) is not None:
            options.setdefault("verdict", estimator.predict_verdict(X))
        return cls.from_predictions(y, score, pos_label=pos_label, ax=ax, **options)

    def frame(self):
        """Return what is shown.

        Returns
        -------
        table : pandas.DataFrame
            Two rows, one a class, for each ``margin``, the least distance from the threshold that a
            score needs for a verdict (in log-odds where scores are probabilities):

            - ``coverage``, the share of the class's pictures with a verdict;
            - ``risk``, the share of them with a wrong one, and ``selective_risk``, the share of the
              verdicts that are wrong;
            - ``worst``, the source or generator with the highest risk, and its ``worst_risk``;
            - ``lowest_coverage`` of a source or generator.

            In the last two rows, if ``own`` is True, they are of verdicts that were given.
        """
        return self.table.copy()

    def plot(self, ax=None):
        """Draw a line for each class, and a dashed one for its worst source or generator.

        Large marks are the verdicts that were given.

        Parameters
        ----------
        {ax}

        Returns
        -------
        self : CoverageRiskDisplay
            The display itself.

        Raises
        ------
        ImportError
            matplotlib is missing.
        """
        self._axes(ax, (6.4, 4.4))
        worst_of = {"real": "worst source", "generated": "worst generator"}
        for word in ("real", "generated"):
            style = STYLES[word]
            part = self.table[self.table["class"] == word]
            curve, own = part[~part["own"]], part[part["own"]]
            for column, line in (("risk", "-"), ("worst_risk", "--")):
                label = f"{word}, {worst_of[word]}" if column == "worst_risk" else f"{word}, all"
                looks = {"color": style["color"], "linestyle": line, "label": label}
                self.ax_.plot(curve["coverage"], curve[column], **looks)
                self.ax_.plot(
                    own["coverage"],
                    own[column],
                    color=style["color"],
                    marker=style["marker"],
                    markerfacecolor="white" if column == "worst_risk" else style["color"],
                    linestyle="",
                    markersize=8,
                )
        self.ax_.set_xlim(-0.02, 1.02)
        self.ax_.set_ylim(bottom=0)
        self.ax_.set_xlabel("coverage: share of the pictures with a verdict")
        self.ax_.set_ylabel("risk: share of the pictures with a wrong one")
        self.ax_.grid(color="0.9", linewidth=0.8)
        self.ax_.set_axisbelow(True)
        self.ax_.legend(frameon=False, fontsize="small")
        return self
