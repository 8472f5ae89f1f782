"""LeakAudit: what `audit_leaks` found, what it looked at in vain, what it could not look at."""

import math
import textwrap
from dataclasses import asdict, dataclass, field, replace
from itertools import chain

import pandas as pd

from ..public import public
from ..results import Result, Summary, plain

_NO_PROOF = (
    "That is no proof that there is none: what an earlier compression or resize has left in the "
    "pixels is not looked at, nor what the pictures show."
)
_KINDS_PRINTED = 5


class NotRun(Exception):
    """A check does not apply to these pictures; the message says why."""


@dataclass(frozen=True)
class Example:
    """One picture that shows a finding: its row in X, its name, its label and the property."""

    row: int
    picture: str
    label: int
    value: str

    @classmethod
    def of(cls, pictures, row, value):
        """Point to the picture at this position among those that could be read."""
        return cls(int(pictures.row[row]), pictures.name[row], int(pictures.y[row]), value)


@dataclass(frozen=True)
class Kind:
    """Pictures with the same value of a property, and how many of them each class has."""

    name: str
    n_real: int
    n_generated: int


@public("sklearn_ssafe.leaks")
@dataclass(frozen=True)
class Finding:
    """One property that tells the classes apart, or one flaw of the set.

    Attributes
    ----------
    code : str
        Stable name, such as ``"format"``.
    title : str
        The property in words.
    severity : {"leak", "note"}
        ``"leak"``: a detector that sees pixels can use it, or the set cannot show what it should.
        ``"note"``: only a column made of it would carry it into a model, or it limits what may be
        claimed.
    auc : float
        Cross-validated AUC of a trivial predictor that sees only this property; NaN where none is
        defined.
    p_value : float
        Chance of such an AUC among pictures whose labels were shuffled, corrected for the number
        of checks; NaN where the finding is a plain fact.
    n_images : int
        Pictures that the check looked at; for duplicates, pictures that have one.
    kinds : tuple of Kind
        The most frequent values and how often each class has them, at most 12. Each has ``name``,
        ``n_real`` and ``n_generated``.
    examples : tuple of Example
        At most 6 pictures, of both classes where both show it. Each has ``row`` (in X, from 0),
        ``picture`` (its path, or what it is), ``label`` (0 real, 1 generated) and ``value``.
    advice : str
        What to do.
    """

    code: str
    title: str
    severity: str
    auc: float
    p_value: float
    n_images: int
    advice: str
    kinds: tuple = field(default=())
    examples: tuple = field(default=())


