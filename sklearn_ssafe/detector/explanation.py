"""`Explanation`: what in a picture pushes its verdict, and which training pictures are near."""

import io
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageFilter
from sklearn.utils.validation import check_is_fitted

from ..encoding.transformer import gives_unit_rows, loaded_encoder
from ..images.errors import ImageReadError
from ..images.picture import as_picture
from ..metrics.scores import log_odds
from ..public import public
from .columns import mean_features, tidy_columns
from .default_head import scaled_to_unit_length
from .fold_majority import FoldMajority
from .overlay import draw_overlay

PICTURE = "(picture)"
_METHODS = ("auto", "occlusion", "tokens")
_FILLS = ("blur", "mean")


@public("sklearn_ssafe.detector")
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
        From this score on the verdict is "generated".
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
    columns : pandas.DataFrame or None
        Of a detector with `columns`: ``column``, its ``value`` and ``effect``, the log-odds less
        those with this cell empty, the strongest first; and for the whole picture those with the
        mean features of training, in the row "(picture)". None without `columns`.
    """

    path: str
    score: float
    threshold: float
    is_generated: bool
    method: str
    picture: np.ndarray
    heat: np.ndarray
    nearest: pd.DataFrame | None
    columns: pd.DataFrame | None = None

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


class ExplainedVerdicts:
    """The method `explain` of a detector."""

    def explain(self, image, *, method="auto", grid=8, fill="blur", n_nearest=5):
        """Show which regions of a picture push its verdict, and which training pictures are near.

        Parameters
        ----------
        image : str, Path, bytes, PIL.Image.Image, ndarray of uint8, or table of one row
            One picture; with `columns` a table of one row, whose columns stay as they are.
        method : {"auto", "occlusion", "tokens"}, default="auto"
            With "occlusion" each region is covered in turn and the picture scored again, which
            works with every encoder. "tokens" shares the log-odds among the patches that the
            encoder looks at, exactly and in one pass; it needs an encoder whose features are means
            of patch tokens (``layers=NUMBER, pooling="mean"``) and a linear head. "auto" takes
            tokens where it can.
        grid : int, default=8
            Regions along the longer side, for "occlusion". The picture is encoded once for each
            region.
        fill : {"blur", "mean"}, default="blur"
            What covers a region: its own blurred content, or the mean colour of the picture.
        n_nearest : int, default=5
            How many of the nearest training pictures are named, where `keep_training_rows` kept
            them.

        Returns
        -------
        explanation : Explanation
            With `overlay`, a PIL image; `heat`, the effect of each region on the log-odds;
            `nearest`, a table; and, with `columns`, their effects as a table.

        Raises
        ------
        ImageReadError
            The picture cannot be read.
        TypeError
            The detector has `columns`, and `image` is no table.
        ValueError
            The detector takes embeddings, or has no tokens to explain by.

        Notes
        -----
        Covering a region takes detail away, which moves most scores one way. Look at differences
        between regions more than at the sign of one.
        """
        check_is_fitted(self)
        how = {"method": method, "grid": grid, "fill": fill, "n_nearest": n_nearest}
        if self.columns is None:
            return explain_picture(self, self._encode, self._score_rows, image, **how)
        pictures, table = self._split(image)
        if len(pictures) != 1:
            raise ValueError(f"image must be a table of one row, and has {len(pictures)}")

        def score_rows(rows):
            return self._score_rows(rows, table.iloc[[0] * len(rows)])

        how["method"] = "occlusion" if method == "auto" else method
        explanation = explain_picture(self, self._encode, score_rows, pictures[0], **how)
        row = self._encode([as_picture(pictures[0]).read()])
        explanation.columns = effects_of_columns(self, row, table)
        return explanation


def explain_picture(detector, encode, score_rows, image, *, method, grid, fill, n_nearest):
    """Explain a detector's verdict on one picture; `encode` and `score_rows` are its two halves."""
    if detector.encoder_ is None:
        raise ValueError("explain needs pictures, and this detector takes embeddings")
    if method not in _METHODS or fill not in _FILLS or grid < 1:
        raise ValueError(
            f"method={method!r} must be one of {_METHODS}, fill={fill!r} one of {_FILLS}, "
            f"grid={grid!r} at least 1"
        )
    given = as_picture(image)
    try:
        pixels = given.read()
    except ImageReadError as error:
        raise ImageReadError(f"{given.name}: {error}") from error
    rows = encode([pixels])
    score = float(score_rows(rows)[0])
    if np.isnan(score):
        raise ImageReadError(f"{given.name}: {detector.encoder_.failures_['reason'].iloc[0]}")

    def log_odds_of(pictures):
        return log_odds(score_rows(encode(pictures)))

    method, picture, heat = _measure(detector, rows[0], log_odds_of, pixels, method, grid, fill)
    return Explanation(
        path=given.name,
        score=score,
        threshold=float(detector.threshold_),
        is_generated=score >= detector.threshold_,
        method=method,
        picture=picture,
        heat=heat,
        nearest=_nearest(rows[0], detector.training_rows_, n_nearest),
    )


