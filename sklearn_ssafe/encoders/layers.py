"""Which features of a tower come out: the embedding, or the tokens of its blocks."""

import numbers
from collections.abc import Iterable

import torch

_POOLINGS = ("auto", "cls", "mean")
_NAMES = ("final", "pre_projection", "penultimate", "all")


def check_layers(layers):
    """Refuse a name that no tower knows, before any tower is loaded."""
    if isinstance(layers, str) and layers not in _NAMES:
        raise ValueError(
            f"layers={layers!r} is none of {', '.join(map(repr, _NAMES))}, a block number or a "
            "list of them."
        )


def resolve_layers(layers, pooling, tower):
    """Turn the `layers` and `pooling` parameters into a function of a tower."""
    if pooling not in _POOLINGS:
        raise ValueError(f"pooling={pooling!r} is none of {_POOLINGS}.")
    if isinstance(layers, str) and layers in ("final", "pre_projection"):
        if pooling != "auto":
            raise ValueError(
                f"pooling={pooling!r} is for the tokens of blocks; layers={layers!r} is pooled by "
                "the model itself. Use pooling='auto', or layers=-1 for the last block's tokens."
            )
        return _Final(tower) if layers == "final" else _PreProjection(tower)
    if tower.n_blocks == 0:
        raise ValueError(
            f"layers={layers!r}: {tower.name} has no transformer blocks to take features from. "
            "Use layers='final'."
        )
    if pooling == "auto":
        pooling = "cls" if tower.has_class_token else "mean"
    elif pooling == "cls" and not tower.has_class_token:
        raise ValueError(f"pooling='cls': {tower.name} has no class token. Use pooling='mean'.")
    return _Blocks(tower, block_indices(layers, tower), pooling)


class _Final:
    def __init__(self, tower):
        self.tower = tower
        self.names = _names(tower, "final", tower.final_width)

    def __call__(self, pixels):
        return self.tower.final(pixels)


class _PreProjection:
    def __init__(self, tower):
        if tower.pre_projection_width is None:
            raise ValueError(
                f"layers='pre_projection': {tower.name} has no projection that could be left out. "
                "Use layers='final'."
            )
        self.tower = tower
        self.names = _names(tower, "pre_projection", tower.pre_projection_width)

    def __call__(self, pixels):
        return self.tower.pre_projection(pixels)


class _Blocks:
    def __init__(self, tower, indices, pooling):
        self.tower = tower
        self.indices = indices
        self.pooling = pooling
        self.names = [
            name
            for index in indices
            for name in _names(tower, f"block{index:02d}_{pooling}", tower.block_width)
        ]

    def __call__(self, pixels):
        pooled = [
            class_token if self.pooling == "cls" else patches.mean(1)
            for patches, class_token in self.tower.blocks(pixels, self.indices)
        ]
        return torch.cat(pooled, dim=1)

    def tokens(self, pixels):
        """Return the patch tokens, (n, n_patches, len(names)), whose means are the features."""
        outputs = self.tower.blocks(pixels, self.indices)
        return torch.cat([patches for patches, _ in outputs], dim=2)


def _names(tower, part, width):
    return [f"{tower.name}_{part}_{i:04d}" for i in range(width)]


def block_indices(layers, tower):
    """Turn the numbers of blocks, or a name for some, into ascending numbers from 0."""
    if isinstance(layers, str):
        if layers == "all":
            return list(range(tower.n_blocks))
        check_layers(layers)
        layers = -2
    wanted = list(layers) if isinstance(layers, Iterable) else [layers]
    if not wanted or any(
        isinstance(i, bool) or not isinstance(i, numbers.Integral) for i in wanted
    ):
        raise ValueError(f"layers={layers!r}: name at least one block, each by a whole number.")
    beyond = [int(i) for i in wanted if not -tower.n_blocks <= i < tower.n_blocks]
    if beyond:
        raise ValueError(
            f"layers={layers!r}: {tower.name} has {tower.n_blocks} blocks, 0 to "
            f"{tower.n_blocks - 1} or -{tower.n_blocks} to -1; there is no {beyond}."
        )
    return sorted({int(i) % tower.n_blocks for i in wanted})
