"""What a detector is worth after a picture was compressed, resized or shared."""

from ..public import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "RobustnessCurve": "result",
        "RobustnessCurveDisplay": "display",
        "robustness_curve": "curve",
    },
)
