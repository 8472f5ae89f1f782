"""Small ONNX files, and what they compute, computed by torch."""

import numpy as np
import pytest
import torch

# Neither is needed for anything else.
pytest.importorskip("onnxruntime", reason="onnxruntime, of the extra [onnx], is not installed")
onnx = pytest.importorskip("onnx", reason="onnx, which makes the test's files, is not installed")

RNG = np.random.default_rng(5)
KERNEL = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)
BIAS = RNG.normal(size=4).astype(np.float32)
PROJECTION = RNG.normal(size=(4, 6)).astype(np.float32)

FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def expected(pixels):
    """All outputs of `tower_nodes`, of pixels (n, 3, height, width)."""
    maps = torch.nn.functional.conv2d(pixels, torch.from_numpy(KERNEL), torch.from_numpy(BIAS))
    maps = maps.relu()
    pooled = maps.mean((2, 3))
    return {
        "maps": maps,
        "tokens": maps.flatten(2).transpose(1, 2),
        "embedding": pooled @ torch.from_numpy(PROJECTION),
        "pooled": pooled,
    }


def tower_nodes(projection=None):
    """Nodes from "pixels" to the outputs of `expected`, with the tensors that they need."""
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["pixels", "kernel", "bias"], ["convolved"]),
        node("Relu", ["convolved"], ["maps"]),
        node("Reshape", ["maps", "as_tokens"], ["columns"]),
        node("Transpose", ["columns"], ["tokens"], perm=[0, 2, 1]),
        node("ReduceMean", ["maps"], ["pooled"], axes=[2, 3], keepdims=0),
        *(projection or [node("MatMul", ["pooled", "projection"], ["embedding"])]),
    ]
    tensors = {
        "kernel": KERNEL,
        "bias": BIAS,
        "projection": PROJECTION,
        "as_tokens": np.array([0, 4, -1], dtype=np.int64),
    }
    return nodes, tensors


def save(file, nodes, tensors, outputs, shape=("n", 3, 16, 16), inputs=None, **options):
    """Write a file that takes "pixels" and gives these outputs, of any shape."""
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "small",
        inputs or [value("pixels", FLOAT, list(shape))],
        [value(name, FLOAT, None) for name in outputs],
        [onnx.numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()],
    )
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), file, **options)
    return file


def save_tower(file, outputs=("maps", "embedding", "pooled", "tokens"), **options):
    """Write the tower of `expected`."""
    return save(file, *tower_nodes(), outputs, **options)


def dynamically_quantised():
    """Nodes that project "pooled" in int8, with a scale from the range of the whole batch."""
    node = onnx.helper.make_node
    scale = np.abs(PROJECTION).max() / 127
    tensors = {
        "weights": np.round(PROJECTION / scale).astype(np.int8),
        "weights_scale": np.float32(scale),
    }
    nodes = [
        node("DynamicQuantizeLinear", ["pooled"], ["bytes", "scale", "zero"]),
        node("MatMulInteger", ["bytes", "weights", "zero"], ["products"]),
        node("Cast", ["products"], ["floats"], to=FLOAT),
        node("Mul", ["scale", "weights_scale"], ["both_scales"]),
        node("Mul", ["floats", "both_scales"], ["embedding"]),
    ]
    return nodes, tensors


def expected_dynamically_quantised(pooled):
    """What these nodes give for one row, by the operators' definitions."""
    _, tensors = dynamically_quantised()
    low, high = min(0.0, pooled.min().item()), max(0.0, pooled.max().item())
    scale = np.float32((high - low) / 255)
    zero = np.clip(np.round(-low / scale), 0, 255)
    quantised = np.clip(np.round(pooled.numpy() / scale) + zero, 0, 255)
    return (quantised - zero) @ tensors["weights"].astype(float) * scale * tensors["weights_scale"]
