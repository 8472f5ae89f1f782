"""EvaluationReport: the facts of an evaluation, and the page made of them."""

import base64
import hashlib
import html
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..evaluation.report_table import DetectionReport
from ..persistence.known_limits import A_SCORE_IS_NO_PROOF, KNOWN_LIMITS
from . import formatting
from .evaluation_charts import distribution_chart, robustness_charts, roc_chart, spread_chart


@dataclass(repr=False)
class EvaluationReport:
    """What a detector is worth on labelled pictures. Made by `evaluation_report`.

    Attributes
    ----------
    facts : dict
        All that the page says, in plain types: ``verdict``, ``rows``, ``threshold``, ``audit`` and
        so on.
    report : DetectionReport
        The figures by generator and by source.
    thumbnails : dict of int to str
        The surest mistakes as small pictures, by row.

    See Also
    --------
    sklearn_ssafe.evaluation_report : Makes it.
    """

    facts: dict
    report: DetectionReport
    thumbnails: dict = field(default_factory=dict)

    def to_html(self):
        """Return the page.

        Returns
        -------
        text : str
            One HTML document that needs no other file and no network.
        """
        return _render(self.facts, self.thumbnails)

    def to_json(self):
        """Return the facts as JSON.

        Returns
        -------
        text : str
            As ``facts``; pictures are not among them.
        """
        return json.dumps(self.facts, indent=2)

    def save(self, path):
        """Write the page to a file.

        Parameters
        ----------
        path : str or Path
            Such as ``"report.html"``; overwritten if it exists.

        Returns
        -------
        path : Path
            The file.
        """
        path = Path(path)
        # Names of files need not be Unicode.
        path.write_bytes(self.to_html().encode("utf-8", "backslashreplace"))
        return path

    def _repr_html_(self):
        # A frame, so that neither page changes the other's looks.
        page = html.escape(self.to_html(), quote=True)
        return (
            f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="Evaluation report" '
            'style="width: 100%; height: 44rem; border: 1px solid #ccc"></iframe>'
        )

    def __repr__(self):
        verdict = self.facts["verdict"]
        lines = [self.facts["title"], *verdict["points"]]
        lines += [f"Caution: {text}" for text in verdict["cautions"]]
        return "\n".join([*lines, "", repr(self.report)])


@cache
def _environment():
    environment = Environment(
        loader=PackageLoader("sklearn_ssafe.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        formatting.percent,
        formatting.interval,
        formatting.decimals,
        formatting.score_text,
    ):
        environment.globals[function.__name__] = function
    return environment


def _render(facts, thumbnails):
    loader = _environment().loader
    style, script = (
        loader.get_source(_environment(), f"evaluation.{kind}")[0] for kind in ("css", "js")
    )
    return (
        _environment()
        .get_template("evaluation.html")
        .render(
            facts=facts,
            thumbnails=thumbnails,
            style=style,
            script=script,
            # The page's own script may run, and nothing that a file name brings along.
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            charts={
                "roc": roc_chart(facts),
                "distribution": distribution_chart(facts),
                "spread": spread_chart(facts),
                "robustness": robustness_charts(facts),
            },
            proof=A_SCORE_IS_NO_PROOF,
            limits=KNOWN_LIMITS,
        )
    )
