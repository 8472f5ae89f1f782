"""From one picture to the uint8 views that a tower takes.

The geometry is done on uint8, because that is what open_clip and timm do to pictures; the scaling
to floats is left to the device.
"""

import math
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import torch
from PIL import Image

from .fingerprint import fingerprint_of_own
from .resizing import choose_resizer, resized

_RESIZE_MODES = ("shortest", "longest", "squash", "crops")
# A strip of one pixel's width would be blown up to gigabytes before the centre is cropped.
_MOST_PIXELS = 100_000_000
_PREPROCESS_NAMES = ("auto", "squash", "center_crop", "crops")


@dataclass(frozen=True)
class ViewSpec:
    """How a tower wants its pictures."""

    size: tuple
    mean: tuple
    std: tuple
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    crop_pct: float = 1.0
    fill: object = 0

    def __post_init__(self):
        size = (self.size, self.size) if np.isscalar(self.size) else tuple(self.size)
        object.__setattr__(self, "size", tuple(int(side) for side in size))
        for name in ("mean", "std"):
            value = getattr(self, name)
            value = (value,) * 3 if np.isscalar(value) else tuple(value)
            object.__setattr__(self, name, tuple(float(channel) for channel in value))
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"preprocess: size={self.size} is not a height and a width in pixels.")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError("preprocess: mean and std need 3 values each, and std above 0.")
        if self.resize_mode not in _RESIZE_MODES:
            raise ValueError(
                f"preprocess: resize_mode={self.resize_mode!r} is none of {_RESIZE_MODES}."
            )
        _resampling(self.interpolation)

    def merged(self, changes):
        """Return a copy with some fields changed, given as a dict or another dataclass."""
        known = {field.name for field in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ValueError(f"preprocess has unknown keys {unknown}; known are {sorted(known)}.")
        return replace(self, **changes)


def resolve_views(preprocess, n_views, spec, resize="auto", dtype=torch.float32):
    """Turn the `preprocess` and `n_views` parameters into a function that cuts views.

    `dtype` is the number format of the encoder, on which ``resize="auto"`` depends.
    """
    if isinstance(n_views, bool) or not isinstance(n_views, (int, np.integer)) or n_views < 1:
        raise ValueError(f"n_views={n_views!r} must be a whole number from 1 up.")
    if callable(preprocess):
        _require_one_view(n_views, "a preprocessing function of your own")
        return _UserViews(preprocess), spec
    if isinstance(preprocess, str):
        if preprocess not in _PREPROCESS_NAMES:
            raise ValueError(
                f"preprocess={preprocess!r} is none of {_PREPROCESS_NAMES}, nor a dict or a "
                "function."
            )
        if spec is None:
            raise ValueError(
                f"preprocess={preprocess!r}: how a module of your own wants its pictures cannot "
                "be known. Pass preprocess={'size': ..., 'mean': ..., 'std': ...} or a function "
                "from a PIL image to a float tensor of shape (3, height, width)."
            )
        if preprocess == "squash":
            spec = replace(spec, resize_mode="squash", crop_pct=1.0)
        elif preprocess != "auto":
            spec = replace(spec, resize_mode="crops")
    else:
        spec = _spec_from_user(preprocess, spec)
    if preprocess == "center_crop" or spec.resize_mode != "crops":
        _require_one_view(n_views, f"preprocess={preprocess!r}")
    if spec.resize_mode == "crops":
        return _NativeCrops(spec.size, crop_positions(int(n_views))), spec
    return _ResizedView(spec, choose_resizer(resize, dtype, spec.interpolation)), spec


def crop_positions(n_views):
    """Where the crops lie, as parts of the free height and width.

    The first is the centre, then the corners, then points that fill the picture evenly (the
    additive recurrence of the plastic number, Roberts 2018). A longer list begins with the
    shorter one.
    """
    positions = [(0.5, 0.5), (0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]
    plastic = 1.324717957244746
    for k in range(1, n_views - len(positions) + 1):
        positions.append(((0.5 + k / plastic) % 1, (0.5 + k / plastic**2) % 1))
    return positions[:n_views]


class _ResizedView:
    """One view, resized the way open_clip and timm do it for evaluation."""

    def __init__(self, spec, resizer):
        self.spec = spec
        self.resizer = resizer

    @property
    def fingerprint(self):
        by_torch = {"resized_by": "torch"} if self.resizer == "torch" else {}
        return {**asdict(self.spec), **by_torch}

    def __call__(self, image):
        spec = self.spec
        target = tuple(math.floor(side / spec.crop_pct) for side in spec.size)
        height, width = _resized_size(*image.shape[:2], target, spec.resize_mode)
        if height * width > _MOST_PIXELS:
            raise ValueError(
                f"the picture is {image.shape[1]} x {image.shape[0]} pixels, which "
                f"{spec.resize_mode!r} would resize to {width} x {height}: too long and narrow"
            )
        image = resized(image, height, width, spec.interpolation, self.resizer)
        return _center_crop(image, spec.size, spec.fill)[None]


class _NativeCrops:
    """Crops at the picture's own resolution; a smaller picture is extended by reflection."""

    def __init__(self, size, positions):
        self.size = size
        self.positions = positions

    @property
    def fingerprint(self):
        return {"resize_mode": "crops", "size": self.size, "positions": self.positions}

    def __call__(self, image):
        height, width = self.size
        short = [max(0, height - image.shape[0]), max(0, width - image.shape[1])]
        if any(short):
            image = np.pad(image, [(n // 2, n - n // 2) for n in short] + [(0, 0)], mode="reflect")
        free_down, free_right = image.shape[0] - height, image.shape[1] - width
        views = []
        for down, right in self.positions:
            top, left = round(down * free_down), round(right * free_right)
            views.append(image[top : top + height, left : left + width])
        return np.stack(views)


class _UserViews:
    """One view from a user's own function."""

    def __init__(self, function):
        self.function = function

    @property
    def fingerprint(self):
        return {"function": fingerprint_of_own(self.function, "a preprocessing function")}

    def __call__(self, image):
        result = self.function(Image.fromarray(image))
        view = result.numpy(force=True) if hasattr(result, "detach") else np.array(result)
        if view.ndim == 3 and view.dtype == np.uint8 and view.shape[2] == 3:
            return view[None]
        if view.ndim == 3 and np.issubdtype(view.dtype, np.floating) and view.shape[0] == 3:
            return np.ascontiguousarray(view.transpose(1, 2, 0), dtype=np.float32)[None]
        raise ValueError(
            f"The preprocessing function gave {type(result).__name__} of shape {view.shape} and "
            f"type {view.dtype}; it must give floats of shape (3, height, width) or uint8 of "
            "shape (height, width, 3)."
        )


def _spec_from_user(preprocess, spec):
    changes = dict(preprocess) if isinstance(preprocess, dict) else _fields_of(preprocess)
    if spec is not None:
        return spec.merged(changes)
    missing = [name for name in ("size", "mean", "std") if name not in changes]
    if missing:
        raise ValueError(f"preprocess lacks {missing}: a module of your own needs them.")
    return ViewSpec(size=1, mean=0, std=1).merged(changes)


def _fields_of(instance):
    try:
        return {field.name: getattr(instance, field.name) for field in fields(instance)}
    except TypeError:
        raise ValueError(
            f"preprocess={instance!r} is neither a name, a dict, a dataclass nor a function."
        ) from None


def _require_one_view(n_views, what):
    if n_views != 1:
        raise ValueError(
            f"n_views={n_views} with {what}, which gives one view. Use preprocess='crops' for "
            "several views of one picture."
        )


def _resampling(name):
    try:
        return Image.Resampling[str(name).upper()]
    except KeyError:
        known = sorted(member.lower() for member in Image.Resampling.__members__)
        raise ValueError(f"preprocess: interpolation={name!r} is none of {known}.") from None


def _resized_size(height, width, target, mode):
    if mode == "squash":
        return target
    if mode == "shortest" and target[0] == target[1]:
        # Rounded down, as torchvision's Resize does for one given side.
        if width <= height:
            return int(target[0] * height / width), target[0]
        return target[0], int(target[0] * width / height)
    choose = min if mode == "shortest" else max
    ratio = choose(height / target[0], width / target[1])
    return max(1, round(height / ratio)), max(1, round(width / ratio))


def _center_crop(image, size, fill):
    """Return the middle of a picture, and `fill` around it where it is smaller."""
    height, width = size
    top, left = (max(0, round((image.shape[i] - size[i]) / 2)) for i in (0, 1))
    image = image[top : top + height, left : left + width]
    if image.shape[:2] == (height, width):
        return image.copy()
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = fill
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return canvas
