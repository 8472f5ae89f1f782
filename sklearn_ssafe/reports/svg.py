"""Small charts as SVG inside a page: no library, sharp in print, readable by a screen reader."""

from xml.etree import ElementTree

from markupsafe import Markup


class Svg:
    """One drawing, in pixels from its upper left corner.

    Parameters
    ----------
    width, height : float
        Its size. The page may scale it.
    title : str
        What it shows, for those who cannot see it.
    """

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
