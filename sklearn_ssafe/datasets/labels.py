"""The words that tables and folders use for real and for generated."""

GENERATED_WORDS = ("1", "true", "generated", "fake", "ai", "synthetic", "artificial")
REAL_WORDS = ("0", "false", "real", "photo", "photograph", "natural", "nature", "authentic")
_LABELS = {**dict.fromkeys(REAL_WORDS, 0), **dict.fromkeys(GENERATED_WORDS, 1)}


def parse_labels(values, where):
    """Turn words into 0 (real) and 1 (generated).

    Parameters
    ----------
    values : list of str
    where : str
        What the error calls the place they come from.

    Returns
    -------
    labels : list of int

    Raises
    ------
    ValueError
        If a value is not in `REAL_WORDS` or `GENERATED_WORDS`.
    """
    labels = [_LABELS.get(value.lower()) for value in values]
    unknown = [row for row, label in enumerate(labels) if label is None]
    if unknown:
        seen = list(dict.fromkeys(values[row] for row in unknown))
        shown = ", ".join(repr(value) for value in seen[:5]) + (" …" if len(seen) > 5 else "")
        raise ValueError(
            f"{len(unknown)} of {len(values)} labels in {where} are not understood: {shown} "
            f"(first in data row {unknown[0] + 1}). "
            f"Real is one of {', '.join(REAL_WORDS)}; "
            f"generated is one of {', '.join(GENERATED_WORDS)}."
        )
    return labels
