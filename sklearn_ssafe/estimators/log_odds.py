"""Probabilities on the scale where a linear head is linear."""

import numpy as np
from scipy.special import logit


def log_odds(probability):
    """Return log(p / (1 - p)), finite also where rounding made p 0 or 1.

    Parameters
    ----------
    probability : float or ndarray of float

    Returns
    -------
    log_odds : float or ndarray of float
        Between -36 and 36.
    """
    smallest = np.finfo(np.float64).eps
    return logit(np.clip(probability, smallest, 1 - smallest))
