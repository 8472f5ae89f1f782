"""Which columns of an encoder measure the same kind of thing."""

import re

from ..encoders.forensic import ForensicEncoder


def feature_families(names):
    """Name the family of every column that an encoder makes.

    Parameters
    ----------
    names : iterable of str
        Names of columns.

    Returns
    -------
    families : dict of str to str
        For the embedded encoder its families of measurements; else the name without its number.

    Examples
    --------
    >>> feature_families(["noise_log_std_percentile_02", "ViT-B-32_block11_cls_0042"])
    {'noise_log_std_percentile_02': 'noise', 'ViT-B-32_block11_cls_0042': 'ViT-B-32_block11_cls'}
    """
    forensic = ForensicEncoder()
    known = dict(zip(forensic.feature_names, forensic.feature_families, strict=True))
    return {name: str(known.get(name, re.sub(r"_?\d+$", "", name) or name)) for name in names}
