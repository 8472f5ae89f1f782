"""Everything the checks look at, read once from the pictures."""

import hashlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..encoding.progress import progress_bar
from ..images.file_facts import read_file_facts
from ..images.inputs import describe
from ..images.near_copies import perceptual_hash, read_small_grey
from ..images.reading import ImageReadError, read_content
from ..images.threads import map_ahead, reading_threads
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
        The same for the same bytes.
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


def read_pictures(items, y, labels, *, num_workers, verbose):
    """Read all pictures once.

    Parameters
    ----------
    items : list
        As `as_image_list` returns them.
    y : ndarray of int, shape (n_items,)
    labels : dict of str to ndarray of object, shape (n_items,)
        generator, source, group and split.
    num_workers : int or None
        Reading threads.
    verbose : bool or "auto"
        Whether to show a bar.

    Returns
    -------
    pictures : Pictures
        Without the bad ones.
    reasons : dict of int to str
        Row number to reason, for pictures that could not be read.
    """
    looks, reasons = [], {}
    with (
        progress_bar(len(items), "looking", verbose) as bar,
        reading_threads(num_workers) as threads,
    ):
        for row, result in enumerate(map_ahead(threads, _look, items, _AHEAD)):
            if isinstance(result, str):
                reasons[row] = result
            else:
                looks.append((row, *result))
            bar.update(1)
    if not looks:
        return None, reasons
    row, facts, digest, hashes, patches = map(list, zip(*looks, strict=True))
    pictures = Pictures(
        row=np.array(row),
        name=[describe(items[number]) for number in row],
        y=y[row],
        facts=facts,
        digest=digest,
        hash=np.stack(hashes),
        patches=np.stack(patches),
        **{name: values[row] for name, values in labels.items()},
    )
    return pictures, reasons


def _look(item):
    try:
        facts = read_file_facts(item)
        content = item if isinstance(item, np.ndarray | Image.Image) else read_content(item)
        grey = read_small_grey(content)
        return facts, _digest(content), perceptual_hash(grey), corner_patches(grey)
    except ImageReadError as error:
        return str(error)


def _digest(content):
    if isinstance(content, Image.Image):
        content = np.asarray(content)
    if isinstance(content, np.ndarray):
        content = str(content.shape).encode() + content.tobytes()
    return hashlib.blake2b(content, digest_size=16).digest()
