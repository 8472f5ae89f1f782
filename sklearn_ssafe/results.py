"""One way to write a result: its numbers, its table as text, Markdown and HTML, its JSON."""

import html
import json
import math
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

MISSING = "\N{EN DASH}"
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # part of words and of emoji


def visible(text, keep="\n\t"):
    r"""Write signs that are not seen, or that turn text round, as escapes, but for those to keep.

    Examples
    --------
    >>> visible("photo\u202egpj.exe\x1b[2J"), visible("b\udce9\N{CJK UNIFIED IDEOGRAPH-5199}")
    ('photo\\u202egpj.exe\\x1b[2J', 'b\\udce9写')
    """
    if text.isprintable():
        return text
    return "".join(
        sign.encode("unicode_escape").decode()
        if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and sign not in _JOINERS + keep
        else sign
        for sign in text
    )


def all_visible(facts):
    """Make every text in lists and dicts `visible`."""
    if isinstance(facts, dict):
        return {visible(name): all_visible(value) for name, value in facts.items()}
    if isinstance(facts, list):
        return [all_visible(value) for value in facts]
    return visible(facts) if isinstance(facts, str) else facts


def percent(share):
    """Write a share (None or NaN where there is none) with as many digits as say something.

    Examples
    --------
    >>> percent(0.042), percent(0.125), percent(0.996), percent(0.0004), percent(1.0)
    ('4.2 %', '13 %', '99.6 %', '0.04 %', '100 %')
    """
    if share is None or math.isnan(share):
        return MISSING
    value = 100 * share
    if value in (0, 100) or 10 <= value < 99:
        return f"{_rounded(value, 0)} %"
    if value >= 99:
        return f"{_rounded(min(value, 99.9), 1)} %"
    return f"{_rounded(value, 1) if value >= 0.1 else _rounded(max(value, 0.01), 2)} %"


def _rounded(value, n_digits):
    """Round halves up, as the page's own script does."""
    return Decimal(value).quantize(Decimal(1).scaleb(-n_digits), ROUND_HALF_UP)


def interval(low, high):
    """Write the ends of an interval of shares, or nothing where there is none.

    Examples
    --------
    >>> interval(0.01, 0.093)
    '1.0 to 9.3 %'
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def decimals(value):
    """Write a figure of merit (None or NaN where there is none) with three decimals."""
    return MISSING if value is None or math.isnan(value) else f"{value:.3f}"


def with_intervals(rows, names, write=percent):
    """Write some figures of each row, each as a pair of texts: the figure and its interval."""

    def ends(low, high):
        if write is percent:
            return interval(low, high)
        return "" if low is None or high is None else f"{write(low)} to {write(high)}"

    return [
        {
            name: (write(row[name]), ends(row.get(f"{name}_low"), row.get(f"{name}_high")))
            for name in names
        }
        for row in rows
    ]


def bracketed(table, names, forms=()):
    """Write figures of each row with their intervals, such as ``0.72 [0.63, 0.81]``.

    `forms` has another format than two decimals for some names.
    """
    forms = dict.fromkeys(names, ".2f") | dict(forms)

    def text(row, name):
        value, low, high = row[name], row.get(f"{name}_low"), row.get(f"{name}_high")
        if value != value:
            return ""
        write = f"{{:{forms[name]}}}".format
        return write(value) + (
            "" if low is None or low != low else f" [{write(low)}, {write(high)}]"
        )

    return [[text(row, name) for name in names] for row in table.to_dict("records")]


def score_text(score):
    """Write a score so that one near 0 or 1 is not taken for 0 or 1.

    It has three digits, or as many nines or zeros as it takes, at most six decimals.

    Examples
    --------
    >>> score_text(0.73912), score_text(0.999731), score_text(0.00021), score_text(-12.3)
    ('0.739', '0.99973', '0.00021', '-12.3')
    """
    if not 0 < score < 1:
        return f"{score:.4g}"
    from_the_end = min(score, 1 - score)
    digits = min(6, max(3, 1 - math.floor(math.log10(from_the_end))))
    return f"{score:.{digits}f}"


def plain(value):
    """Turn tables, NumPy numbers and NaN into what JSON knows."""
    if hasattr(value, "to_dict"):
        value = value.to_dict("records") if hasattr(value, "columns") else value.to_dict()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if value is None or value != value else value


def table_text(heading, rows):
    """Write a table whose first two columns are words, and the others numbers."""
    rows = [[visible(cell, keep="") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]

    def line(cells):
        pairs = list(zip(cells, widths, strict=True))
        words = [cell.ljust(width) for cell, width in pairs[:2]]
        words += [cell.rjust(width) for cell, width in pairs[2:]]
        return "  ".join(words).rstrip()

    return "\n".join([line(heading), line(["-" * width for width in widths]), *map(line, rows)])


@dataclass
class Summary:
    """Sentences, a table whose first two columns are words, and notes below it."""

    facts: list
    heading: list
    rows: list
    notes: list

    def text(self):
        """For a terminal."""
        table = [table_text(self.heading, self.rows), ""] if self.rows else []
        return visible("\n".join([*self.facts, "", *table, *self.notes]))

    def markdown(self):
        """For a README or an issue."""
        lines = [self.heading, ["---", "---", *["---:"] * (len(self.heading) - 2)], *self.rows]
        table = [
            "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"
            for row in (lines if self.rows else [])
        ]
        facts, notes = ([f"- {text}" for text in part] for part in (self.facts, self.notes))
        return visible("\n".join([*facts, "", *table, "", *notes, ""]))

    def html(self, css_class):
        """For a notebook."""
        head = _html_row(self.heading, "th")
        body = [_html_row(row, "td") for row in self.rows]
        facts, notes = (
            [f"<p>{html.escape(text)}</p>" for text in part] for part in (self.facts, self.notes)
        )
        table = ["<table><thead>", head, "</thead><tbody>", *body, "</tbody></table>"]
        table = table if self.rows else []
        return visible("\n".join([f'<div class="{css_class}">', *facts, *table, *notes, "</div>"]))


def _html_row(cells, tag):
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


class Result:
    """What every result object can do; a subclass has `frame`, `to_dict` and `to_html`."""

    def to_json(self):
        """Return the result as JSON."""
        return json.dumps(plain(self.to_dict()), indent=2)

    def _repr_html_(self):
        return self.to_html()
