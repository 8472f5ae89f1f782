"""Coverage against risk, and what three verdicts do: the facts of a page on "unsure"."""

import numpy as np
from sklearn.utils import _safe_indexing

from ..detector.classifier import SSAFEClassifier
from ..detector.verdicts import three_verdicts
from ..metrics.coverage import coverage_table
from ..results import percent


def verdicts_of(head, X, rows, score):
    """Return the verdicts of a detector that may be unsure on some rows; None of any other one."""
    if not isinstance(head, SSAFEClassifier) or head.abstain is None:
        return None
    return three_verdicts(head, _safe_indexing(X, rows), score)


def unsure_facts(generated, name, score, threshold, verdict):
    """Gather the curves and, of three verdicts, the shares of each source and generator."""
    table = coverage_table(generated, name, score, threshold, verdict)
    curves = {}
    for word in ("real", "generated"):
        part = table[(table["class"] == word) & ~table["own"]]
        shown = part[["coverage", "risk", "worst_risk"]]
        curves[word] = shown.drop_duplicates().round(5).to_numpy().tolist()
    facts = {"curves": curves, "own": None, "rows": []}
    if verdict is None:
        return facts
    facts["own"] = {
        row["class"]: {key: row[key] for key in ("coverage", "risk", "worst", "worst_risk")}
        for row in table[table["own"]].to_dict("records")
    }
    for side, word in ((False, "real"), (True, "generated")):
        for each in np.unique(name[generated == side]):
            mine = verdict[(generated == side) & (name == each)]
            shares = {f"{said}_share": float((mine == said).mean()) for said in _VERDICTS}
            facts["rows"].append({"class": word, "name": each, "pictures": len(mine), **shares})
    return facts


_VERDICTS = ("real", "unsure", "generated")


def unsure_in_words(facts):
    """Return the rows with shares as texts, for the page."""
    return [
        {**row, "text": {said: percent(row[f"{said}_share"]) for said in _VERDICTS}}
        for row in facts["rows"]
    ]


def unsure_sentence(own):
    """Say what is withheld, and what is wrong of the rest."""
    real, made = own["real"], own["generated"]
    return (
        f"Unsure: {percent(1 - real['coverage'])} of the real pictures and "
        f"{percent(1 - made['coverage'])} of the generated ones get no verdict. Then "
        f"{percent(real['risk'])} of the real ones are called generated (most: {real['worst']}, "
        f"{percent(real['worst_risk'])}), and {percent(made['risk'])} of the generated ones real "
        f"(most: {made['worst']}, {percent(made['worst_risk'])})."
    )
