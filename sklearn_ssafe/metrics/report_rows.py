"""The rows of a detection report: each generator and real source judged, with intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ..labels import resampling_units
from .figures import RocCounts, calibration_error
from .intervals import bound_at_extreme, percentile_interval, resampled

RATES = ("tpr", "fpr", "balanced_accuracy")
RANKING = {
    "auc": RocCounts.auc,
    "average_precision": RocCounts.average_precision,
    "eer": RocCounts.equal_error_rate,
    "tpr_at_1pct_fpr": lambda counts: counts.tpr_at_fpr(0.01),
    "tpr_at_5pct_fpr": lambda counts: counts.tpr_at_fpr(0.05),
}
METRICS = (*RATES, *RANKING, "brier", "ece")

FEW_PICTURES = 30
FEW_UNITS = 5
"""Below either, a row is marked as small: one odd picture, or one odd unit, decides its figures."""


@dataclass
class ScoredPictures:
    """What is judged, one item a score.

    `called` is whether the score reaches the threshold; `name` the generator or real source, ""
    where unknown; `groups` what belongs together beyond that; `picture` which picture it is, as one
    that was tested in several folds has several scores; `fold` which classifier it comes from.
    """

    generated: np.ndarray
    called: np.ndarray
    score: np.ndarray
    name: np.ndarray
    groups: np.ndarray | None
    picture: np.ndarray
    fold: np.ndarray
    is_probability: bool

    def take(self, chosen):
        """Return the chosen scores."""
        parts = {
            name: value[chosen] if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
        return ScoredPictures(**parts)


def report_rows(pictures, *, n_resamples, confidence_level, random_state):
    """Judge every generator, every real source, and all together; see `detection_report`."""
    rng = check_random_state(random_state)
    how = {"n_resamples": n_resamples, "confidence_level": confidence_level}
    generated, name, fold = pictures.generated, pictures.name, pictures.fold
    wanted = []
    for side in (True, False):
        for value in sorted(set(name[generated == side])):
            mine = (generated == side) & (name == value)
            others = (generated != side) & np.isin(fold, fold[mine])
            wanted.append((side, value, mine, others))
    sides = [side for _, _, *both in wanted for side in both] + [generated, ~generated]
    units = resampling_units(name, pictures.groups, pictures.picture, sides)
    rows = {True: [], False: []}
    for number, (side, value, mine, others) in enumerate(wanted):
        part, of_part = pictures.take(mine | others), units[2 * number : 2 * number + 2]
        rows[side].append(
            {
                "class": "generated" if side else "real",
                "name": value or "(unnamed)",
                **_judge(part, side, METRICS, units=of_part, rng=rng, **how),
            }
        )
    rows = [
        *sorted(rows[True], key=lambda row: row["auc"]),
        *sorted(rows[False], key=lambda row: -row["fpr"]),
    ]
    rows.append({"class": "average", "name": "macro", **_macro(pd.DataFrame(rows), rng=rng, **how)})
    # Drawn anew, so that the same pictures have the same interval wherever they are judged.
    anew = check_random_state(random_state)
    pooled = _judge(pictures, True, METRICS, units=units[-2:], rng=anew, **how)
    rows.append({"class": "average", "name": "pooled", **pooled})
    return pd.DataFrame(rows)


def judge_all(pictures, metrics, *, n_resamples, confidence_level, random_state):
    """Compute figures and intervals of all pictures together, as of the row "pooled".

    Where a class is missing, what needs it is NaN.
    """
    sides = [pictures.generated, ~pictures.generated]
    return _judge(
        pictures,
        True,
        metrics,
        units=resampling_units(pictures.name, pictures.groups, pictures.picture, sides),
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        rng=check_random_state(random_state),
    )


def _judge(pictures, is_generated, metrics, *, units, n_resamples, confidence_level, rng):
    """Judge one row; `is_generated` says which class it is about, `units` are of both sides."""
    mine = pictures.generated == is_generated
    point = _figures(pictures, mine, np.ones((1, len(mine))), metrics)
    figures = {name: float(values[0]) for name, values in point.items()}
    if "ece" in metrics:
        known = pictures.is_probability
        figures["ece"] = calibration_error(pictures.generated, pictures.score) if known else np.nan

    words, units = [word for _, word in units], [of_side for of_side, _ in units]
    n_units = [int(of_side.max(initial=-1)) + 1 for of_side in units]
    draws = [
        _figures(pictures, mine, weights, metrics)
        for weights in resampled((mine, ~mine), units, n_resamples, rng)
    ]
    bounds = dict.fromkeys(point, (np.nan, np.nan))
    if draws:
        for name in point:
            bounds[name] = _bounds(np.concatenate([d[name] for d in draws]), confidence_level)
        n_generated, n_real = n_units if is_generated else n_units[::-1]
        _bound_extremes(figures, bounds, n_generated, n_real, confidence_level)
    n_mine = len(np.unique(pictures.picture[mine]))
    return {
        "pictures": n_mine,
        "compared_with": len(np.unique(pictures.picture[~mine])),
        "names_compared": len(set(pictures.name[~mine])),
        **_in_order(figures, bounds, metrics),
        "resampled": _what_was_resampled(words, is_generated),
        "units": n_units[0],
        "units_compared": n_units[1],
        "small": n_mine < FEW_PICTURES or min(n_units) < FEW_UNITS,
    }


def _figures(pictures, mine, weights, metrics):
    """Compute each metric but the ECE, for each row of weights."""
    generated = pictures.generated
    with np.errstate(invalid="ignore"):
        tpr = (weights * (generated & pictures.called)).sum(axis=1) / weights[:, generated].sum(1)
        fpr = (weights * (~generated & pictures.called)).sum(axis=1) / weights[:, ~generated].sum(1)
    figures = {"tpr": tpr, "fpr": fpr, "balanced_accuracy": (tpr + 1 - fpr) / 2}
    figures.update(_ranking(pictures, mine, weights, [name for name in metrics if name in RANKING]))
    if "brier" in metrics:
        squares = (pictures.score - generated) ** 2 if pictures.is_probability else np.nan
        figures["brier"] = (weights * squares).sum(axis=1) / weights.sum(axis=1)
    return figures


def _ranking(pictures, mine, weights, names):
    """Rank within each fold; average over folds, by their numbers of the row's own pictures."""
    total = {name: np.zeros(len(weights)) for name in names}
    weight = np.zeros(len(weights))
    for fold in np.unique(pictures.fold):
        inside = pictures.fold == fold
        counts = RocCounts(pictures.generated[inside], pictures.score[inside], weights[:, inside])
        # A resample may lack one class in this fold, and then the fold says nothing.
        defined = counts.defined
        share = np.where(defined, weights[:, inside & mine].sum(axis=1), 0)
        weight += share
        for name in names:
            total[name] += share * np.where(defined, RANKING[name](counts), 0)
    with np.errstate(invalid="ignore"):
        return {name: values / weight for name, values in total.items()}


