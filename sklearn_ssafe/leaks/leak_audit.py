"""LeakAudit: the result of `audit_leaks`."""

import html
import math
import textwrap
from dataclasses import asdict, dataclass, field

import pandas as pd

from ..public import public

_NO_PROOF = (
    "That is no proof that there is none: what an earlier compression or resize has left in the "
    "pixels is not looked at, nor what the pictures show."
)
_KINDS_PRINTED = 5


@public("sklearn_ssafe.leaks")
@dataclass(frozen=True)
class LeakAudit:
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
        return _plain(
            {
                "n_real": self.n_real,
                "n_generated": self.n_generated,
                "findings": [asdict(finding) for finding in self.findings],
                "silent": {
                    code: {"title": title, "auc": auc, "p_value": p}
                    for code, (title, auc, p) in self.silent.items()
                },
                "not_run": self.not_run,
                "failures": self.failures.to_dict("records"),
                "settings": self.settings,
            }
        )

    def __str__(self):
        return "\n".join(self._lines())

    def __repr__(self):
        n_leaks = len(self.leaks)
        return (
            f"<LeakAudit: {n_leaks} leaks and {len(self.findings) - n_leaks} notes in "
            f"{self.n_real} real and {self.n_generated} generated pictures>"
        )

    def _lines(self):
        yield f"{self.n_real:,} real and {self.n_generated:,} generated pictures."
        if len(self.failures):
            yield f"Left out, because they could not be read: {len(self.failures)}"
            for failure in self.failures.itertuples():
                yield f"  row {failure.row}: {failure.path}: {failure.reason}"
        yield ""
        if self.findings:
            yield f"{'':6}{'CODE':<17}{'AUC':>6}{'P':>7}{'PICTURES':>10}  WHAT GIVES THE CLASS AWAY"
        for finding in self.findings:
            yield (
                f"{finding.severity:<4}  {finding.code:<17}{_number(finding.auc, 2):>6}"
                f"{_number(finding.p_value, 3):>7}{finding.n_images:>10,}  {finding.title}"
            )
            if finding.kinds:
                yield f"{'':6}{_in_words(finding.kinds)}"
            for shown in _two_of(finding.examples):
                yield f"{'':6}e.g. row {shown.row}: {shown.picture} ({shown.value})"
        if not self.leaks:
            yield textwrap.fill(self._nothing(), 100)
        if self.findings:
            yield "\nWhat to do"
        for advice, codes in self._advice().items():
            yield textwrap.fill(
                f"{', '.join(codes)}: {advice}", 100, initial_indent="  ", subsequent_indent="    "
            )
        if self.silent:
            words = [
                f"{code} {_number(auc, 2)}".strip() for code, (_, auc, _) in self.silent.items()
            ]
            yield "\n" + textwrap.fill(f"Silent (AUC): {', '.join(words)}", 100)
        for reason in dict.fromkeys(self.not_run.values()):
            codes = ", ".join(code for code, why in self.not_run.items() if why == reason)
            yield textwrap.fill(f"Not run: {codes}: {reason}", 100)

    def _nothing(self):
        n_run = len(self.silent) + len(self.findings)
        n_checks = n_run + len(self.not_run)
        return f"No leak was found by the {n_run} of {n_checks} checks that could run. {_NO_PROOF}"

    def _advice(self):
        """What to do, and the codes of the findings for which it is said."""
        codes = {}
        for finding in self.findings:
            codes.setdefault(finding.advice, []).append(finding.code)
        return codes

    def _repr_html_(self):
        heads = ("", "code", "AUC", "p", "pictures", "what gives the class away", "what to do")
        rows = [_html_row("th", heads), *(_html_row("td", _cells(f)) for f in self.findings)]
        table = f"<table>{''.join(rows)}</table>" if self.findings else ""
        verdict = "" if self.leaks else f"<p>{self._nothing()}</p>"
        counts = f"{self.n_real:,} real and {self.n_generated:,} generated pictures."
        rest = (
            f"Silent: {', '.join(self.silent) or 'none'}. "
            f"Not run: {', '.join(self.not_run) or 'none'}. "
            f"Not readable: {len(self.failures)} pictures."
        )
        return f"<div><p>{counts}</p>{verdict}{table}<p>{html.escape(rest)}</p></div>"


def _html_row(tag, cells):
    inside = "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells)
    return f"<tr>{inside}</tr>"


def _two_of(examples):
    """The first example and the first of the other class, or else the second."""
    others = [shown for shown in examples if shown.label != examples[0].label] or examples[1:]
    return [*examples[:1], *others[:1]]


def _cells(finding):
    what = finding.title + (f": {_in_words(finding.kinds)}" if finding.kinds else "")
    figures = _number(finding.auc, 2), _number(finding.p_value, 3), f"{finding.n_images:,}"
    return finding.severity, finding.code, *figures, what, finding.advice


def _in_words(kinds):
    words = [
        f"{kind.name}: {kind.n_real:,} real, {kind.n_generated:,} generated"
        for kind in kinds[:_KINDS_PRINTED]
    ]
    return "; ".join(words) + ("; ..." if len(kinds) > _KINDS_PRINTED else "")


def _number(value, digits):
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a NumPy number
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


class NotRun(Exception):
    """A check does not apply to these pictures; the message says why."""


@dataclass(frozen=True)
class Example:
    """One picture that shows a finding.

    Attributes
    ----------
    row : int
        Position in X, from 0.
    picture : str
        Its path, or what it is.
    label : int
        0 real, 1 generated.
    value : str
        The property, as the check sees it.
    """

    row: int
    picture: str
    label: int
    value: str


@dataclass(frozen=True)
class Kind:
    """Pictures with the same value of a property.

    Attributes
    ----------
    name : str
    n_real, n_generated : int
    """

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
        The most frequent values and how often each class has them, at most 12.
    examples : tuple of Example
        At most 6 pictures, of both classes where both show it.
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
