"""Two classes, whatever their names."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target


def binary_labels(y, name):
    """Find the two classes of a target.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels, already checked to be one column.
    name : str
        The estimator, for the messages.

    Returns
    -------
    classes : ndarray of shape (2,)
        Sorted.
    y : ndarray of int, shape (n_samples,)
        0 for the first class, 1 for the second.

    Raises
    ------
    ValueError
        The labels are not two classes.
    """
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind != "binary":
        raise ValueError(
            f"Only binary classification is supported. The type of the target is {kind}."
        )
    classes, y = np.unique(y, return_inverse=True)
    if len(classes) != 2:
        raise ValueError(
            f"{name} needs two classes, real and generated, and y has one class only: "
            f"{classes[0]!r}"
        )
    return classes, y