def _what_was_resampled(words, is_generated):
    generated, real = words if is_generated else words[::-1]
    generated = generated.replace("names", "generators")
    real = real.replace("names", "sources")
    return f"{generated}; real {real}" if generated != real else generated


def _bounds(draws, confidence_level):
    low, high = percentile_interval(draws, confidence_level)
    # Where nothing varied, for instance at a perfect AUC, an interval of no width would mislead.
    return (low, high) if high - low > 1e-9 else (np.nan, np.nan)


def _bound_extremes(figures, bounds, n_generated, n_real, confidence_level):
    """Put exact bounds where a rate is 0 or 1, and carry them over to the balanced accuracy."""
    extreme = False
    for name, n_units in (("tpr", n_generated), ("fpr", n_real)):
        if figures[name] in (0, 1):
            bounds[name] = bound_at_extreme(figures[name], n_units, confidence_level)
            extreme = True
    if extreme:
        (low, high), (fpr_low, fpr_high) = bounds["tpr"], bounds["fpr"]
        bounds["balanced_accuracy"] = (low + 1 - fpr_high) / 2, (high + 1 - fpr_low) / 2


def _macro(rows, *, n_resamples, confidence_level, rng):
    """Average over generators and over real sources, each counted once."""
    generated, real = (rows[rows["class"] == word] for word in ("generated", "real"))
    n_units = [len(generated), len(real)]
    figures = {name: float(generated[name].mean()) for name in METRICS}
    figures["fpr"] = float(real["fpr"].mean())
    figures["balanced_accuracy"] = (figures["tpr"] + 1 - figures["fpr"]) / 2
    bounds = {name: (np.nan, np.nan) for name in METRICS if name != "ece"}
    if n_resamples:
        sides = [rng.randint(n, size=(n_resamples, n)) for n in n_units]
        draws = {name: generated[name].to_numpy()[sides[0]].mean(axis=1) for name in bounds}
        draws["fpr"] = real["fpr"].to_numpy()[sides[1]].mean(axis=1)
        draws["balanced_accuracy"] = (draws["tpr"] + 1 - draws["fpr"]) / 2
        bounds = {name: _bounds(values, confidence_level) for name, values in draws.items()}
        _bound_extremes(figures, bounds, *n_units, confidence_level)
    return {
        "pictures": int(generated["pictures"].sum()),
        "compared_with": int(real["pictures"].sum()),
        "names_compared": len(real),
        **_in_order(figures, bounds, METRICS),
        "resampled": "generators; real sources",
        "units": n_units[0],
        "units_compared": n_units[1],
        "small": min(n_units) < FEW_UNITS,
    }


def _in_order(figures, bounds, metrics):
    columns = {}
    for name in metrics:
        columns[name] = figures[name]
        if name != "ece":  # resampling makes it larger, so its interval would not hold it
            columns[f"{name}_low"], columns[f"{name}_high"] = bounds[name]
    return columns
