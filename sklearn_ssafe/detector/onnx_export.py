"""export_onnx: a detector for machines without Python's torch or scikit-learn."""

import json
from importlib.metadata import version

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_array, check_is_fitted

from ..encoders.onnx_graph import FEATURES, need
from ..encoders.onnx_tower import exact_options
from ..encoding.export_inputs import file_to_write, look_at_each
from ..encoding.transformer import gives_unit_rows, loaded_encoder
from ..images.inputs import as_pictures
from ..results import plain
from .default_head import scaled_to_unit_length
from .onnx_graph import SCORE, VIEWS, encoder_graph, head_graph, joined, quantised
from .saving import contents_of
from .verdicts import current_rule

_TOLERANCE = 1e-4
_LEAST_PICTURES = 20  # to quantise by, and to measure what that costs
METADATA = "sklearn_ssafe"


class OnnxExport:
    """The method `export_onnx` of a detector."""

    def export_onnx(self, path, *, precision="fp32", pictures=None):
        """Write encoder and head as one ONNX file, for ONNX Runtime without torch.

        The graph takes prepared pictures, ``views`` of uint8, shape (n, n_views, height, width, 3),
        and gives ``score`` (n,), the probability of "generated", and ``features`` (n, n_features).
        A detector of embeddings takes ``features`` instead. A picture is generated where its score
        is at least the threshold; where `abstain` asks for rates, ``verdicts`` in the metadata has
        both limits. Threshold, labels, preprocessing and model card are in the
        metadata of the file, as JSON under the key ``sklearn_ssafe``.

        The file is tried before it is put into place: on `pictures`, its scores have to be this
        detector's, computed in fp32.

        Parameters
        ----------
        path : str or Path
            Such as ``"detector.onnx"``; overwritten if it exists.
        precision : {"fp32", "int8"}, default="fp32"
            With "int8" the encoder's products are of 8-bit numbers, their ranges taken from the
            first half of `pictures`. The second half says what that costs; it is not refused
            however large, so look at it.
        pictures : array-like of pictures, or None, default=None
            To try the file on, and for "int8" to quantise by: at least 20 then, of the kind that
            it is for. None takes two photographs that scikit-learn ships. For a detector of
            embeddings these are rows, and None takes random ones.

        Returns
        -------
        parity : dict
            ``pictures`` that it was tried on, ``largest_difference`` and ``mean_difference`` of the
            score, ``verdicts_changed``, and ``precision``. Also in the metadata.

        Raises
        ------
        ImportError
            The extra [export] is not installed.
        TypeError
            Encoder or head has no ONNX form; the message names it.
        FileNotFoundError, IsADirectoryError
            There is no folder for `path`, or it is one.
        ValueError
            In fp32 a score differs by more than 1e-4, or there are too few pictures for int8.
            Nothing was written.
        """
        check_is_fitted(self)
        if precision not in ("fp32", "int8"):
            raise ValueError(f"precision must be 'fp32' or 'int8', got {precision!r}")
        if getattr(self, "columns", None) is not None:
            raise TypeError(
                f"a detector with columns={self.columns!r} has no ONNX form: its head takes a table"
            )
        # All that can be wrong is found before minutes of work.
        path = file_to_write(path, "detector.onnx")
        need("onnx", "onnxruntime", "onnxscript", "skl2onnx")
        if self.encoder_ is not None:
            given = _read(pictures, precision)
        elif precision == "int8":
            raise ValueError("precision='int8' is for the encoder, and this detector has none")
        else:
            given = _rows(pictures, self.n_features_of_head_)
        head = head_graph(self.head_, self.n_features_of_head_)
        if self.encoder_ is None:
            graph, inputs = None, given
            expected, preprocessing = self._score_rows(inputs), None
        else:
            transformer = clone(self.encoder_)
            transformer.set_params(precision="fp32", device="cpu", compile=False, cache=None)
            encoder = loaded_encoder(transformer)
            unit_rows = gives_unit_rows(transformer, encoder) or self._unit_rows
            inputs = np.stack([encoder.prepare(image) for image in given])
            graph = encoder_graph(encoder, unit_rows)
            if precision == "int8":
                half = len(inputs) // 2
                graph, inputs = quantised(graph, inputs[:half]), inputs[half:]
            rows = np.concatenate([_rows_of(encoder, one, unit_rows) for one in inputs])
            expected = self._score_rows(rows)
            preprocessing = {**encoder.fingerprint["views"], "views": list(inputs.shape[1:])}
        model = joined(graph, head)
        score = _scores(model, inputs, VIEWS if graph is not None else FEATURES)
        difference = np.abs(score - expected)
        parity = {
            "pictures": len(score),
            "largest_difference": float(difference.max()),
            "mean_difference": float(difference.mean()),
            "verdicts_changed": int(
                ((score >= self.threshold_) != (expected >= self.threshold_)).sum()
            ),
            "precision": precision,
        }
        if precision == "fp32" and not difference.max() <= _TOLERANCE:
            raise ValueError(
                f"the graph gives other scores than the detector, by up to {difference.max():.2g} "
                f"on {len(score)} pictures; up to {_TOLERANCE} is rounding. Nothing was written."
            )
        _write(model, path, _metadata(self, preprocessing, parity))
        return parity


