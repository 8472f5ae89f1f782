"""A file with one linear layer, read without running anything in it."""

import json
from pathlib import Path

import numpy as np

from ..encoders.checksums import sha256_of_file
from ..exceptions import WeightsFileError, WeightsNotFoundError


def read_linear_layer(file):
    """Read the weights and the bias of one score."""
    file = Path(file).expanduser()
    if not file.is_file():
        raise WeightsNotFoundError(f"{str(file)!r}: there is no such file.")
    arrays = _from_json(file) if file.suffix == ".json" else _from_tensors(file)
    weight, bias = _one_score(file, arrays)
    return weight, bias, f"{file.name}, SHA-256 {sha256_of_file(file)}"


def _from_json(file):
    try:
        layer = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(layer, dict) or not {"weight"} <= set(layer) <= {"weight", "bias"}:
            raise ValueError("its keys must be weight and bias, and nothing else")
        return {name: np.array(values, dtype=np.float64) for name, values in layer.items()}
    except (ValueError, TypeError) as error:
        raise WeightsFileError(
            f'{file}: not a linear layer {{"weight": [...], "bias": ...}} ({error}).'
        ) from error


def _from_tensors(file):
    from ..encoders.weights import read_checkpoint

    return {name: tensor.double().numpy() for name, tensor in read_checkpoint(file).items()}


def _one_score(file, arrays):
    """Return weights and bias of the log-odds of the second class."""
    by_part = {name.rpartition(".")[2]: array for name, array in arrays.items()}
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
    if len(arrays) != len(by_part) or not {"weight"} <= set(by_part) <= {"weight", "bias"}:
        raise WeightsFileError(
            f"{file}: it holds {shapes}. One linear layer is wanted, a weight and a bias: save "
            "that layer's state_dict to a file of its own."
        )
    weight = np.atleast_2d(by_part["weight"])
    bias = np.atleast_1d(by_part.get("bias", np.zeros(len(weight))))
    if weight.ndim != 2 or len(weight) > 2 or bias.shape != (len(weight),):
        raise WeightsFileError(
            f"{file}: it holds {shapes}. A layer with one score of each picture is wanted, or with "
            "two, of which the second is the one for generated."
        )
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise WeightsFileError(f"{file}: some of its values are not finite.")
    if len(weight) == 2:  # softmax of two scores is the sigmoid of their difference
        return weight[1] - weight[0], float(bias[1] - bias[0])
    return weight[0], float(bias[0])
