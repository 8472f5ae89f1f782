"""An ONNX file as an encoder, run by ONNX Runtime."""

import numpy as np
import torch

from .onnx_file import hash_of_file, quantises_by_batch, read_settings
from .preprocessing import ViewSpec, resolve_views
from .tower import Tower
from .weights import WeightsFileError

_FLOATS = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}
# Part of the largest feature. Neighbours in a batch change the rounding by less, and what is
# normalised over the whole batch by more.
_TOLERANCE = 0.01


def onnx_device(device):
    """Return `device`, with "auto" replaced by the CPU where ONNX Runtime has no CUDA."""
    if not (isinstance(device, str) and device == "auto"):
        return device
    return "auto" if torch.cuda.is_available() and _has_cuda(_onnxruntime()) else "cpu"


def exact_options(runtime):
    """Return the options of a session whose sums are right on every processor."""
    options = runtime.SessionOptions()
    # Without it, sums of int8 products overflow on x86-64 processors that lack VNNI, and the
    # features of an int8 model mean nothing there.
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3  # errors are raised; its warnings are for those who exported
    return options


def load_onnx_tower(file, device, n_threads):
    """Open an ONNX file."""
    runtime = _onnxruntime()
    providers = ["CPUExecutionProvider"]
    if device.type != "cpu":
        if device.type != "cuda" or not _has_cuda(runtime):
            raise ValueError(
                f"device='{device}': the ONNX Runtime that is installed cannot use it. On NVIDIA "
                "GPUs install onnxruntime-gpu in place of onnxruntime; else use device='cpu'."
            )
        providers = [("CUDAExecutionProvider", {"device_id": device.index}), *providers]
    options = exact_options(runtime)
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    # Its threads would wait by spinning, on cores that the reading threads could use.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = runtime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:  # its exceptions have no common base
        raise WeightsFileError(
            f"{file}: ONNX Runtime {runtime.__version__} cannot open this file "
            f"({_first_line(error)}). It must be a whole ONNX file, with its external data beside "
            "it."
        ) from error
    if device.type == "cuda" and session.get_providers()[0] != "CUDAExecutionProvider":
        raise ValueError(
            f"device='{device}': ONNX Runtime cannot start CUDA. onnxruntime-gpu, CUDA and cuDNN "
            "have to be of versions that fit; else use device='cpu'."
        )
    return OnnxTower(file, session, device)