@public("sklearn_ssafe.leaks")
@dataclass(frozen=True, repr=False)
class LeakAudit(Result):
    """What an audit found, what it looked at in vain, and what it could not look at.

    Made by `audit_leaks`. Printing it shows the findings; a notebook shows them as a table.

    Attributes
    ----------
    findings : list of Finding
        Leaks first, then notes; within each by AUC, the highest first.
    silent : dict of str to (str, float, float)
        The checks that raised nothing, by code: title, AUC and corrected p-value.
    not_run : dict of str to str
        Why the other checks could not run, by code.
    failures : pandas.DataFrame
        Pictures that could not be read: columns ``row``, ``path`` and ``reason``. They are left out
        of all checks.
    n_real, n_generated : int
        Pictures looked at.
    settings : dict
        ``min_auc``, ``alpha`` and ``n_permutations``.
    """

    findings: list
    silent: dict
    not_run: dict
    failures: pd.DataFrame
    n_real: int
    n_generated: int
    settings: dict

    @property
    def leaks(self):
        """The findings that are leaks."""
        return [finding for finding in self.findings if finding.severity == "leak"]

    def frame(self):
        """Tabulate every check.

        Returns
        -------
        frame : pandas.DataFrame
            One row a check, with the columns ``code``, ``title``, ``status`` (leak, note, silent or
            not run), ``auc``, ``p_value``, ``n_images`` and ``remark``: what to do, or why the
            check could not run.
        """
        nothing = {"auc": math.nan, "p_value": math.nan, "n_images": pd.NA, "remark": ""}
        rows = [
            {
                "code": finding.code,
                "title": finding.title,
                "status": finding.severity,
                "auc": finding.auc,
                "p_value": finding.p_value,
                "n_images": finding.n_images,
                "remark": finding.advice,
            }
            for finding in self.findings
        ]
        rows += [
            {**nothing, "code": code, "title": title, "status": "silent", "auc": auc, "p_value": p}
            for code, (title, auc, p) in self.silent.items()
        ]
        rows += [
            {**nothing, "code": code, "title": "", "status": "not run", "remark": reason}
            for code, reason in self.not_run.items()
        ]
        columns = ["code", "title", "status", "auc", "p_value", "n_images", "remark"]
        return pd.DataFrame(rows, columns=columns).astype({"n_images": "Int64"})

    def to_dict(self):
        """Return everything in plain types, as JSON takes them; what is not defined is None.

        Returns
        -------
        facts : dict
            Keys as the attributes.
        """
        return plain(
            {
                "n_real": self.n_real,
                "n_generated": self.n_generated,
                "findings": [asdict(finding) for finding in self.findings],
                "silent": {
                    code: {"title": title, "auc": auc, "p_value": p}
                    for code, (title, auc, p) in self.silent.items()
                },
                "not_run": self.not_run,
                "failures": self.failures,
                "settings": self.settings,
            }
        )

    def to_markdown(self):
        """Return the findings as Markdown.

        Returns
        -------
        text : str
            A list, a table where there are findings, and what to do.
        """
        return self._summary().markdown()

    def to_html(self):
        """Return the findings as a piece of HTML, without scripts or style sheets.

        Returns
        -------
        text : str
            The same as `to_markdown` has.
        """
        return self._summary().html("ssafe-leak-audit")

    def __str__(self):
        parts = ["\n".join(map(_wrapped, notes)) for notes in self._notes(examples=True) if notes]
        return replace(self._summary(), notes=["\n\n".join(parts)]).text()

    def __repr__(self):
        n_leaks = len(self.leaks)
        return (
            f"<LeakAudit: {n_leaks} leaks and {len(self.findings) - n_leaks} notes in "
            f"{self.n_real} real and {self.n_generated} generated pictures>"
        )

    def _summary(self):
        heading = ["", "what gives the class away", "AUC", "p", "pictures"]
        rows = [
            [
                finding.severity,
                f"{finding.code}: {finding.title}",
                _figure(finding.auc, 2),
                _figure(finding.p_value, 3),
                f"{finding.n_images:,}",
            ]
            for finding in self.findings
        ]
        notes = list(chain(*self._notes(examples=False)))
        return Summary(list(self._facts()), heading, rows, notes)

    def _facts(self):
        yield f"{self.n_real:,} real and {self.n_generated:,} generated pictures."
        if len(self.failures):
            yield f"Left out, because they could not be read: {len(self.failures)}"
            for failure in self.failures.itertuples():
                yield f"  row {failure.row}: {failure.path}: {failure.reason}"

    def _notes(self, examples):
        """Lines in four parts: the findings at length, what to do, silent, not run."""
        advice, reasons = {}, {}
        for finding in self.findings:
            advice.setdefault(finding.advice, []).append(finding.code)
        for code, reason in self.not_run.items():
            reasons.setdefault(reason, []).append(code)
        yield list(self._at_length(examples))
        yield [f"What to do about {', '.join(codes)}: {text}" for text, codes in advice.items()]
        words = [f"{code} {_figure(auc, 2)}".strip() for code, (_, auc, _) in self.silent.items()]
        yield [f"Silent (AUC): {', '.join(words)}"] if words else []
        yield [f"Not run: {', '.join(codes)}: {reason}" for reason, codes in reasons.items()]

    def _at_length(self, examples):
        for finding in self.findings:
            if finding.kinds:
                yield f"{finding.code}: {_in_words(finding.kinds)}"
            for shown in _two_of(finding.examples) if examples else ():
                yield f"{finding.code}, row {shown.row}, {shown.value}: {shown.picture}"
        if not self.leaks:
            n_run = len(self.silent) + len(self.findings)
            n = n_run + len(self.not_run)
            yield f"No leak was found by the {n_run} of {n} checks that could run. {_NO_PROOF}"


def _wrapped(note):
    whole = {"break_long_words": False, "break_on_hyphens": False}  # paths may be copied
    return textwrap.fill(note, 100, subsequent_indent="  ", **whole)


def _two_of(examples):
    """The first example and the first of the other class, or else the second."""
    others = [shown for shown in examples if shown.label != examples[0].label] or examples[1:]
    return [*examples[:1], *others[:1]]


def _in_words(kinds):
    words = [
        f"{kind.name}: {kind.n_real:,} real, {kind.n_generated:,} generated"
        for kind in kinds[:_KINDS_PRINTED]
    ]
    return "; ".join(words) + ("; ..." if len(kinds) > _KINDS_PRINTED else "")


def _figure(value, digits):
    return "" if math.isnan(value) else f"{value:.{digits}f}"