def _measure(detector, row, log_odds_of, pixels, method, grid, fill):
    """Return the method taken, the picture that its regions lie on, and their effects."""
    if method != "occlusion":
        try:
            encoder = loaded_encoder(detector.encoder_)
            unit_length = detector._unit_rows or gives_unit_rows(detector.encoder_, encoder)
            head = detector.head_
            if isinstance(head, FoldMajority):
                head = head.deciding_head(row.astype(np.float64))
            return "tokens", *token_map(encoder, head, pixels, unit_length)
        except NoTokensError:
            if method == "tokens":
                raise
    return "occlusion", pixels, occlusion_map(pixels, log_odds_of, grid=grid, fill=fill)


def _nearest(row, kept, n_nearest):
    if kept is None:
        return None
    row, rows = (scaled_to_unit_length(each) for each in (row[None], kept.rows))
    similarity = rows @ row[0].astype(np.float32)
    order = np.argsort(-similarity, kind="stable")[:n_nearest]
    return pd.DataFrame(
        {
            "similarity": similarity[order],
            "class": np.where(kept.y[order] == 1, "generated", "real"),
            "name": [kept.names[place] for place in order],
            "path": [kept.paths[place] for place in order],
        }
    )


def effects_of_columns(detector, row, table):
    """Measure what each cell beside a picture does to the log-odds, and the picture as a whole."""
    names = list(table.columns)
    emptied = pd.concat([table] * (len(names) + 2), ignore_index=True).astype(object)
    for place, name in enumerate(names):
        emptied.loc[place, name] = np.nan
    emptied = tidy_columns(emptied, detector.column_kinds_)
    rows = np.repeat(row, len(emptied), axis=0)
    rows[-2] = mean_features(detector.head_)
    *without, whole = log_odds(detector._score_rows(rows, emptied))
    found = pd.DataFrame(
        {
            "column": [*names, PICTURE],
            "value": [*table.iloc[0].tolist(), ""],
            "effect": whole - np.array(without),
        }
    )
    return found.sort_values("effect", key=lambda e: -e.abs(), kind="stable", ignore_index=True)


# Covered copies of one picture that are in memory at a time.
_MOST_BYTES = 2**28
_MOST_AT_ONCE = 64


def occlusion_map(picture, score, *, grid=8, fill="blur"):
    """Score less that with a region covered (Zeiler and Fergus, ECCV 2014), for each region."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    n_down, n_right = (max(1, min(side, round(grid * side / longer))) for side in (height, width))
    rows, columns = _edges(height, n_down), _edges(width, n_right)
    if fill == "mean":
        cover = np.broadcast_to(picture.mean(axis=(0, 1)).astype(np.uint8), picture.shape)
    else:
        sigma = longer / grid / 4
        cover = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(sigma)))

    def covered(down, right):
        copy = picture.copy()
        region = slice(rows[down], rows[down + 1]), slice(columns[right], columns[right + 1])
        copy[region] = cover[region]
        return copy

    regions = list(product(range(n_down), range(n_right)))
    at_once = int(np.clip(_MOST_BYTES // picture.nbytes, 1, _MOST_AT_ONCE))
    scores = [score([picture])]
    for start in range(0, len(regions), at_once):
        scores.append(score([covered(*where) for where in regions[start : start + at_once]]))
    scores = np.concatenate(scores)
    return (scores[0] - scores[1:]).reshape(n_down, n_right)


def _edges(length, n):
    return np.linspace(0, length, n + 1).round().astype(int)


class NoTokensError(ValueError):
    """A score is not linear in the tokens of patches."""


def token_map(encoder, head, picture, unit_length=True):
    """Return the encoder's view of a picture, and the share of each patch in the log-odds."""
    if np.shape(getattr(head, "coef_", None)) != (1, encoder.n_features):
        raise NoTokensError(
            f"the head {type(head).__name__} is not linear: a map of tokens needs "
            "LogisticRegression or LinearProbe"
        )
    if not getattr(encoder, "gives_tokens", False):
        raise NoTokensError(
            f"the features of {encoder.name} are no means of patch tokens: a map of tokens needs "
            'layers=NUMBER and pooling="mean"'
        )
    views = encoder.prepare(picture)
    if len(views) > 1 or views.dtype != np.uint8:
        raise NoTokensError("a map of tokens needs one view a picture, and preprocessing by name")
    # The row is the mean of the tokens, over its length: a linear head gives each its own term.
    tokens = (
        encoder.encode_tokens(torch.from_numpy(views[None]))[0].cpu().numpy().astype(np.float64)
    )
    length = np.linalg.norm(tokens.mean(axis=0)) if unit_length else 1.0
    heat = tokens @ np.asarray(head.coef_[0], dtype=np.float64) / (len(tokens) * length)
    height, width = views.shape[1:3]
    side = (height * width / len(tokens)) ** 0.5
    shape = round(height / side), round(width / side)
    if shape[0] * shape[1] != len(tokens):
        raise NoTokensError(f"{len(tokens)} tokens do not cover a picture of {height} x {width}")
    return views[0], heat.reshape(shape)