class OnnxTower(Tower):
    """The session of one ONNX file, and what is known of its input and outputs."""

    def __init__(self, file, session, device):
        self.name = "onnx"
        self.module = None
        self.device = device
        self.weights_hash = hash_of_file(file)
        self._file = file
        self._session = session
        self._input = _image_input(file, session)
        self.dtype = _FLOATS[self._input.type]
        self.channels_last = _axis_of_colour(self._input.shape) == 3
        self._fixed_batch = _fixed(self._input.shape[0])
        sides = self._input.shape[1:3] if self.channels_last else self._input.shape[2:4]
        self._sides = tuple(_fixed(side) for side in sides)
        self._outputs = [out.name for out in session.get_outputs() if out.type in _FLOATS]
        if not self._outputs:
            raise WeightsFileError(f"{file}: none of its outputs holds floats.")
        self._one_by_one = quantises_by_batch(file)
        self._shapes = {}  # (height, width) of the views -> {output: its shape for one view}

    @property
    def fingerprint(self):
        """The content of the file, and the version of what runs it; see `Encoder.fingerprint`."""
        return {"weights": self.weights_hash, "onnxruntime": _onnxruntime().__version__}

    def views(self, preprocess, n_views, resize="auto"):
        """Do what `resolve_views` does, with what the file and the JSON beside it say."""
        known = {**({"size": self._sides} if all(self._sides) else {}), **read_settings(self._file)}
        spec = None
        if {"size", "mean", "std"} <= set(known):
            spec = ViewSpec(size=1, mean=0, std=1).merged(known)
        elif isinstance(preprocess, dict):
            preprocess = {**known, **preprocess}
        elif isinstance(preprocess, str):
            raise ValueError(
                f"preprocess={preprocess!r}: an ONNX file does not say how pictures are prepared "
                "for it. Pass preprocess={'size': ..., 'mean': ..., 'std': ...}, or write these "
                f"keys into {self._file.with_suffix('.json').name} beside it."
            )
        return resolve_views(preprocess, n_views, spec, resize, self.dtype)

    def features(self, layers, pooling, cut_views):
        """Return a function from pixels to the output that `layers` and `pooling` choose."""
        # Large enough for whatever a preprocessing function of the user's cuts out.
        grey = np.full((1024, 1024, 3), 128, dtype=np.uint8)
        size = cut_views(grey).shape[1:3]
        if size not in self._shapes:
            self._shapes[size] = self._try(*size)
        shapes = self._shapes[size]
        output = self._chosen(layers, shapes)
        return _Output(self, output, shapes[output], pooling)

    def run(self, pixels, output):
        """Return one output, (n, ...), of pixels (n, 3, height, width)."""
        at_once = 1 if self._one_by_one else self._fixed_batch or len(pixels)
        starts = range(0, len(pixels), at_once)
        return torch.cat(
            [self._run(pixels[start : start + at_once], [output])[0] for start in starts]
        )

    def _run(self, pixels, outputs):
        n_views = len(pixels)
        if self._fixed_batch:  # filled up with the last one
            more = self._fixed_batch - n_views
            pixels = torch.cat([pixels, pixels[-1:].expand(more, -1, -1, -1)])
        if self.channels_last:
            pixels = pixels.permute(0, 2, 3, 1)
        pixels = pixels.to(self.device, self.dtype).contiguous()
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()  # ONNX Runtime has its own
        number = np.float16 if self.dtype == torch.float16 else np.float32
        binding = self._session.io_binding()
        binding.bind_input(
            self._input.name,
            self.device.type,
            self.device.index or 0,
            number,
            tuple(pixels.shape),
            pixels.data_ptr(),
        )
        for output in outputs:
            binding.bind_output(output, "cpu")
        self._session.run_with_iobinding(binding)
        arrays = binding.copy_outputs_to_cpu()
        return [torch.from_numpy(array)[:n_views].to(self.device) for array in arrays]

    def _try(self, height, width):
        """Return the outputs' shapes; see whether views in one batch change each other's rows."""
        high, wide = self._sides
        if high not in (None, height) or wide not in (None, width):
            raise ValueError(
                f"preprocess gives pictures of {height} x {width} pixels, and {self._file.name} "
                f"takes {high or 'any'} x {wide or 'any'} (height x width)."
            )
        noise = np.random.RandomState(0).standard_normal((2, 3, height, width))
        noise[1] *= 3  # another range, which shows in a mean or a maximum over the batch
        pair = torch.from_numpy(noise).float()
        try:
            alone = [self._run(view[None], self._outputs) for view in pair]
        except Exception as error:  # its exceptions have no common base
            raise ValueError(
                f"{self._file.name} cannot be run on a picture of {height} x {width} pixels: "
                f"{_first_line(error)}"
            ) from error
        if not self._one_by_one and self._fixed_batch != 1:
            self._one_by_one = not self._is_same_together(pair, alone)
        return {
            name: tuple(array.shape) for name, array in zip(self._outputs, alone[0], strict=True)
        }

    def _is_same_together(self, pair, alone):
        try:
            together = self._run(pair, self._outputs)
        except Exception:  # exported for one picture, and the input's shape does not say so
            return False
        pairs = zip(together, *alone, strict=True)
        return all(_is_close(both, torch.cat(each)) for both, *each in pairs)

    def _chosen(self, layers, shapes):
        names = self._outputs
        if isinstance(layers, str) and layers in names:
            return layers
        if isinstance(layers, str) and layers == "final":
            return next((name for name in names if len(shapes[name]) == 2), names[0])
        is_number = isinstance(layers, int | np.integer) and not isinstance(layers, bool)
        if is_number and -len(names) <= layers < len(names):
            return names[layers]
        listed = "; ".join(f"{i}: {name!r} {shapes[name]}" for i, name in enumerate(names))
        raise ValueError(
            f"layers={layers!r}: name one output of {self._file.name} by its name or number, or "
            "'final' for the first that is a row of features. Its outputs for one picture: "
            f"{listed}."
        )


