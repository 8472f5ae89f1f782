"""A network as an ONNX graph, and its matrix products in 8-bit numbers."""

import importlib
import tempfile
import warnings
from pathlib import Path

import torch

from .tower import TowerEncoder

PIXELS, FEATURES = "pixels", "features"
OPSET = 20
_MOST_BYTES = 2_000_000_000  # of one ONNX file; more needs files beside it
_AT_MOST = 4096  # pictures in a batch, for torch's exporter wants an end


def need(*packages):
    """Import packages of the extra [export]."""
    try:
        return [importlib.import_module(package) for package in packages]
    except ImportError as error:
        raise ImportError(
            f"an export needs the package {error.name}: pip install sklearn-ssafe[export]"
        ) from error


def refuse_no_network(encoder):
    """Raise a TypeError or ValueError where an encoder is no single network, or too large."""
    if not isinstance(encoder, TowerEncoder) or encoder.tower.module is None:
        raise TypeError(
            f"the encoder {encoder.name!r} has no ONNX form: only single networks of torch have "
            "one. Several encoders side by side, 'forensic' and ONNX files have none here."
        )
    n_bytes = sum(each.numel() * 4 for each in encoder.tower.module.parameters())
    if n_bytes > _MOST_BYTES:
        raise ValueError(
            f"{encoder.name} has {n_bytes / 1e9:.1f} GB of weights in fp32, and an ONNX file holds "
            "2 GB"
        )


def graph_of_module(module, example, input_name, output_name):
    """Export a module of one input, whose first axis is free; return the ONNX model."""
    need("onnx", "onnxscript")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch's own, on what it is about to deprecate
        program = torch.onnx.export(
            module.eval(),
            (example,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("n", min=1, max=_AT_MOST)},),
            input_names=[input_name],
            output_names=[output_name],
            opset_version=OPSET,
            verbose=False,
        )
    return program.model_proto


class _Features(torch.nn.Module):
    """An encoder from the network's own input to features."""

    def __init__(self, encoder):
        super().__init__()
        self.network = encoder.tower.module
        self.features = encoder._features

    def forward(self, pixels):
        """(n, 3, height, width) to (n, n_features)."""
        return self.features(pixels).float()


def encoder_graph(encoder, size):
    """Export an encoder of fp32 on the CPU, from normalised pixels of this height and width."""
    return graph_of_module(_Features(encoder), torch.zeros(2, 3, *size), PIXELS, FEATURES)


def changed_by(change, model):
    """Return what ``change(before, after)``, which goes from file to file, makes of a model."""
    (onnx,) = need("onnx")
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.onnx"), Path(folder, "after.onnx")
        onnx.save(model, before)
        change(before, after)
        return onnx.load(after)


def in_int8(model):
    """Return a graph whose matrix products are of 8-bit numbers; None where it has none.

    The weights have a scale for each column, and what they are multiplied with takes the range that
    it has for this picture: a range for all pictures ruins transformers (a cosine of 0.85).
    """
    (quantization,) = need("onnxruntime.quantization")

    def quantise(before, after):
        quantization.quantize_dynamic(
            before,
            after,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
        )

    made = changed_by(quantise, model)
    found = any(node.op_type == "MatMulInteger" for node in made.graph.node)
    return made if found else None
