"""Changed pictures among sound ones: the row of each is what it is alone, and none is lost."""

import io
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fuzz_areas.changes import changed
from fuzz_areas.faults import Fault
from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.datasets import make_generated_images
from sklearn_ssafe.exceptions import EncodingError, ImageReadError
from sklearn_ssafe.images import file_properties, read_image

_AT_ONCE = 16
_SUFFIXES = (".jpg", ".png", ".tif", ".gif", ".webp", ".bmp", "")
_FAULTS = Path(__file__).parents[2] / "shared" / "data" / "faults"


class Means(torch.nn.Module):
    """Means of 16 regions of a picture: as good as a hash for telling pictures apart."""

    def forward(self, pixels):
        """Return (n, 48) of pixels (n, 3, 32, 32)."""
        return torch.nn.functional.avg_pool2d(pixels, 8).flatten(1)


def small(image):
    """Turn a picture into what `Means` takes."""
    pixels = np.asarray(image.convert("RGB").resize((32, 32), Image.Resampling.NEAREST))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float()


@cache
def sound_files():
    """One file of each format and mode that is written here, and a few real ones."""
    noise = np.random.default_rng(0)
    x, y = np.meshgrid(np.linspace(0, 1, 61), np.linspace(0, 1, 47))
    base = np.stack([x, y, (x + y) / 2], axis=-1) * 200 + noise.integers(0, 40, (47, 61, 3))
    rgb = Image.fromarray(base.astype(np.uint8))
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray((x * 255).astype(np.uint8)))
    grey16 = Image.fromarray((x * 60_000).astype(np.uint16))
    images = {
        **{
            mode: rgb.convert(mode)
            for mode in ("1", "L", "P", "RGB", "CMYK", "YCbCr", "LAB", "I", "F")
        },
        "LA": rgba.convert("LA"),
        "RGBA": rgba,
        "I;16": grey16,
    }
    options = {
        "JPEG": [
            {},
            {"progressive": True},
            {"quality": 30, "subsampling": 0},
            {"restart_marker_rows": 1},
        ],
        "PNG": [{}, {"transparency": 0}, {"bits": 2}],
        "GIF": [{}, {"save_all": True, "append_images": [rgb.rotate(90)], "transparency": 0}],
        "TIFF": [
            {"compression": c}
            for c in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4")
        ],
        "WEBP": [{}, {"lossless": True}, {"save_all": True, "append_images": [rgb.rotate(90)]}],
        "PPM": [{}],
        "BMP": [{}],
        "AVIF": [{}],
        "JPEG2000": [{}],
        "MPO": [{"save_all": True, "append_images": [rgb.rotate(180)]}],
        "ICO": [{}],
        "TGA": [{}],
    }
    found = list(make_generated_images(n_samples=6, image_size=64, random_state=0).X)
    for format, ways in options.items():
        for way in ways:
            for image in images.values():
                file = io.BytesIO()
                try:
                    image.save(file, format, **way)
                except Exception:  # this format does not have this mode
                    continue
                found.append(file.getvalue())
    if _FAULTS.is_dir():
        found += [
            path.read_bytes() for path in sorted(_FAULTS.iterdir()) if path.suffix in _SUFFIXES
        ]
    return found


@cache
def marked_files():
    """Sound pictures that are known by their row."""
    files = sound_files()[:6]
    return files, [
        _row_of(np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))) for file in files
    ]


def _row_of(pixels):
    return Means()(small(Image.fromarray(pixels))[None])[0].numpy()


def make(noise, folder):
    """Write changed pictures, and two sound ones at places of their own."""
    files = sound_files()
    marked = {noise.randrange(_AT_ONCE): noise.randrange(6) for _ in range(2)}
    for place in range(_AT_ONCE):
        if place in marked:
            content, name = marked_files()[0][marked[place]], f"marked_{marked[place]}.jpg"
        else:
            content = changed(noise, noise.choice(files), files)
            name = f"changed{noise.choice(_SUFFIXES)}"
        (folder / f"{place:02}_{name}").write_bytes(content)
    return _AT_ONCE


def check(folder):
    """Encode all at once, and compare with what each is alone, read by itself."""
    paths = sorted(str(path) for path in folder.iterdir())
    transformer = FrozenEncoderTransformer(
        Means(),
        preprocess=small,
        normalize=False,
        on_error="nan",
        cache=None,
        num_workers=8,
        batch_size=5,
        verbose=False,
        precision="fp32",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rows = transformer.transform(paths)
            reasons = dict(
                zip(transformer.failures_["row"], transformer.failures_["reason"], strict=True)
            )
        except EncodingError as error:  # none could be read
            rows = np.full((len(paths), 48), np.nan)
            reasons = dict(zip(error.failures["row"], error.failures["reason"], strict=True))
        alone = [_alone(path) for path in paths]
        facts = file_properties(paths)
    if rows.shape != (len(paths), 48) or len(facts) != len(paths):
        raise Fault("rows lost", f"{rows.shape} and {len(facts)} of {len(paths)}")
    for place, (path, expected) in enumerate(zip(paths, alone, strict=True)):
        is_missing = bool(np.isnan(rows[place]).any())
        if is_missing != (place in reasons) or is_missing != (expected is None):
            raise Fault(
                "rows lost", f"{path}: beside others {reasons.get(place)}, alone {expected is None}"
            )
        if not is_missing and not np.array_equal(rows[place], expected):
            raise Fault("wrong", f"{path}: another row beside others than alone")
        if "marked" in path:
            which = int(Path(path).stem.rpartition("_")[2])
            if is_missing or np.abs(rows[place] - marked_files()[1][which]).max() > 4:
                raise Fault("rows lost", f"{path}: a sound picture has not its row")


def _alone(path):
    try:
        return _row_of(read_image(path))
    except ImageReadError:
        return None
