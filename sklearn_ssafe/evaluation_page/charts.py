"""The curves of an evaluation report. 360 pixels wide, so that a phone shows them as they are."""

from xml.etree import ElementTree

from markupsafe import Markup

_WIDTH = 360
_LONGEST_NAME = 19


def roc_chart(facts):
    """Draw the ROC curve of all, of each generator, and the detector's own threshold."""
    left, top, side, bottom = 44, 10, 300, 310
    svg = Svg(_WIDTH, 350, "ROC curve: detection rate against false-positive rate")

    def place(fpr, tpr):
        return left + side * fpr, bottom - (bottom - top) * tpr

    for share in (0, 0.25, 0.5, 0.75, 1):
        (x, y) = place(share, share)
        svg.line(left, y, left + side, y, "grid")
        svg.line(x, top, x, bottom, "grid")
        svg.text(left - 6, y + 4, f"{share:.0%}", "tick end")
        svg.text(x, bottom + 16, f"{share:.0%}", "tick middle")
    svg.path([place(0, 0), place(1, 1)], "chance")
    curves = facts["roc"]["generators"]
    worst = _worst_generator(facts)
    for name, points in curves.items():
        if len(curves) > 1 and name != worst:
            svg.path([place(*point) for point in points], "curve-other")
    if len(curves) > 1:
        svg.path([place(*point) for point in curves[worst]], "curve-worst")
    svg.path([place(*point) for point in facts["roc"]["pooled"]], "curve-pooled")
    pooled = _pooled(facts)
    x, y = place(pooled["fpr"], pooled["tpr"])
    svg.circle(x, y, 5, "own-point")
    corners = {"data_left": left, "data_width": side, "data_bottom": bottom}
    svg.circle(x, y, 8, "moved-point", id="roc-moved", data_height=bottom - top, **corners)
    svg.text(left + side / 2, 346, "false-positive rate", "label middle")
    _upright(svg, 11, (top + bottom) / 2, "detection rate")
    return svg.markup()


def _pooled(facts):
    return next(r for r in facts["rows"] if (r["class"], r["name"]) == ("average", "pooled"))


def _worst_generator(facts):
    return next(row["name"] for row in facts["rows"] if row["class"] == "generated")


def _upright(svg, x, y, text):
    svg.text(x, y, text, "label middle", transform=f"rotate(-90 {x:g} {y:g})")


def distribution_chart(facts):
    """Draw how the scores of real and of generated pictures are spread."""
    left, width, height = 12, 336, 120
    svg = Svg(_WIDTH, 328, "Scores of real pictures and of generated ones")
    scores = facts["scores"]
    shares = scores["distribution"]
    highest = max(max(shares["real"]), max(shares["generated"]))
    for word, base in (("real", 20 + height), ("generated", 44 + 2 * height)):
        step = width / len(shares[word])
        for number, share in enumerate(shares[word]):
            tall = height * share / highest
            if tall:
                svg.rectangle(
                    left + number * step + 0.5, base - tall, step - 1, tall, f"hist {word}"
                )
        svg.line(left, base, left + width, base, "axis")
        svg.text(left, base - height - 5, f"{word} pictures", "label")
    _score_axis(svg, facts, left, width, 8, 44 + 2 * height)
    for kind, more in (
        ("threshold", {}),
        ("moved-line", {"id": "scores-moved", "data_left": left, "data_width": width}),
    ):
        x = left + width * scores["threshold"]
        svg.line(x, 8, x, 44 + 2 * height, kind, **more)
    return svg.markup()


def _score_axis(svg, facts, left, width, top, bottom):
    ticks = facts["scores"]["ticks"]
    last = float("-inf")
    for position, value in ticks:
        x = left + width * position
        svg.line(x, bottom, x, bottom + 4, "axis")
        if x - last > 34:
            svg.text(x, bottom + 17, f"{value:g}" if value else "0", "tick middle")
            last = x
    what = "probability of being generated" if facts["scores"]["is_probability"] else "score"
    svg.text(left + width / 2, bottom + 36, what, "label middle")


def spread_chart(facts):
    """Draw where the scores of each generator and of each source lie."""
    rows = facts["scores"]["by_name"]
    left, width, step, top = 140, 208, 19, 24
    groups = [[row for row in rows if row["class"] == word] for word in ("real", "generated")]
    height = top + step * len(rows) + 24
    svg = Svg(_WIDTH, height + 44, "Scores by generator and source")
    y = top
    for word, group in zip(("real", "generated"), groups, strict=True):
        svg.text(left - 8, y - 7, f"{word} pictures", "heading end")
        for row in group:
            middle = y + step / 2
            x = [left + width * share for share in row["quantiles"]]
            svg.text(left - 8, middle + 4, shorten(row["name"]), "tick end", whole=row["name"])
            svg.line(x[0], middle, x[4], middle, f"spread {word}")
            svg.line(x[1], middle, x[3], middle, f"spread-half {word}")
            svg.circle(x[2], middle, 4, f"median {word}")
            y += step
        y += 24
    bottom = y - 18
    x = left + width * facts["scores"]["threshold"]
    svg.line(x, 8, x, bottom, "threshold")
    svg.line(left, bottom, left + width, bottom, "axis")
    _score_axis(svg, facts, left, width, 8, bottom)
    return svg.markup()


