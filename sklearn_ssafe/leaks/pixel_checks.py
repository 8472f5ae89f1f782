"""What is asked of the pixels: whether there is colour, a history as JPEG, a corner that is lit."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn

from .file_checks import PropertyCheck
from .predictors import MeanDifferencePredictor, most_like_each_class, need_both_classes
from .result import Example, Finding

# Formats that lose nothing, so that a trace of JPEG is one of what was before.
_LOSSLESS = (None, "PNG", "BMP", "TIFF", "PPM")
_BLOCK = 8
_MOST_PIXELS = 512  # a side of what is looked at


@dataclass(frozen=True)
class PixelFacts:
    """What the pixels of one picture tell; `jpeg_history` is None where its own file is lossy."""

    has_colour: bool
    jpeg_history: float | None
    corner_steps: np.ndarray


def look_at_pixels(picture, grey, file_format):
    """Look at a picture, of which a small grey version and the format are known."""
    pixels = picture.read()
    history = None
    if file_format in _LOSSLESS and min(pixels.shape[:2]) >= 2 * _BLOCK:
        history = jpeg_history(pixels[:_MOST_PIXELS, :_MOST_PIXELS].astype(np.float32).mean(axis=2))
    return PixelFacts(has_colour(pixels), history, corner_steps(grey))


def has_colour(pixels):
    """Whether one pixel in a hundred or more has channels that differ by more than rounding."""
    some = pixels[:: max(1, len(pixels) // 128), :: max(1, pixels.shape[1] // 128)].astype(int)
    return bool((np.ptp(some, axis=2) > 6).mean() > 0.01)


def jpeg_history(grey):
    """Say how much smaller DCT coefficients are in JPEG's blocks than in others, in logarithms.

    Quantisation makes many of them nothing, in blocks of 8 x 8 from the top left corner. Blocks
    four pixels further have no part in it. About 0 where there is no such history.
    """
    return float((_log_coefficients(grey[4:, 4:]) - _log_coefficients(grey)).ravel()[1:].mean())


def _log_coefficients(grey):
    height, width = (side // _BLOCK for side in grey.shape)
    blocks = grey[: height * _BLOCK, : width * _BLOCK].reshape(height, _BLOCK, width, _BLOCK)
    waves = dctn(blocks, axes=(1, 3), norm="ortho")
    # The median over blocks: a mark put on later covers some of them.
    return np.median(np.log(np.abs(waves) + 0.5), axis=(0, 2))


# Sides of the squares in a corner, as shares of the shorter side of the picture.
_SIDES = np.arange(6, 88) / 256
_CORNERS = ("top left", "top right", "bottom left", "bottom right")
_MOST_LEVELS = 40


def corner_steps(grey):
    """Mean just inside the edge of a square in a corner, less that just outside, in levels.

    A row for each corner, a column for each size of the square, shape (4, 82).
    """
    shorter = min(grey.shape)
    band = max(1, shorter // 64)
    inner = np.maximum(np.rint(_SIDES * shorter).astype(int), band)
    n = inner[-1] + band
    steps = np.empty((4, len(_SIDES)), dtype=np.float32)
    for number, turned in enumerate((grey, grey[:, ::-1], grey[::-1], grey[::-1, ::-1])):
        corner = turned[:n, :n].astype(np.float64)
        sums = np.append(0, np.cumsum(np.cumsum(corner, axis=0), axis=1).diagonal())
        sizes = np.arange(n + 1) ** 2

        def mean(start, end, sums=sums, sizes=sizes):
            return (sums[end] - sums[start]) / (sizes[end] - sizes[start])

        steps[number] = mean(inner - band, inner) - mean(inner, inner + band)
    return np.clip(steps, -_MOST_LEVELS, _MOST_LEVELS)


@dataclass(frozen=True)
class CornerLightCheck:
    """Whether a square in a corner that is brighter or darker tells the classes apart."""

    code: str = "corner_brightness"
    title: str = "corner brighter or darker than around it"
    severity: str = "leak"
    advice: str = (
        "Look at the examples. Crop the corner away from both classes alike, or take originals "
        "without."
    )

    def predictor(self, pictures):
        """Take the steps at the edges of squares of all sizes."""
        need_both_classes(pictures.y)
        steps = np.stack([facts.corner_steps.ravel() for facts in pictures.pixels])
        # The three sizes that differ most: an edge is a pixel or two wide.
        return MeanDifferencePredictor(np.arange(len(steps)), steps, 3)

    def matters(self, pictures, predictor, auc, min_auc):
        """Whether the AUC is large enough."""
        return auc >= min_auc

    def finding(self, pictures, predictor, auc, p_value):
        """Say what was found."""
        y = pictures.y
        generated, real = (predictor.features[y == label].mean(axis=0) for label in (1, 0))
        spread = predictor.features.std(axis=0) + 1e-3
        place = int(np.argmax(np.abs(generated - real) / spread)) // len(_SIDES)
        return Finding(
            code=self.code,
            title=f"{self.title} ({_CORNERS[place]})",
            severity=self.severity,
            auc=auc,
            p_value=p_value,
            n_images=len(y),
            advice=self.advice,
            examples=tuple(
                Example.of(pictures, row, _CORNERS[place])
                for row in most_like_each_class(predictor, y)
            ),
        )


PIXEL_CHECKS = [
    PropertyCheck(
        code="colourless",
        title="no colour, whatever the file stores",
        severity="leak",
        advice="Leave pictures without colour out, or have them on both sides.",
        of="pixels",
        value=lambda facts: "colour" if facts.has_colour else "no colour",
    ),
    PropertyCheck(
        code="jpeg_history",
        title="traces of JPEG under a format that loses nothing",
        severity="leak",
        advice="One class was JPEG before. Equalizing does not undo that: take pictures of like "
        "history on both sides.",
        of="pixels",
        value=lambda facts: facts.jpeg_history,
        show="{:.2f}".format,
    ),
    CornerLightCheck(),
]
