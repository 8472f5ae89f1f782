"""Find a checkpoint on this machine and read it without running anything in it."""

import pickle
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from ..public import public

#: In a folder the first of these names that exists is read.
FOLDER_ORDER = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "model.safetensors",
    "pytorch_model.bin",
)
_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("_orig_mod.", "module.")


@public("sklearn_ssafe.exceptions")
class WeightsNotFoundError(OSError):
    """Weights are neither on this machine nor could they be fetched."""


@public("sklearn_ssafe.exceptions")
class WeightsFileError(ValueError):
    """A weights file cannot be read safely, is damaged, or belongs to another model."""


def find_weights_file(weights, prefer=()):
    """Return the checkpoint file that `weights`, a file or a folder, stands for."""
    path = Path(weights).expanduser()
    if path.is_file():
        return path.absolute()
    if not path.is_dir():
        raise WeightsNotFoundError(f"weights={str(weights)!r}: there is no such file or folder.")
    for name in (*prefer, *FOLDER_ORDER):
        if (path / name).is_file():
            return (path / name).absolute()
    files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
    if not files:
        raise WeightsNotFoundError(
            f"weights={str(weights)!r}: the folder holds no {', '.join(_SUFFIXES)} file."
        )
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:5])
        raise WeightsFileError(
            f"weights={str(weights)!r}: the folder holds several weights files ({names}) and none "
            f"of the names {', '.join(FOLDER_ORDER)}. Pass the file itself."
        )
    return files[0].absolute()


def read_checkpoint(file, wanted=None):
    """Read the tensors of a checkpoint.

    The tensors stay mapped to the file where its format allows, so that reading costs no memory
    until they are used, and nothing is read of those not wanted.
    """
    file = Path(file)
    if file.suffix == ".safetensors" or _is_safetensors(file):
        return _read_safetensors(file, wanted)
    if file.suffix in (".npz", ".npy"):
        raise WeightsFileError(
            f"{file}: NumPy archives are not read. Load the model once with the library that "
            "published it and save its state_dict as safetensors."
        )
    state = _read_torch(file)
    return {name: tensor for name, tensor in _plain_names(state) if wanted is None or wanted(name)}


def _is_safetensors(file):
    """Tell by the content, for the hub's cache keeps files under names without a suffix."""
    with file.open("rb") as opened:
        head = opened.read(9)
    # The length of a JSON header in eight bytes, and the header's first character.
    return head[8:] == b"{" and int.from_bytes(head[:8], "little") < file.stat().st_size


def _read_safetensors(file, wanted):
    try:
        with safe_open(file, framework="pt", device="cpu") as tensors:
            names = {name: _without_prefix(name) for name in tensors.keys()}  # noqa: SIM118
            return {
                plain: tensors.get_tensor(name)
                for name, plain in names.items()
                if wanted is None or wanted(plain)
            }
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsFileError(
            f"{file}: not a complete safetensors file ({error}). Copy or download it again."
        ) from error


def _read_torch(file):
    if _is_torchscript(file):
        raise WeightsFileError(
            f"{file}: a TorchScript program (as OpenAI published CLIP), which cannot be opened "
            "without running it. Where you trust it, convert it once: "
            "safetensors.torch.save_file(torch.jit.load(FILE, 'cpu').state_dict(), "
            "'model.safetensors')."
        )
    # Files from before PyTorch 1.6 are no archives and cannot be mapped.
    mapped = zipfile.is_zipfile(file)
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise WeightsFileError(
            f"{file}: reading this file would run code stored in it, or it is no PyTorch file "
            f"({reason}). Only plain tensors are accepted: where you trust the file, save its "
            "state_dict as safetensors."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise WeightsFileError(
            f"{file}: damaged or not a PyTorch file ({error}). Copy or download it again."
        ) from error
    while isinstance(checkpoint, dict):
        inner = next((key for key in _WRAPPERS if isinstance(checkpoint.get(key), dict)), None)
        if inner is None:
            break
        checkpoint = checkpoint[inner]
    if not isinstance(checkpoint, dict):
        raise WeightsFileError(
            f"{file}: holds a {type(checkpoint).__name__}, not a dictionary of named tensors."
        )
    return checkpoint


def _is_torchscript(file):
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _plain_names(state):
    for name, tensor in state.items():
        if isinstance(tensor, torch.Tensor):
            yield _without_prefix(name), tensor


def _without_prefix(name):
    while name.startswith(_PREFIXES):
        name = name.split(".", 1)[1]
    return name
