"""Tables as a terminal shows them."""


def held_out_text(table):
    """Write a row for each generator and real source that was held out; few pictures are marked."""
    from ..metrics.report_rows import FEW_PICTURES, SMALL_PICTURES
    from ..results import table_text

    heading = ["class", "generator or source", "pictures", "called generated", "AUC"]
    shares = table["called_generated"].map("{:.0%}".format)
    aucs = table["auc"].map(lambda auc: "" if auc != auc else f"{auc:.3f}")
    small = table["pictures"] < FEW_PICTURES
    pictures = table["pictures"].astype(str) + small.map({True: " *", False: ""})
    columns = (table["class"], table["name"], pictures, shares, aucs)
    text = table_text(heading, list(map(list, zip(*columns, strict=True))))
    return f"{text}\n\n{SMALL_PICTURES}" if small.any() else text


def curation_text(summary):
    """Write a row for each generator in the order of choice, then each real source."""
    from ..labels import is_missing
    from ..results import table_text

    table = summary.sort_values(["class", "order", "domain", "name"], kind="stable")
    names = table["name"].where(table["name"] != "", "(unnamed)")
    table["name"] = names.where(table["domain"] == "", table["domain"] + " / " + names)
    heading = ["class", "generator or source", "pictures", "cluster", "chosen", "taken"]
    shown = table[["class", "name", "pictures", "cluster", "order", "taken"]].to_numpy(object)
    return table_text(
        heading, [["" if is_missing(cell) else str(cell) for cell in row] for row in shown]
    )


def verdict_text(table):
    """Write what is promised to each generator and real source, as `VerdictRule.frame` has it."""
    from ..results import percent, table_text

    heading = ["class", "generator or source", "pictures", "wrong", "bound", "unsure", "promised"]
    rows = [
        [
            row["class"],
            row["name"],
            str(row["pictures"]),
            percent(row["rate"]),
            percent(row["upper_bound"]),
            percent(row["unsure"] / row["pictures"]),
            "yes" if row["promised"] else "no",
        ]
        for row in table.to_dict("records")
    ]
    return table_text(heading, rows)