def shorten(name):
    """Cut a long name in its middle, as ends of names tell versions apart."""
    if len(name) <= _LONGEST_NAME:
        return name
    head = (_LONGEST_NAME - 1) // 2
    return f"{name[:head]}…{name[-(_LONGEST_NAME - 1 - head) :]}"


def robustness_charts(facts):
    """Draw, for each perturbation, how rates change with its strength."""
    if facts["robustness"] is None:
        return []
    rows = facts["robustness"]["rows"]
    unchanged = rows[0]
    return [
        _robustness_chart(each, unchanged, [r for r in rows if r["perturbation"] == each["name"]])
        for each in facts["robustness"]["perturbations"]
    ]


def _robustness_chart(perturbation, unchanged, rows):
    left, top, bottom, width = 38, 30, 150, 190
    title = perturbation["name"].replace("_", " ")
    svg = Svg(240, 196, f"Rates by strength of {title}")
    svg.text(left, 16, title, "heading")
    for share in (0, 0.5, 1):
        y = bottom - (bottom - top) * share
        svg.line(left, y, left + width, y, "grid")
        svg.text(left - 6, y + 4, f"{share:.0%}", "tick end")
    columns = [unchanged, *rows]
    labels = ["as is", *(f"{strength:g}" for strength in perturbation["strengths"])]
    step = width / len(columns)
    for metric, kind, aside in (("tpr", "generated", -2), ("fpr", "real", 2)):
        points = []
        for number, row in enumerate(columns):
            if row[metric] is None:
                continue
            x = left + step * (number + 0.5) + aside
            y, low, high = (
                None if share is None else bottom - (bottom - top) * share
                for share in (row[metric], row[f"{metric}_low"], row[f"{metric}_high"])
            )
            if low is not None and high is not None:
                svg.line(x, low, x, high, f"whisker {kind}")
            points.append((x, y))
        if len(points) > 1:
            svg.path(points, f"curve {kind}")
        for x, y in points:
            svg.circle(x, y, 3.5, f"median {kind}")
    for number, label in enumerate(labels):
        svg.text(left + step * (number + 0.5), bottom + 16, label, "tick middle")
    svg.text(left + width / 2, bottom + 36, perturbation["unit"], "label middle")
    return svg.markup()


class Svg:
    """One drawing, in pixels from its upper left corner. The page may scale it."""

    def __init__(self, width, height, title):
        self._root = ElementTree.Element(
            "svg",
            {
                "viewBox": f"0 0 {width:g} {height:g}",
                "role": "img",
                "aria-label": title,
                "class": "chart",
            },
        )

    def line(self, x1, y1, x2, y2, kind, **more):
        """Draw a line; `kind` is its class in the style sheet, `more` further attributes."""
        self._add("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2}, kind, more)

    def path(self, points, kind, **more):
        """Draw a line through points, a list of (x, y)."""
        text = "M" + "L".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self._add("path", {}, kind, {"d": text, **more})

    def rectangle(self, x, y, width, height, kind, **more):
        """Draw a rectangle from its upper left corner."""
        self._add("rect", {"x": x, "y": y, "width": width, "height": height}, kind, more)

    def circle(self, x, y, radius, kind, **more):
        """Draw a circle around a point."""
        self._add("circle", {"cx": x, "cy": y, "r": radius}, kind, more)

    def text(self, x, y, text, kind, whole=None, **more):
        """Write `text`; `whole` is shown where the pointer rests, if it had to be cut."""
        element = self._add("text", {"x": x, "y": y}, kind, more)
        element.text = text
        if whole is not None and whole != text:
            ElementTree.SubElement(element, "title").text = whole

    def _add(self, tag, places, kind, more):
        places = {name: _number(value) for name, value in places.items()}
        others = {name.replace("_", "-"): str(value) for name, value in more.items()}
        return ElementTree.SubElement(self._root, tag, {**places, "class": kind, **others})

    def markup(self):
        """Return the drawing as text, with all that came from outside escaped."""
        return Markup(ElementTree.tostring(self._root, encoding="unicode"))


def _number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")
