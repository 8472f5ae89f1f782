"""What an evaluation comes to, in plain words."""

from ..metrics.report import warn_of_swapped_labels
from ..results import percent, with_intervals
from .unsure import unsure_sentence

MISSED_BELOW = 0.5
"""A generator is missed if less than this share of its pictures is called generated."""

_FEW_SOURCES = 5
_FEW_REAL = 100


def evaluation_verdict(facts):
    """Say what the figures mean for whoever would use the detector; `facts` lack the verdict.

    Return ``false_positives``, ``detected`` and ``missed``, each a dict of ``figure``, ``interval``
    and ``text``; ``points``, sentences; and ``cautions``, why the figures may be too good.
    """
    rows = facts["rows"]
    texts = with_intervals(rows, ["tpr", "fpr"])
    rows = [{**row, "text": text} for row, text in zip(rows, texts, strict=True)]
    pooled = next(row for row in rows if row["name"] == "pooled" and row["class"] == "average")
    generators = [row for row in rows if row["class"] == "generated"]
    sources = [row for row in rows if row["class"] == "real"]
    missed = sorted((row for row in generators if row["missed"]), key=lambda row: row["tpr"])
    data = facts["data"]
    tiles = (("false_positives", "fpr", "real"), ("detected", "tpr", "generated"))
    return {
        **{
            key: {
                "figure": pooled["text"][rate][0],
                "interval": pooled["text"][rate][1],
                "text": f"of {data[word]:,} {word} pictures called generated",
            }
            for key, rate, word in tiles
        },
        "missed": {
            "figure": f"{len(missed)} of {len(generators)}",
            "interval": "",
            "text": "generators have less than half of their pictures detected",
        },
        "points": list(_points(facts, pooled, generators, sources, missed)),
        "cautions": list(_cautions(facts, sources)),
    }


def _points(facts, pooled, generators, sources, missed):
    yield _false_positives(pooled, facts["evaluation"]["confidence_level"])
    yield f"Of the generated pictures, {pooled['text']['tpr'][0]} are detected."
    if len(sources) > 1:
        most = max(sources, key=lambda row: row["fpr"])
        if most["fpr"]:
            yield f"Most false positives: {most['name']}, {_share(most, 'fpr')} pictures."
    if missed:
        words = [f"{row['name']} ({_share(row, 'tpr')})" for row in missed]
        yield f"Less than half detected: {_some(words)}."
    elif len(generators) > 1:
        worst = min(generators, key=lambda row: row["tpr"])
        yield (
            f"Of every generator, at least half is detected. The fewest: {worst['name']}, "
            f"{_share(worst, 'tpr')} pictures."
        )
    target = facts["threshold"]["target_fpr"]
    if target is not None:
        yield _promise(target, pooled)
    if facts["unsure"]["own"] is not None:
        yield unsure_sentence(facts["unsure"]["own"])
    held_out = (facts["detector"]["training"] or {}).get("held_out")
    if held_out:
        fpr, tpr = map(percent, (held_out["fpr"], held_out["tpr"]))
        yield (
            f"On the pictures held out in training: {fpr} false positives, {tpr} of the generated "
            "pictures detected."
        )


def _share(row, rate):
    return f"{row['text'][rate][0]} of {row['pictures']:,}"


def _false_positives(pooled, level):
    ends = pooled["text"]["fpr"][1]
    if pooled["fpr"] == 0:
        text = "No real picture was called generated"
        if not ends:
            return f"{text}."
        return f"{text}, which fits a false-positive rate of up to {percent(pooled['fpr_high'])}."
    text = f"Of real pictures like these, about {_out_of(pooled['fpr'])} would be called generated"
    return f"{text} ({100 * level:g} % interval {ends})." if ends else f"{text}."


def _out_of(share):
    base = next((base for base in (100, 1000, 10_000) if share * base >= 0.95), 100_000)
    return f"{max(1, round(share * base)):,} in {base:,}"


def _promise(target, pooled):
    goal = f"The threshold was chosen for at most {percent(target)} false positives"
    low, high = pooled["fpr_low"], pooled["fpr_high"]
    if low is not None and low > target:
        return f"{goal}. There are more here: these real pictures are unlike those of training."
    if pooled["fpr"] > target:
        return f"{goal}. There are more here, though within what chance could do."
    if high is None or high > target:
        return f"{goal}. That is kept here, on too few pictures to be sure."
    return f"{goal}, and that is kept here."


def _cautions(facts, sources):
    data, audit = facts["data"], facts["audit"]
    seen = [row for row in facts["rows"] if row["seen_in_training"]]
    if swapped := warn_of_swapped_labels(facts["rows"][-1]["auc"]):
        yield swapped
    if facts["detector"]["training"] is None:
        yield (
            "The detector does not know what it was trained on. If pictures, generators or sources "
            "like these were in its training data, the figures are too good."
        )
    elif seen:
        names = _some([row["name"] for row in seen])
        yield f"Also in the training data, so their figures are too good: {names}."
    if audit is not None and audit["leaks"]:
        yield (
            f"The audit found what gives the class away without a look at the picture: "
            f"{_some(audit['leaks'])}. A detector that learned this looks as good here, and "
            "fails elsewhere."
        )
    named = [row for row in sources if row["name"] != "(unnamed)"]
    if not named:
        yield (
            "No source of real pictures is named, so the intervals cannot say how other sources "
            "would fare."
        )
    elif len(named) < _FEW_SOURCES or data["real"] < _FEW_REAL:
        yield (
            f"Only {data['real']:,} real pictures from {len(named)} source(s): the "
            "false-positive rate is rough."
        )
    if facts["failures"]:
        yield (
            f"{len(facts['failures']):,} of {data['pictures']:,} pictures could not be judged and "
            "are in none of the figures."
        )
    if not facts["threshold"]["followed"]:
        yield (
            "The detector's verdicts follow no threshold on its scores. The figures here are "
            "those of its usual threshold."
        )


def _some(words, most=6):
    rest = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + rest
