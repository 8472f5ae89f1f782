"""Which pictures are worth a label: good ones that are unlike each other."""

import numpy as np


def choose_unlike(similarity, quality, n_chosen):
    """Choose rows greedily so that a determinant is largest, quality against similarity.

    The greedy maximum of a determinantal point process with the kernel ``quality_i similarity_ij
    quality_j`` (Kulesza and Taskar, Foundations and Trends in Machine Learning 5, 2012), row by row
    as a pivoted Cholesky decomposition (Chen, Zhang and Zhou, NeurIPS 2018).
    """
    left = quality**2 * similarity.diagonal()
    factors = np.zeros((len(left), 0))
    chosen = []
    while len(chosen) < min(n_chosen, len(left)):
        best = int(np.argmax(np.where(np.isin(np.arange(len(left)), chosen), -np.inf, left)))
        chosen.append(best)
        if left[best] > 1e-12:
            row = quality * similarity[best] * quality[best] - factors @ factors[best]
            factors = np.column_stack([factors, row / np.sqrt(left[best])])
            left = left - factors[:, -1] ** 2
    return np.array(chosen, dtype=int)


def ranks(values):
    """Return the rank of each value, from 0 for the smallest to 1 for the largest."""
    from scipy.stats import rankdata

    return (rankdata(values) - 1) / max(len(values) - 1, 1)
