"""Exact counts of whole-number codes, one histogram for each picture."""

from functools import cache
from itertools import product

import torch

TRUNCATION = 2
"""Residuals are quantised to whole numbers from -2 to 2."""

LEVELS = range(-TRUNCATION, TRUNCATION + 1)


def count_codes(codes, n_codes):
    """Histogram of the codes of each picture.

    Parameters
    ----------
    codes : torch.Tensor of integers, shape (n_images, ...)
        Values from 0 to ``n_codes - 1``.
    n_codes : int
        Number of histogram bins.

    Returns
    -------
    counts : torch.Tensor of float32, shape (n_images, n_codes)
        Exact, whatever the batch size, up to 2**24 codes a picture.
    """
    n_images = codes.shape[0]
    codes = codes.reshape(n_images, -1)
    if n_images > 1:
        # One histogram for the whole batch: each picture has its own range of codes.
        codes = codes + n_codes * torch.arange(n_images, device=codes.device)[:, None]
    counts = torch.bincount(codes.ravel(), minlength=n_images * n_codes)
    return counts.view(n_images, n_codes).float()


def shares(counts):
    """Divide each histogram (last dimension) by its sum."""
    return counts / counts.sum(-1, keepdim=True)


def frequencies(codes, n_codes):
    """Relative frequency of each code in each picture, see `count_codes`."""
    return shares(count_codes(codes, n_codes))


def quantise(residual, step):
    """Round ``residual / step`` to whole numbers and truncate them to -2 ... 2."""
    return (residual.float() * (1 / step)).round_().clamp_(-TRUNCATION, TRUNCATION).to(torch.int8)


def triple_codes(first, second, third):
    """Give a number from 0 to 124 to each triple of quantised residuals."""
    return first * 25 + second * 5 + third + 62


def count_row_triples(digits):
    """Count triples of neighbours in the rows, shape (n_images, 125)."""
    return count_codes(triple_codes(digits[..., :-2], digits[..., 1:-1], digits[..., 2:]), 125)


def count_column_triples(digits):
    """Count triples of neighbours in the columns, shape (n_images, 125)."""
    codes = triple_codes(digits[..., :-2, :], digits[..., 1:-1, :], digits[..., 2:, :])
    return count_codes(codes, 125)


def count_row_and_column_triples(digits):
    """Count triples of neighbours in rows and columns together."""
    return count_row_triples(digits) + count_column_triples(digits)


@cache
def triple_classes(reversible):
    """Group the 125 triples that differ only by sign, or by sign and direction.

    Parameters
    ----------
    reversible : bool
        Whether a triple and its mirror image count as one.

    Returns
    -------
    representatives : tuple of tuple of int
        One triple for each class: 39 classes where `reversible`, else 63.
    membership : torch.Tensor of float32, shape (125, n_classes)
        1 where a triple belongs to a class. ``frequencies @ membership`` adds them up.
    """

    def representative(triple):
        variants = [triple, tuple(-value for value in triple)]
        if reversible:
            variants += [variant[::-1] for variant in variants]
        return max(variants)

    triples = list(product(LEVELS, repeat=3))
    representatives = sorted({representative(triple) for triple in triples})
    membership = torch.zeros(len(triples), len(representatives))
    for row, triple in enumerate(triples):
        membership[row, representatives.index(representative(triple))] = 1
    return tuple(representatives), membership


def triple_names(reversible):
    """Text such as ``"2_0_-1"`` for each class of `triple_classes`."""
    return ["_".join(map(str, triple)) for triple in triple_classes(reversible)[0]]
