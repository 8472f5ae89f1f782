"""A comparison of detectors in words and columns."""

import html


def as_text(comparison):
    """Return a comparison as plain text.

    Parameters
    ----------
    comparison : DetectorComparison
        The comparison.

    Returns
    -------
    text : str
        Candidates, the best first, and what they say together.
    """
    heading, rows = _cells(comparison)
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]

    def line(cells):
        words = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
        words += [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
        return "  ".join(words).rstrip()

    table = [line(heading), line(["-" * width for width in widths]), *map(line, rows)]
    return "\n".join([*_facts(comparison), "", *table, "", *_verdict(comparison)])


def as_html(comparison):
    """Return a comparison as HTML.

    Parameters
    ----------
    comparison : DetectorComparison
        The comparison.

    Returns
    -------
    text : str
        A ``div`` with paragraphs and a table.
    """
    heading, rows = _cells(comparison)
    lines = ['<div class="ssafe-comparison">']
    lines += [f"<p>{html.escape(text)}</p>" for text in _facts(comparison)]
    lines += ["<table><thead>", _html_row(heading, "th"), "</thead><tbody>"]
    lines += [_html_row(row, "td") for row in rows]
    lines += ["</tbody></table>"]
    lines += [f"<p>{html.escape(text)}</p>" for text in _verdict(comparison)]
    return "\n".join([*lines, "</div>"])


def _html_row(cells, tag):
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _cells(comparison):
    titles = {
        "auc": "AUC",
        "recall_at_fpr": f"recall at {comparison.settings['max_fpr'] or 0:.0%} FPR",
        "r2": "R2",
        "rmse": "RMSE",
    }
    metrics = comparison.metrics
    heading = [
        "input",
        "head",
        *(titles[name] for name in metrics),
        "fit s",
        "predict s",
        "encode s",
    ]
    rows = []
    for _, row in comparison.frame().iterrows():
        cells = [row["input"] + (" (no pixels)" if row["baseline"] else ""), row["head"]]
        cells += [_with_interval(row, name) for name in metrics]
        cells += [f"{row['fit_seconds']:.2f}", f"{row['predict_seconds']:.2f}"]
        encoding = row["encode_seconds"]
        rows.append([*cells, "" if encoding != encoding else f"{encoding:.0f}"])
    return heading, rows


def _with_interval(row, name):
    text = f"{row[name]:.3g}" if name == "rmse" else f"{row[name]:.2f}"
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if low != low:
        return text
    return (
        f"{text} [{low:.3g}, {high:.3g}]" if name == "rmse" else f"{text} [{low:.2f}, {high:.2f}]"
    )


def _facts(comparison):
    n_folds = len(comparison.splits)
    yield f"{comparison.settings['pictures']} pictures, {n_folds} folds, the same for all."
    if len(comparison.failures):
        yield f"{len(comparison.failures)} pictures could not be read and were left out for all."
    yield (
        "Means over folds; seconds to fit one fold, and to predict or encode 1,000 pictures. In "
        f"brackets: {comparison.settings['confidence_level']:.0%} intervals, corrected for folds "
        "that share training data (Nadeau and Bengio, 2003)."
    )


def _verdict(comparison):
    """Say whether the best with pictures beats the best without."""
    table = comparison.frame()
    metric = comparison.metrics[0]
    title = {"auc": "AUC", "r2": "R2"}[metric]
    pictures, plain = table[~table["baseline"]], table[table["baseline"]]
    if len(pictures) and len(plain):
        best = pictures.iloc[0]
        differences = comparison.differences()
        found = (differences["input"] == best["input"]) & (differences["head"] == best["head"])
        row = differences[found].iloc[0]
        low, high = row[f"{metric}_low"], row[f"{metric}_high"]
        say = "The folds do not tell them apart."
        if low > 0:
            say = "The pictures add something."
        elif high < 0:
            say = "The pictures do worse."
        yield (
            f"Best with pictures: {best['input']} / {best['head']}, {title} {best[metric]:.2f}. "
            f"Best without: {row['reference']}. Difference {row[metric]:+.2f} "
            f"[{low:+.2f}, {high:+.2f}]. {say}"
        )
    properties = plain[plain["input"] == "file properties"]
    if len(properties):
        yield (
            f"File properties alone: {title} {properties.iloc[0][metric]:.2f}. If they do well, "
            "the classes differ in how the files were made, and so may the pictures' features."
        )