class _Output:
    """One output as rows of features; tokens and maps are pooled."""

    def __init__(self, tower, output, shape, pooling):
        self._tower = tower
        self._output = output
        self._pool, width = _pooling_of(output, shape, pooling, tower.channels_last)
        part = f"{output}_{pooling}" if len(shape) == 3 else output
        self.names = [f"{tower.name}_{part}_{i:04d}" for i in range(width)]

    def __call__(self, pixels):
        features = self._pool(self._tower.run(pixels, self._output))
        if features.shape != (len(pixels), len(self.names)):
            raise ValueError(
                f"output {self._output!r} gave the shape {tuple(features.shape)} for "
                f"{len(pixels)} pictures; it must give {len(self.names)} features for each."
            )
        return features


def _pooling_of(output, shape, pooling, channels_last):
    """Return how an output of this shape becomes rows, and how wide they are."""
    fitting = {2: ["auto"], 3: ["cls", "mean"], 4: ["auto", "mean"]}.get(len(shape))
    if fitting is None or shape[0] != 1:
        raise ValueError(
            f"output {output!r} has the shape {shape} for one picture: no row of features, no "
            "tokens and no map. Name another output in layers."
        )
    if pooling not in fitting:
        raise ValueError(
            f"pooling={pooling!r}: output {output!r} has the shape {shape} for one picture. Use "
            f"pooling={' or '.join(map(repr, fitting))}, or name another output in layers."
        )
    if len(shape) == 2:
        return (lambda rows: rows), shape[1]
    if len(shape) == 3:
        return (lambda tokens: tokens[:, 0] if pooling == "cls" else tokens.mean(1)), shape[2]
    sides = (1, 2) if channels_last else (2, 3)
    return (lambda maps: maps.mean(sides)), shape[3 if channels_last else 1]


def _onnxruntime():
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            "encoder='onnx' needs onnxruntime: pip install \"sklearn-ssafe[onnx]\", or "
            "onnxruntime-gpu for NVIDIA GPUs."
        ) from error
    return onnxruntime


def _has_cuda(runtime):
    return "CUDAExecutionProvider" in runtime.get_available_providers()


def _image_input(file, session):
    """Return the only input, which has to take pictures."""
    inputs = session.get_inputs()
    listed = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
    if len(inputs) != 1:
        raise WeightsFileError(
            f"{file}: it has {len(inputs)} inputs ({listed}); an image encoder has one. Export "
            "the vision tower alone."
        )
    shape = inputs[0].shape
    if inputs[0].type not in _FLOATS or len(shape) != 4 or _axis_of_colour(shape) is None:
        raise WeightsFileError(
            f"{file}: no image encoder, for its input is {listed}. It must take floats of shape "
            "(n, 3, height, width) or (n, height, width, 3)."
        )
    return inputs[0]


def _axis_of_colour(shape):
    if shape[1] != 3 and shape[3] == 3:
        return 3
    return 1 if _fixed(shape[1]) in (None, 3) else None


def _fixed(side):
    """Return a side that the file fixes; None where it is free, and has a name or no number."""
    return side if isinstance(side, int) and side > 0 else None


def _is_close(one, other):
    if one.shape != other.shape:
        return False
    one, other = one.float(), other.float()
    return bool((one - other).abs().max() <= _TOLERANCE * other.abs().max())


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
