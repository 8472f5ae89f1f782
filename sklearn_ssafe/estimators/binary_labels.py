"""Two classes, whatever their names."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..datasets.labels import GENERATED_WORDS, REAL_WORDS


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


def generated_label(classes, pos_label=None):
    """Say which of two labels means "generated".

    Parameters
    ----------
    classes : ndarray of shape (2,)
        The labels.
    pos_label : object, default=None
        What the user says it is. None takes the larger of two numbers, and knows words such as
        fake and photo.

    Returns
    -------
    label : object
        One of `classes`.

    Raises
    ------
    ValueError
        `pos_label` is no label, or is needed and missing.
    """
    labels = classes.tolist()
    if pos_label is not None:
        if pos_label not in labels:
            raise ValueError(f"pos_label={pos_label!r} is none of the labels {labels}")
        return pos_label
    if not isinstance(labels[0], str):
        return labels[1]
    generated = [label for label in labels if label.lower() in GENERATED_WORDS]
    real = [label for label in labels if label.lower() in REAL_WORDS]
    if len(generated) == 1:
        return generated[0]
    if len(real) == 1:
        return labels[1 - labels.index(real[0])]
    raise ValueError(
        f"which of the labels {labels} means generated? Say so, such as pos_label={labels[1]!r}"
    )
