"""`Explanation`: what in a picture pushes its verdict, and which training pictures are near."""

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..explanation.occlusion import occlusion_map
from ..explanation.overlay import draw_overlay
from ..explanation.tokens import NoTokensError, token_map
from ..images.inputs import describe
from ..images.reading import ImageReadError, read_image
from .log_odds import log_odds

_METHODS = ("auto", "occlusion", "tokens")
_FILLS = ("blur", "mean")


@dataclass(repr=False)
class Explanation:
    """Why a detector says what it says of one picture.

    In a notebook it shows its overlay.

    Attributes
    ----------
    path : str
        The picture.
    score : float
        Probability of "generated".
    threshold : float
        Above it the verdict is "generated".
    is_generated : bool
        The verdict.
    method : {"occlusion", "tokens"}
        How the regions were measured.
    picture : ndarray of uint8, shape (height, width, 3)
        What `heat` lies on: the picture, or with "tokens" its view through the encoder.
    heat : ndarray of float, shape (n_down, n_right)
        Effect of each region on the log-odds, above 0 towards "generated".
    nearest : pandas.DataFrame or None
        The training pictures nearest to this one: ``similarity`` (cosine), ``class``, ``name``
        (generator or source) and ``path``. None where the detector keeps no training rows.
    """

    path: str
    score: float
    threshold: float
    is_generated: bool
    method: str
    picture: np.ndarray
    heat: np.ndarray
    nearest: pd.DataFrame | None

    def overlay(self):
        """Draw the regions on the picture.

        Returns
        -------
        overlay : PIL.Image.Image
            Orange, with a plus, pushes towards generated; blue, with a minus, towards real. The
            verdict stands below.
        """
        verdict = "generated" if self.is_generated else "real"
        lines = [
            f"{verdict}: score {self.score:.3f}, threshold {self.threshold:.3f}",
            "orange, +: towards generated; blue, -: towards real",
            f"strongest region: {np.abs(self.heat).max():.2g} in log-odds, by {self.method}",
        ]
        return draw_overlay(self.picture, self.heat, lines)

    def frame(self):
        """Tabulate the regions.

        Returns
        -------
        table : pandas.DataFrame
            ``top``, ``left``, ``bottom``, ``right`` in pixels of `picture`, and ``effect``, the
            strongest first.
        """
        height, width = self.picture.shape[:2]
        n_down, n_right = self.heat.shape
        rows = np.linspace(0, height, n_down + 1).round().astype(int)
        columns = np.linspace(0, width, n_right + 1).round().astype(int)
        down, right = np.indices(self.heat.shape).reshape(2, -1)
        table = pd.DataFrame(
            {
                "top": rows[down],
                "left": columns[right],
                "bottom": rows[down + 1],
                "right": columns[right + 1],
                "effect": self.heat.ravel(),
            }
        )
        strongest = table["effect"].abs().sort_values(ascending=False, kind="stable").index
        return table.loc[strongest].reset_index(drop=True)

    def __repr__(self):
        verdict = "generated" if self.is_generated else "real"
        return f"<{self.path}: {verdict}, score {self.score:.3f}, by {self.method}>"

    def _repr_png_(self):
        content = io.BytesIO()
        self.overlay().save(content, "PNG")
        return content.getvalue()


def explain_picture(detector, image, *, method, grid, fill, n_nearest):
    """Explain a detector's verdict on one picture.

    Parameters
    ----------
    detector : SSAFEClassifier
        Fitted.
    image, method, grid, fill, n_nearest
        As for `SSAFEClassifier.explain`.

    Returns
    -------
    explanation : Explanation
    """
    if detector.encoder_ is None:
        raise ValueError("explain needs pictures, and this detector takes embeddings")
    if method not in _METHODS or fill not in _FILLS or grid < 1:
        raise ValueError(
            f"method={method!r} must be one of {_METHODS}, fill={fill!r} one of {_FILLS}, "
            f"grid={grid!r} at least 1"
        )
    try:
        pixels = read_image(image)
    except ImageReadError as error:
        raise ImageReadError(f"{describe(image)}: {error}") from error
    rows = detector._encode([pixels])
    score = float(detector._score_rows(rows)[0])
    if np.isnan(score):
        raise ImageReadError(f"{describe(image)}: {detector.encoder_.failures_['reason'].iloc[0]}")
    method, picture, heat = _measure(detector, pixels, method, grid, fill)
    return Explanation(
        path=describe(image),
        score=score,
        threshold=float(detector.threshold_),
        is_generated=score > detector.threshold_,
        method=method,
        picture=picture,
        heat=heat,
        nearest=_nearest(rows[0], detector.training_rows_, n_nearest),
    )


def _measure(detector, pixels, method, grid, fill):
    """Return the method taken, the picture that its regions lie on, and their effects."""
    if method != "occlusion":
        try:
            return "tokens", *token_map(detector.encoder_._load(), detector.head_, pixels)
        except NoTokensError:
            if method == "tokens":
                raise

    def score(pictures):
        return log_odds(detector._score_rows(detector._encode(pictures)))

    return "occlusion", pixels, occlusion_map(pixels, score, grid=grid, fill=fill)


def _nearest(row, kept, n_nearest):
    if kept is None:
        return None
    similarity = kept.rows @ row.astype(np.float32)
    order = np.argsort(-similarity, kind="stable")[:n_nearest]
    return pd.DataFrame(
        {
            "similarity": similarity[order],
            "class": np.where(kept.y[order] == 1, "generated", "real"),
            "name": [kept.names[place] for place in order],
            "path": [kept.paths[place] for place in order],
        }
    )
