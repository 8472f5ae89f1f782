"""A detection report in words and in columns: plain, Markdown, HTML."""

import html

from .report_rows import FEW_PICTURES, FEW_UNITS

_HEADINGS = {
    "tpr": "TPR",
    "fpr": "FPR",
    "auc": "AUC",
    "tpr_at_1pct_fpr": "TPR at 1 % FPR",
    "tpr_at_5pct_fpr": "TPR at 5 % FPR",
    "balanced_accuracy": "balanced accuracy",
    "average_precision": "average precision",
    "eer": "EER",
    "brier": "Brier",
    "ece": "ECE",
}
# A terminal is narrow.
_IN_PLAIN_TEXT = ("tpr", "fpr", "auc", "tpr_at_1pct_fpr")


def as_text(report):
    """Return a report as plain text, with the columns that matter most.

    Parameters
    ----------
    report : DetectionReport
        The report.

    Returns
    -------
    text : str
        Lines of about a hundred characters.
    """
    heading, rows = _cells(report, _IN_PLAIN_TEXT)
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]

    def line(cells):
        words = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
        words += [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
        return "  ".join(words).rstrip()

    table = [line(heading), line(["-" * width for width in widths]), *map(line, rows)]
    return "\n".join([*_facts(report), "", *table, "", *_notes(report)])


def as_markdown(report):
    """Return a report as Markdown, with all columns.

    Parameters
    ----------
    report : DetectionReport
        The report.

    Returns
    -------
    text : str
        A list, a table, a list.
    """
    heading, rows = _cells(report, _HEADINGS)
    lines = [heading, ["---", "---", *["---:"] * (len(heading) - 2)], *rows]
    table = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in lines]
    facts, notes = ([f"- {text}" for text in part(report)] for part in (_facts, _notes))
    return "\n".join([*facts, "", *table, "", *notes, ""])


def as_html(report):
    """Return a report as HTML, with all columns.

    Parameters
    ----------
    report : DetectionReport
        The report.

    Returns
    -------
    text : str
        A ``div`` with paragraphs and a table.
    """
    heading, rows = _cells(report, _HEADINGS)
    lines = ['<div class="ssafe-report">']
    lines += [f"<p>{html.escape(text)}</p>" for text in _facts(report)]
    lines += ["<table><thead>", _html_row(heading, "th"), "</thead><tbody>"]
    lines += [_html_row(row, "td") for row in rows]
    lines += ["</tbody></table>"]
    lines += [f"<p>{html.escape(text)}</p>" for text in _notes(report)]
    return "\n".join([*lines, "</div>"])


def _html_row(cells, tag):
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _cells(report, metrics):
    heading = ["class", "name", "pictures", *(_HEADINGS[name] for name in metrics)]
    rows = []
    for _, row in report.rows.iterrows():
        count = f"{row['pictures']}{' *' if row['small'] else ''}"
        cells = [row["class"], row["name"], count]
        rows.append(cells + [_with_interval(row, name) for name in metrics])
    return heading, rows


def _with_interval(row, name):
    if row[name] != row[name]:
        return ""
    text = f"{row[name]:.2f}"
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    return text if low is None or low != low else f"{text} [{low:.2f}, {high:.2f}]"


def _facts(report):
    known = report.settings
    folds = f"{known['folds']} folds" if known["folds"] > 1 else "one detector"
    held_out = f". Held out: {known['held_out']}" if "held_out" in known else ""
    yield f"{known['real']} real and {known['generated']} generated pictures, {folds}{held_out}."
    thresholds = [f"{value:.3g}" for value in known["threshold"]]
    if len(thresholds) > 1:
        text = f"{thresholds[0]} to {thresholds[-1]}, by fold"
    else:
        text = thresholds[0]
    yield f"Called generated from a score of {text}: {known['threshold_from']}."
    worst = report.worst
    found, accused = worst["generated"], worst["real"]
    yield (
        f"Found worst: {found['name']} ({found['tpr']:.0%} called generated, "
        f"AUC {found['auc']:.2f}). Accused most: {accused['name']} ({accused['fpr']:.0%} called "
        "generated)."
    )


def _notes(report):
    known = report.settings
    if known["n_resamples"]:
        yield (
            f"In brackets: {known['confidence_level']:.0%} intervals, bootstrap of "
            f"{known['n_resamples']} draws. What was drawn: {_drawn_in_words(report.rows)}."
        )
    if known["across_folds"] == "pool":
        yield "Ranking metrics are POOLED: scores of all folds were ranked together."
    elif known["folds"] > 1:
        yield "AUC, EER, average precision and TPR at an FPR: within each fold, then averaged."
    if report.rows["small"].any():
        yield (
            f"* small: fewer than {FEW_PICTURES} pictures, or fewer than {FEW_UNITS} units to draw "
            "from on one side. Rough figures, and intervals that are too narrow."
        )
    yield (
        "Averages: macro counts each generator and source once, pooled counts each picture once."
    )
    found = report.rows[report.rows["class"] == "generated"]
    if n_single := int((found["names_compared"] == 1).sum()):
        yield (
            f"{n_single} generator(s) were compared with one real source each: their AUC and FPR "
            "say as much about that source as about the generator."
        )
    if (found["compared_with"] < 100).any():
        yield (
            "A generator compared with fewer than 100 real pictures: its TPR at 1 % FPR is the "
            "one without any false accusation."
        )


def _drawn_in_words(rows):
    by_class = rows.groupby("class", sort=False)["resampled"].unique()
    return " | ".join(f"for {word} rows {', or '.join(drawn)}" for word, drawn in by_class.items())