def _rows(rows, n_features):
    if rows is None:
        rows = np.random.default_rng(0).normal(size=(64, n_features))
    rows = check_array(rows, dtype=np.float32, order="C", input_name="pictures")
    if rows.shape[1] != n_features:
        raise ValueError(
            f"pictures has rows of {rows.shape[1]} numbers, and this detector takes embeddings of "
            f"{n_features}"
        )
    return rows


def _read(pictures, precision):
    """Read the pictures to try the file on; for int8 they have to be many."""
    items = None if pictures is None else as_pictures(pictures)
    n_given = len(items or [])
    if precision == "int8" and n_given < _LEAST_PICTURES:
        raise ValueError(
            f"precision='int8' needs at least {_LEAST_PICTURES} pictures of the kind that it is "
            f"for; got {n_given}"
        )
    return look_at_each(items, lambda picture: picture.read())


def _rows_of(encoder, views, unit_rows):
    import torch

    rows = encoder.encode(torch.from_numpy(views[None])).numpy()
    return scaled_to_unit_length(rows) if unit_rows else rows


def _scores(model, inputs, name):
    (runtime,) = need("onnxruntime")
    session = runtime.InferenceSession(
        model.SerializeToString(), exact_options(runtime), providers=["CPUExecutionProvider"]
    )
    return np.concatenate([session.run([SCORE], {name: one[None]})[0] for one in inputs])


def _metadata(detector, preprocessing, parity):
    _, files, _ = contents_of(detector)
    real = next(label for label in detector.classes_ if label != detector.pos_label_)
    return plain(
        {
            "sklearn_ssafe": version("sklearn-ssafe"),
            "threshold": float(detector.threshold_),
            "verdicts": _limits(detector),
            "labels": {"real": real, "generated": detector.pos_label_},
            "preprocessing": preprocessing,
            "parity": parity,
            "card": files["README.md"].decode(),
        }
    )


def _limits(detector):
    """From which score a picture is called generated, and below which real; in between unsure."""
    rule = current_rule(detector)
    if rule is None:
        limit = float(detector.threshold_)
        return {"generated_from": limit, "real_below": limit}
    return {"generated_from": float(rule.generated_from), "real_below": float(rule.real_below)}


def _write(model, path, metadata):
    (onnx,) = need("onnx")
    model.producer_name, model.producer_version = "sklearn-ssafe", version("sklearn-ssafe")
    onnx.helper.set_model_props(model, {METADATA: json.dumps(metadata)})
    unfinished = path.with_name(f".{path.name}.unfinished")
    onnx.save(model, unfinished)
    unfinished.replace(path)
