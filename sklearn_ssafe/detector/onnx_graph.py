"""A detector as one ONNX graph: prepared pixels to features, features to a score."""

import numpy as np
import torch

from ..encoders.onnx_graph import (
    FEATURES,
    OPSET,
    changed_by,
    graph_of_module,
    need,
    refuse_no_network,
)
from .fold_majority import FoldMajority
from .linear_probe import LinearProbe

VIEWS, SCORE = "views", "score"
_OPSET_OF_HEADS = 3  # ai.onnx.ml


class _Whole(torch.nn.Module):
    """An encoder as a module, from uint8 views to a row for each picture."""

    def __init__(self, encoder, unit_rows):
        super().__init__()
        self.network = encoder.tower.module
        self.encoder = encoder
        self.unit_rows = unit_rows

    def forward(self, views):
        """(n, n_views, height, width, 3) to (n, n_features)."""
        n_images, n_views = views.shape[:2]
        # As `TowerEncoder.encode`, but for operations in place, which a graph does not have.
        pixels = views.flatten(0, 1).permute(0, 3, 1, 2).float().div(255)
        pixels = pixels.sub(self.encoder._mean).div(self.encoder._std)
        rows = self.encoder._features(pixels).float().view(n_images, n_views, -1).mean(1)
        return torch.nn.functional.normalize(rows) if self.unit_rows else rows


def encoder_graph(encoder, unit_rows):
    """Export an encoder of fp32 on the CPU; return the ONNX model."""
    refuse_no_network(encoder)
    grey = np.zeros((1024, 1024, 3), np.uint8)
    views = torch.from_numpy(encoder.prepare(grey))
    if views.dtype != torch.uint8:
        raise TypeError(
            "the encoder's preprocessing is a function of your own that gives floats, and a graph "
            "takes uint8 pixels: preprocess={'size': ..., 'mean': ..., 'std': ...}"
        )
    return graph_of_module(_Whole(encoder, unit_rows), torch.stack([views, views]), VIEWS, FEATURES)


def head_graph(head, n_features):
    """Convert a fitted head; return the ONNX model from features to the score."""
    if isinstance(head, FoldMajority):
        return _majority([head_graph(each, n_features) for each in head.heads])
    onnx, skl2onnx = need("onnx", "skl2onnx")
    from skl2onnx.common.data_types import FloatTensorType

    try:
        model = skl2onnx.to_onnx(
            _as_known(head),
            initial_types=[(FEATURES, FloatTensorType([None, n_features]))],
            options={"zipmap": False},
            target_opset={"": OPSET, "ai.onnx.ml": _OPSET_OF_HEADS},
        )
    except Exception as error:  # its exceptions have no common base
        raise TypeError(
            f"the head {type(head).__name__} has no ONNX form ({_beginning(error)}). Linear heads "
            "and random forests have one."
        ) from error
    # A converter may have called something in between "score" as well.
    model = onnx.compose.add_prefix(model, "inner_", rename_inputs=False)
    probability = model.graph.output[-1].name
    column = onnx.helper.make_tensor("ssafe_column", onnx.TensorProto.INT64, [], [1])
    model.graph.initializer.append(column)
    gather = onnx.helper.make_node("Gather", [probability, "ssafe_column"], [SCORE], axis=1)
    model.graph.node.append(gather)
    del model.graph.output[:]
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(SCORE, onnx.TensorProto.FLOAT, ["n"])
    )
    return model


def _majority(heads):
    """Put graphs of heads side by side; the score is that of the one in the middle, or below."""
    (onnx,) = need("onnx")
    parts = [
        onnx.compose.add_prefix(each, f"fold{number}_", rename_inputs=False).graph
        for number, each in enumerate(heads)
    ]

    def numbers(name, *values, shape=(1,)):
        return onnx.helper.make_tensor(name, onnx.TensorProto.INT64, shape, values)

    node, columns = onnx.helper.make_node, [f"fold{number}_column" for number in range(len(parts))]
    nodes = [each for part in parts for each in part.node]
    for number, column in enumerate(columns):
        nodes.append(node("Unsqueeze", [f"fold{number}_{SCORE}", "majority_axis"], [column]))
    nodes += [
        node("Concat", columns, ["majority_all"], axis=1),
        node("TopK", ["majority_all", "majority_n"], ["majority_up", "majority_at"], largest=0),
        node("Gather", ["majority_up", "majority_middle"], [SCORE], axis=1),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "majority",
        [parts[0].input[0]],
        [onnx.helper.make_tensor_value_info(SCORE, onnx.TensorProto.FLOAT, ["n"])],
        [each for part in parts for each in part.initializer]
        + [
            numbers("majority_axis", 1),
            numbers("majority_n", len(parts)),
            numbers("majority_middle", (len(parts) - 1) // 2, shape=()),
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=heads[0].opset_import)
    model.ir_version = heads[0].ir_version
    return model


def joined(encoder, head):
    """Put the head behind the encoder; the features stay an output. `encoder` may be None."""
    if encoder is None:
        return head
    (onnx,) = need("onnx")
    head.ir_version = encoder.ir_version = min(encoder.ir_version, head.ir_version)
    inner = onnx.compose.add_prefix(head, "head_", rename_outputs=False)
    model = onnx.compose.merge_models(encoder, inner, io_map=[(FEATURES, f"head_{FEATURES}")])
    model.graph.output.append(
        next(output for output in encoder.graph.output if output.name == FEATURES)
    )
    onnx.checker.check_model(model)
    return model


def quantised(model, views):
    """Return an encoder's graph in int8, with the ranges that it has on these prepared pictures."""
    (quantization,) = need("onnxruntime.quantization")

    class Pictures(quantization.CalibrationDataReader):
        def __init__(self):
            self._left = iter(views)

        def get_next(self):
            one = next(self._left, None)
            return None if one is None else {VIEWS: one[None]}

    def quantise(before, after):
        quantization.quantize_static(
            before,
            after,
            Pictures(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            # Seven bits: sums of eight overflow on processors that lack VNNI.
            reduce_range=True,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            nodes_to_exclude=_fragile(model),
        )

    return changed_by(quantise, model)


def _fragile(model):
    """Names of convolutions that eight bits ruin: the first, and those of one channel a group."""
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    groups = [
        {attribute.name: attribute.i for attribute in node.attribute}.get("group", 1)
        for node in convolutions
    ]
    return [node.name for k, node in enumerate(convolutions) if k == 0 or groups[k] > 1]


def _as_known(head):
    """Return the head as types that converters know: a probe is a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    if not isinstance(head, LinearProbe):
        return head
    known = LogisticRegression()
    known.coef_, known.intercept_ = head.coef_.astype(float), head.intercept_.astype(float)
    known.classes_, known.n_features_in_ = head.classes_, head.n_features_in_
    return known


def _beginning(error):
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= 100 else f"{line[:100]}..."
