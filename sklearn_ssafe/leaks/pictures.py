"""Everything the checks look at, read once from the pictures."""

from dataclasses import dataclass

import numpy as np

from ..encoding.progress import progress_bar
from ..images.near_copies import perceptual_hash
from ..images.reading import ImageReadError
from ..images.threads import map_ahead, worker_threads
from .corner_marks import corner_patches

_AHEAD = 64


@dataclass
class Pictures:
    """The pictures that could be read, as far as the checks need them.

    Attributes
    ----------
    row : ndarray of int, shape (n_images,)
        Position in X.
    name : list of str
        What to call each picture.
    y : ndarray of int, shape (n_images,)
        0 real, 1 generated.
    facts : list of FileFacts
    digest : list of bytes
        The same for files of the same bytes, and for the same pixels in memory.
    hash : ndarray of bool, shape (n_images, 256)
        Perceptual hash.
    patches : ndarray of float16, shape (n_images, 8, 16, 16)
        From `corner_patches`.
    generator, source, group, split : ndarray of object, shape (n_images,)
        Labels, "" where there is none.
    """

    row: np.ndarray
    name: list
    y: np.ndarray
    facts: list
    digest: list
    hash: np.ndarray
    patches: np.ndarray
    generator: np.ndarray
    source: np.ndarray
    group: np.ndarray
    split: np.ndarray


def read_pictures(pictures, y, labels, *, num_workers, verbose):
    """Read all pictures once.

    Parameters
    ----------
    pictures : list of Picture
    y : ndarray of int, shape (n_pictures,)
    labels : dict of str to ndarray of object, shape (n_pictures,)
        generator, source, group and split.
    num_workers : int or None
        Reading threads.
    verbose : bool or "auto"
        Whether to show a bar.

    Returns
    -------
    looked_at : Pictures
        Without the bad ones.
    reasons : dict of int to str
        Row number to reason, for pictures that could not be read.
    """
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
    row, facts, digest, hashes, patches = map(list, zip(*looks, strict=True))
    looked_at = Pictures(
        row=np.array(row),
        name=[pictures[number].name for number in row],
        y=y[row],
        facts=facts,
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
        return facts, picture.digest(), perceptual_hash(grey), corner_patches(grey)
    except ImageReadError as error:
        return str(error)
