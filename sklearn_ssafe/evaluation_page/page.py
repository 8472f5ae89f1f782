"""The pages: facts in, one HTML document out."""

import base64
import hashlib
from collections import Counter
from datetime import date
from functools import cache
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..detector.model_card import A_SCORE_IS_NO_PROOF, KNOWN_LIMITS
from ..images.provenance import NOTHING
from ..results import decimals, score_text, with_intervals
from .browsing import table_as_json
from .charts import distribution_chart, robustness_charts, roc_chart, spread_chart
from .unsure import unsure_in_words
from .unsure_chart import unsure_chart

_SHARES = ("tpr", "fpr", "tpr_at_1pct_fpr")
_FIGURES = (
    *("tpr", "fpr", "balanced_accuracy", "auc", "average_precision", "eer"),
    *("tpr_at_1pct_fpr", "tpr_at_5pct_fpr", "brier", "ece"),
)


def render_page(facts, thumbnails, folder=None, without=()):
    """Return the page of an evaluation; `thumbnails` are addresses of pictures, by row.

    `folder` beside the page holds a thumbnail of every picture, but for the rows in `without`.
    """
    return (
        _environment()
        .get_template("evaluation.html")
        .render(
            **_parts(("evaluation", "browse"), ("browse", "evaluation"), folder),
            data=table_as_json(facts["pictures"], folder, without),
            title=facts["title"],
            date=facts["evaluation"]["date"],
            version=facts["detector"]["versions"]["sklearn-ssafe"],
            facts=facts,
            rows=_rows_in_words(facts["rows"]),
            errors=_errors_in_words(facts["errors"]),
            threshold=score_text(facts["threshold"]["value"]),
            findings=_findings_in_words(facts["audit"]),
            thumbnails=thumbnails,
            figures=_FIGURES,
            unsure=unsure_in_words(facts["unsure"]),
            charts={
                "roc": roc_chart(facts),
                "distribution": distribution_chart(facts),
                "spread": spread_chart(facts),
                "unsure": unsure_chart(facts["unsure"]),
                "robustness": robustness_charts(facts),
            },
            proof=A_SCORE_IS_NO_PROOF,
            limits=KNOWN_LIMITS,
            nothing_found=NOTHING,
        )
    )


def render_verdicts(table, *, title, threshold, folder=None, without=()):
    """Return the page of verdicts on pictures whose class nobody knows."""
    counts = Counter(table["verdicts"][place] or "not judged" for place in table["verdict"])
    return (
        _environment()
        .get_template("verdicts.html")
        .render(
            **_parts(("evaluation", "browse"), ("browse",), folder),
            data=table_as_json(table, folder, without),
            title=title,
            threshold=None if threshold is None else score_text(threshold),
            counts=sorted(counts.items()),
            date=date.today().isoformat(),
            proof=A_SCORE_IS_NO_PROOF,
            version=version("sklearn-ssafe"),
        )
    )


def _parts(styles, scripts, folder):
    """Style and script, and what the page may load: its own script, pictures beside it."""
    script = "\n".join(_source(f"{name}.js") for name in scripts)
    return {
        "style": "\n".join(_source(f"{name}.css") for name in styles),
        "script": script,
        # The page's own script may run, and nothing that a file name brings along.
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "image_sources": "data:" if folder is None else "data: 'self' file:",
    }


def _source(name):
    environment = _environment()
    return environment.loader.get_source(environment, name)[0]


@cache
def _environment():
    return Environment(
        loader=PackageLoader("sklearn_ssafe.evaluation_page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _rows_in_words(rows):
    shares = with_intervals(rows, _SHARES)
    figures = with_intervals(rows, _FIGURES, decimals)
    return [
        {**row, "share": share, "figure": figure}
        for row, share, figure in zip(rows, shares, figures, strict=True)
    ]


def _errors_in_words(errors):
    words = {}
    for kind in ("false_positives", "missed"):
        texts = list(map(score_text, [error["score"] for error in errors[kind]]))
        words[kind] = [{**e, "text": text} for e, text in zip(errors[kind], texts, strict=True)]
    return words


def _findings_in_words(audit):
    found = [] if audit is None else audit["findings"]
    aucs = map(decimals, [finding["auc"] for finding in found])
    return [{**finding, "text": auc} for finding, auc in zip(found, list(aucs), strict=True)]
