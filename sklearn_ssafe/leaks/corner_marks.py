"""The corners of a picture, with what it shows filtered out as far as possible."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

from .predictors import MeanDifferencePredictor, most_like_each_class, need_both_classes
from .result import Example, Finding

SIDE = 16


def corner_patches(grey):
    """Cut out the four corners, and the four patches diagonally inside of them, to compare with.

    A corner is a quarter of the shorter side, so that a mark falls on the same cells whatever the
    size of the picture. Local means are taken away and contrast is levelled: what remains of a
    scene averages out over pictures, and what remains of a mark does not. The order is top left,
    top right, bottom left, bottom right; the values are -3 to 3.
    """
    height, width = grey.shape
    side = max(1, min(height, width) // 4)
    picture = Image.fromarray(grey)
    patches = np.empty((8, SIDE, SIDE), dtype=np.float16)
    for number in range(8):
        inset = side if number >= 4 else 0
        bottom, right = divmod(number % 4, 2)
        left = width - side - inset if right else inset
        top = height - side - inset if bottom else inset
        box = (left, top, left + side, top + side)
        patch = picture.resize((SIDE, SIDE), Image.Resampling.BOX, box=box)
        detail = np.asarray(patch, dtype=np.float32)
        detail = detail - uniform_filter(detail, 5, mode="nearest")
        patches[number] = np.clip(detail / (detail.std() + 2), -3, 3)
    return patches


_CORNERS = ("top left", "top right", "bottom left", "bottom right")
# Of 256: a mark covers a part of the corner only.
_N_CELLS = 25


class CornersPredictor:
    """Sees the four corners, and judges each beyond its inner neighbour.

    What differs between the classes everywhere, such as the grid of an upsampling, is found in the
    inner neighbour of a corner as well, and is no mark. So only what a corner has more than its
    neighbour counts.
    """

    def __init__(self, patches, y):
        flat = patches.reshape(len(patches), 8, SIDE * SIDE)
        rows = np.arange(len(flat))
        self._places = [
            MeanDifferencePredictor(rows, flat[:, number], _N_CELLS) for number in range(8)
        ]
        self.corner = int(np.argmax(self._beyond(y[:, None] == 1)[:, 0]))

    def auc(self, y, folds):
        """Cross-validate; the AUC of the neighbour is taken off."""
        corner, neighbour = (
            self._places[place].auc(y, folds) for place in (self.corner, self.corner + 4)
        )
        return corner - max(0.0, neighbour - 0.5)

    def strength(self, labels):
        """Strength of the strongest corner; as `KindPredictor.strength`."""
        return self._beyond(labels).max(axis=0)

    def _beyond(self, labels):
        strength = np.array([place.strength(labels) for place in self._places])
        return strength[:4] - strength[4:]

    def strongest(self, y):
        """Return the three pictures that are most like each class in the corner, real first."""
        return most_like_each_class(self._places[self.corner], y)


@dataclass(frozen=True)
class CornerCheck:
    """Whether a mark at a fixed place in a corner tells the classes apart."""

    code: str = "corner_mark"
    title: str = "mark or frame in a corner"
    severity: str = "leak"
    advice: str = (
        "Look at the examples. Crop the marks away from both classes alike, or take originals "
        "without."
    )

    def predictor(self, pictures):
        """Take the corners."""
        need_both_classes(pictures.y)
        return CornersPredictor(pictures.patches, pictures.y)

    def matters(self, pictures, predictor, auc, min_auc):
        """Whether the AUC is large enough."""
        return auc >= min_auc

    def finding(self, pictures, predictor, auc, p_value):
        """Say what was found."""
        place = _CORNERS[predictor.corner]
        return Finding(
            code=self.code,
            title=f"{self.title} ({place})",
            severity=self.severity,
            auc=auc,
            p_value=p_value,
            n_images=len(pictures.y),
            advice=self.advice,
            examples=tuple(
                Example.of(pictures, row, place) for row in predictor.strongest(pictures.y)
            ),
        )
