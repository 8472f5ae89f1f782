"""Everything the checks look at, read once from the pictures."""

from dataclasses import dataclass

import numpy as np

from ..encoding.progress import progress_bar
from ..images.errors import ImageReadError
from ..images.near_copies import perceptual_hash
from ..images.threads import map_ahead, worker_threads
from .corner_marks import corner_patches
from .pixel_checks import look_at_pixels

_AHEAD = 64


@dataclass
class Pictures:
    """The pictures that could be read, as far as the checks need them."""

    row: np.ndarray
    name: list
    y: np.ndarray
    facts: list
    pixels: list
    digest: list
    hash: np.ndarray
    patches: np.ndarray
    generator: np.ndarray
    source: np.ndarray
    group: np.ndarray
    split: np.ndarray


def read_pictures(pictures, y, labels, *, num_workers, verbose):
    """Read all pictures once."""
    looks, reasons = [], {}
    with (
        progress_bar(len(pictures), "looking", verbose) as bar,
        worker_threads(num_workers) as threads,
    ):
        for row, result in enumerate(map_ahead(threads, _look, pictures, _AHEAD)):
            if isinstance(result, str):
                reasons[row] = result
            else:
                looks.append((row, *result))
            bar.update(1)
    if not looks:
        return None, reasons
    row, facts, pixels, digest, hashes, patches = map(list, zip(*looks, strict=True))
    looked_at = Pictures(
        row=np.array(row),
        name=[pictures[number].name for number in row],
        y=y[row],
        facts=facts,
        pixels=pixels,
        digest=digest,
        hash=np.stack(hashes),
        patches=np.stack(patches),
        **{name: values[row] for name, values in labels.items()},
    )
    return looked_at, reasons


def _look(picture):
    try:
        facts = picture.facts()
        picture = picture.loaded()
        grey = picture.small_grey()
        pixels = look_at_pixels(picture, grey, facts.format)
        return facts, pixels, picture.digest(), perceptual_hash(grey), corner_patches(grey)
    except ImageReadError as error:
        return str(error)
