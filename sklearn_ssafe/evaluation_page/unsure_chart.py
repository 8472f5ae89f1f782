"""Coverage against risk, drawn for the page."""

from .charts import Svg


def unsure_chart(facts):
    """Draw the risk of each class, and of its worst name, against the share with a verdict."""
    left, top, side, bottom = 48, 10, 296, 230
    svg = Svg(360, 270, "Wrong verdicts against the share of pictures with a verdict")
    curves = facts["curves"]
    highest = max(point[2] for points in curves.values() for point in points)
    own = facts["own"] or {}
    highest = max([highest, 0.01, *(point["worst_risk"] for point in own.values())])

    def place(coverage, risk):
        return left + side * coverage, bottom - (bottom - top) * risk / highest

    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = place(share, share * highest)
        svg.line(left, y, left + side, y, "grid")
        svg.line(x, top, x, bottom, "grid")
        svg.text(left - 6, y + 4, f"{100 * share * highest:.3g} %", "tick end")
        svg.text(x, bottom + 16, f"{share:.0%}", "tick middle")
    for word, points in curves.items():
        svg.path([place(point[0], point[2]) for point in points], f"curve {word} worst")
        svg.path([place(point[0], point[1]) for point in points], f"curve {word} all")
    for word, point in own.items():
        for risk in ("risk", "worst_risk"):
            svg.circle(*place(point["coverage"], point[risk]), 4.5, f"median {word}")
    svg.text(left + side / 2, 266, "pictures with a verdict", "label middle")
    return svg.markup()
