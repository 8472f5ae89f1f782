"""The rows of a detection report: each generator and real source judged, with intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ..labels import resampling_units
from .figures import RocCounts, calibration_error
from .intervals import bound_at_extreme, interval_of_sides, resampled

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

SMALL_PICTURES = f"* small: fewer than {FEW_PICTURES} pictures, so that one may decide the figures."


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
            wanted.append((side, value, *((mine, others) if side else (others, mine))))
    sides = [side for _, _, *both in wanted for side in both] + [generated, ~generated]
    units = resampling_units(name, pictures.groups, pictures.picture, sides)
    rows = {True: [], False: []}
    for number, (side, value, *both) in enumerate(wanted):
        part, of_part = pictures.take(both[0] | both[1]), units[2 * number : 2 * number + 2]
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
    macro = _macro(pictures, wanted, pd.DataFrame(rows), units=units[-2:], rng=rng, **how)
    rows.append({"class": "average", "name": "macro", **macro})
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


def _judge(pictures, is_generated, metrics, *, units, **how):
    """Judge one row; `is_generated` says which class it is about, `units` are of both classes."""
    mine = pictures.generated == is_generated
    figures, bounds = _with_bounds(
        lambda weights: _figures(pictures, mine, weights, metrics), pictures, units, **how
    )
    if "ece" in metrics:
        known = pictures.is_probability
        figures["ece"] = calibration_error(pictures.generated, pictures.score) if known else np.nan
    n_mine = len(np.unique(pictures.picture[mine]))
    n_units = _numbers_of(units)
    return {
        "pictures": n_mine,
        "compared_with": len(np.unique(pictures.picture[~mine])),
        "names_compared": len(set(pictures.name[~mine])),
        **_in_order(figures, bounds, metrics),
        **_what_was_resampled(units, is_generated),
        "small": n_mine < FEW_PICTURES or min(n_units) < FEW_UNITS,
    }


def _with_bounds(of_weights, pictures, units, *, n_resamples, confidence_level, rng):
    """Compute each figure from equal weights, and its interval from drawing units of each class."""
    sides = pictures.generated, ~pictures.generated
    point = of_weights(np.ones((1, len(pictures.score))))
    figures = {name: float(values[0]) for name, values in point.items()}
    bounds = dict.fromkeys(figures, (np.nan, np.nan))
    if not n_resamples:
        return figures, bounds
    n_units, draws = _numbers_of(units), []
    for side, (of_side, _), n in zip(sides, units, n_units, strict=True):
        if n > 1:  # of a single one every draw is the same
            some = resampled(side, of_side, len(side), n_resamples, rng)
            parts = [of_weights(weights) for weights in some]
            draws.append((n, {name: np.concatenate([p[name] for p in parts]) for name in figures}))
    n_pictures = min(len(np.unique(pictures.picture[side])) for side in sides if side.any())
    for name, value in figures.items():
        of_sides = [(n, found[name]) for n, found in draws]
        bounds[name] = interval_of_sides(value, of_sides, n_pictures, confidence_level)
    _bound_extremes(figures, bounds, *n_units, confidence_level)
    return figures, bounds


def _numbers_of(units):
    return [int(of_side.max(initial=-1)) + 1 for of_side, _ in units]


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


def _what_was_resampled(units, is_generated):
    (_, generated), (_, real) = units
    generated = generated.replace("names", "generators")
    real = real.replace("names", "sources")
    n_units = _numbers_of(units)
    own, other = n_units if is_generated else n_units[::-1]
    return {
        "resampled": f"{generated}; real {real}" if generated != real else generated,
        "units": own,
        "units_compared": other,
    }


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


def _macro(pictures, wanted, rows, *, units, **how):
    """Average over generators and over real sources, each counted once."""
    generated, real = (rows[rows["class"] == word] for word in ("generated", "real"))
    figures, bounds = _with_bounds(_macro_figures(pictures, wanted), pictures, units, **how)
    figures["ece"] = float(generated["ece"].mean())
    return {
        "pictures": int(generated["pictures"].sum()),
        "compared_with": int(real["pictures"].sum()),
        "names_compared": len(real),
        **_in_order(figures, bounds, METRICS),
        **_what_was_resampled(units, True),
        "small": min(len(generated), len(real), *_numbers_of(units)) < FEW_UNITS,
    }


def _macro_figures(pictures, wanted):
    """Return what computes the averages for each row of weights."""
    parts = []
    for is_generated, _, of_generated, of_real in wanted:
        chosen = np.flatnonzero(of_generated | of_real if is_generated else of_real)
        part = pictures.take(chosen)
        metrics = ["tpr", *RANKING, "brier"] if is_generated else ["fpr"]
        parts.append((chosen, part, part.generated == is_generated, metrics))

    def of_weights(weights):
        sums, counts = {}, {}
        for chosen, part, mine, metrics in parts:
            inside = weights[:, chosen]
            times = inside[:, mine].mean(axis=1)
            # A generator drawn twice counts twice in the average, and is compared as it is.
            inside[:, mine] /= np.where(times > 0, times, 1)[:, None]
            if (inside == inside[0]).all():
                inside = inside[:1]
            found = _figures(part, mine, inside, metrics)
            for name in metrics:
                known = np.where(np.isfinite(found[name]), times, 0)
                sums[name] = sums.get(name, 0) + known * np.nan_to_num(found[name])
                counts[name] = counts.get(name, 0) + known
        with np.errstate(invalid="ignore"):
            figures = {name: sums[name] / counts[name] for name in sums}
        figures["balanced_accuracy"] = (figures["tpr"] + 1 - figures["fpr"]) / 2
        return figures

    return of_weights


def _in_order(figures, bounds, metrics):
    columns = {}
    for name in metrics:
        columns[name] = figures[name]
        if name != "ece":  # resampling makes it larger, so its interval would not hold it
            columns[f"{name}_low"], columns[f"{name}_high"] = bounds[name]
    return columns
