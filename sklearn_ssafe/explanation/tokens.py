"""What a score owes to each patch token, where it is linear in them."""

import numpy as np
import torch


class NoTokensError(ValueError):
    """A score is not linear in the tokens of patches."""


def token_map(encoder, head, picture):
    """Share the log-odds among the patches of a picture, exactly.

    Where the features are means of patch tokens, the row of unit length is the mean over patches of
    token / length, and a linear head gives each patch its own term: together with the intercept
    they add up to the log-odds.

    Parameters
    ----------
    encoder : Encoder
    head : classifier
        Fitted.
    picture : ndarray of uint8, shape (height, width, 3)
        RGB values.

    Returns
    -------
    view : ndarray of uint8, shape (view_height, view_width, 3)
        The picture as the encoder sees it.
    heat : ndarray of float, shape (n_down, n_right)
        The terms.

    Raises
    ------
    NoTokensError
        The score is not linear in the tokens of patches.
    """
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
    tokens = (
        encoder.encode_tokens(torch.from_numpy(views[None]))[0].cpu().numpy().astype(np.float64)
    )
    length = np.linalg.norm(tokens.mean(axis=0))
    heat = tokens @ np.asarray(head.coef_[0], dtype=np.float64) / (len(tokens) * length)
    height, width = views.shape[1:3]
    side = (height * width / len(tokens)) ** 0.5
    shape = round(height / side), round(width / side)
    if shape[0] * shape[1] != len(tokens):
        raise NoTokensError(f"{len(tokens)} tokens do not cover a picture of {height} x {width}")
    return views[0], heat.reshape(shape)
