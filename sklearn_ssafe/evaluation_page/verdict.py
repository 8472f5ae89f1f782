"""What an evaluation comes to, in plain words."""

from ..results import interval, percent

SLIPS_THROUGH = 0.5
"""A generator slips through if less than this share of its pictures is called generated."""

_FEW_SOURCES = 5
_FEW_REAL = 100


def evaluation_verdict(facts):
    """Say what the figures mean for whoever would use the detector.

    Parameters
    ----------
    facts : dict
        From `evaluation_facts`, but for the verdict.

    Returns
    -------
    verdict : dict
        ``accused``, ``found`` and ``slips``: each a dict with ``figure``, ``interval`` and
        ``text``. ``points``: list of sentences. ``cautions``: list of sentences on why the figures
        may be too good.
    """
    rows = facts["rows"]
    pooled = next(row for row in rows if row["name"] == "pooled" and row["class"] == "average")
    generators = [row for row in rows if row["class"] == "generated"]
    sources = [row for row in rows if row["class"] == "real"]
    slips = sorted((row for row in generators if row["slips_through"]), key=lambda row: row["tpr"])
    data = facts["data"]
    return {
        "accused": {
            "figure": percent(pooled["fpr"]),
            "interval": interval(pooled["fpr_low"], pooled["fpr_high"]),
            "text": f"of {data['real']:,} real pictures called generated",
        },
        "found": {
            "figure": percent(pooled["tpr"]),
            "interval": interval(pooled["tpr_low"], pooled["tpr_high"]),
            "text": f"of {data['generated']:,} generated pictures called generated",
        },
        "slips": {
            "figure": f"{len(slips)} of {len(generators)}",
            "interval": "",
            "text": "generators slip through: less than half of their pictures are found",
        },
        "points": list(_points(facts, pooled, generators, sources, slips)),
        "cautions": list(_cautions(facts, sources)),
    }


def _points(facts, pooled, generators, sources, slips):
    yield _accusation(pooled, facts["evaluation"]["confidence_level"])
    yield f"Of the generated pictures, {percent(pooled['tpr'])} are found."
    if len(sources) > 1:
        most = max(sources, key=lambda row: row["fpr"])
        if most["fpr"]:
            share = percent(most["fpr"])
            yield f"Accused most: {most['name']}, {share} of {most['pictures']:,} pictures."
    if slips:
        yield f"Slip through: {_list_of(slips)}."
    elif len(generators) > 1:
        worst = min(generators, key=lambda row: row["tpr"])
        yield (
            f"No generator slips through. Found least: {worst['name']}, {percent(worst['tpr'])} of "
            f"{worst['pictures']:,} pictures."
        )
    target = facts["threshold"]["target_fpr"]
    if target is not None:
        yield _promise(target, pooled)
    held_out = (facts["detector"]["training"] or {}).get("held_out")
    if held_out:
        yield (
            f"In training, out of fold, it accused {percent(held_out['fpr'])} and found "
            f"{percent(held_out['tpr'])}."
        )


def _accusation(pooled, level):
    ends = interval(pooled["fpr_low"], pooled["fpr_high"])
    if pooled["fpr"] == 0:
        text = "No real picture was accused"
        return (
            f"{text}, which fits a rate of up to {percent(pooled['fpr_high'])}." if ends else text
        )
    text = f"Of real pictures like these, about {_out_of(pooled['fpr'])} would be accused"
    return f"{text} ({100 * level:g} % interval {ends})." if ends else f"{text}."


def _out_of(share):
    base = next((base for base in (100, 1000, 10_000) if share * base >= 0.95), 100_000)
    return f"{max(1, round(share * base)):,} in {base:,}"


def _promise(target, pooled):
    goal = f"The threshold was chosen to accuse at most {percent(target)}"
    low, high = pooled["fpr_low"], pooled["fpr_high"]
    if low is not None and low > target:
        return (
            f"{goal}. These real pictures are accused more often: they are unlike those of "
            "training."
        )
    if pooled["fpr"] > target:
        return f"{goal}. More of these are accused, though within what chance could do."
    if high is None or high > target:
        return f"{goal}. It is kept here, on too few pictures to be sure."
    return f"{goal}, and that is kept here."


def _cautions(facts, sources):
    data, audit = facts["data"], facts["audit"]
    seen = [row for row in facts["rows"] if row["seen_in_training"]]
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
            f"Only {data['real']:,} real pictures from {len(named)} source(s): the rate of "
            "accusations is rough, and its interval too narrow."
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


def _list_of(rows):
    return _some([f"{row['name']} ({percent(row['tpr'])} of {row['pictures']:,})" for row in rows])


def _some(words, most=6):
    rest = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + rest
