"""Figures as people read them, on pages and in sentences."""

import math
from decimal import ROUND_HALF_UP, Decimal

MISSING = "\N{EN DASH}"


def percent(share):
    """Write a share with as many digits as say something.

    Parameters
    ----------
    share : float or None
        From 0 to 1; None or NaN where there is none.

    Returns
    -------
    text : str
        Such as ``"4.2 %"``.

    Examples
    --------
    >>> percent(0.042), percent(0.125), percent(0.996), percent(0.0004), percent(1.0)
    ('4.2 %', '13 %', '99.6 %', '0.04 %', '100 %')
    """
    if share is None or math.isnan(share):
        return MISSING
    value = 100 * share
    if value in (0, 100) or 10 <= value < 99:
        return f"{_rounded(value, 0)} %"
    if value >= 99:
        return f"{_rounded(min(value, 99.9), 1)} %"
    return f"{_rounded(value, 1) if value >= 0.1 else _rounded(max(value, 0.01), 2)} %"


def _rounded(value, n_digits):
    """Round halves up, as the page's own script does."""
    return Decimal(value).quantize(Decimal(1).scaleb(-n_digits), ROUND_HALF_UP)


def interval(low, high):
    """Write the ends of an interval of shares.

    Parameters
    ----------
    low, high : float or None
        None or NaN where there is no interval.

    Returns
    -------
    text : str
        Such as ``"1 to 9.3 %"``, or nothing.

    Examples
    --------
    >>> interval(0.01, 0.093)
    '1.0 to 9.3 %'
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def decimals(value):
    """Write a figure of merit.

    Parameters
    ----------
    value : float or None
        None or NaN where there is none.

    Returns
    -------
    text : str
        With three decimals.
    """
    return MISSING if value is None or math.isnan(value) else f"{value:.3f}"


def score_text(score):
    """Write a score so that one near 0 or 1 is not taken for 0 or 1.

    Parameters
    ----------
    score : float
        A probability or any other score.

    Returns
    -------
    text : str
        With three digits, or as many nines or zeros as it takes, at most six decimals.

    Examples
    --------
    >>> score_text(0.73912), score_text(0.999731), score_text(0.00021), score_text(-12.3)
    ('0.739', '0.99973', '0.00021', '-12.3')
    """
    if not 0 < score < 1:
        return f"{score:.4g}"
    from_the_end = min(score, 1 - score)
    digits = min(6, max(3, 1 - math.floor(math.log10(from_the_end))))
    return f"{score:.{digits}f}"
