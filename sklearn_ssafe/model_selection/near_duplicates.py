"""group_near_duplicates: labels that keep copies of one picture in one fold."""

import numpy as np

from ..images.errors import ImageReadError
from ..images.inputs import as_pictures
from ..images.near_copies import number_near_copies, perceptual_hash
from ..images.threads import map_ahead, worker_threads
from ..public import public

_AHEAD = 64


@public("sklearn_ssafe.model_selection")
def group_near_duplicates(X, *, num_workers=None):
    """Label pictures so that copies share a label: resized, compressed again, or the same file.

    Give the labels to `keep_together`, beside generator and source, so that no copy of a training
    picture is tested on. Pictures are compared by a perceptual hash, every one with every other;
    mirrored and cropped copies are not recognised.

    Parameters
    ----------
    X : array-like of shape (n_samples,)
        Pictures, as `FrozenEncoderTransformer` takes them.
    num_workers : int or None, default=None
        Reading threads; None takes one for each core.

    Returns
    -------
    groups : ndarray of str, shape (n_samples,)
        ``""`` for a picture without copies, and for one that cannot be read.

    See Also
    --------
    audit_leaks : Reports copies that stand on both sides of classes, splits or folds.

    Examples
    --------
    >>> from sklearn_ssafe.model_selection import group_near_duplicates
    >>> from sklearn_ssafe.labels import keep_together
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=4, image_size=96, random_state=0).X
    >>> group_near_duplicates([*pictures, pictures[1]]).tolist()
    ['', 'copies of row 1', '', '', 'copies of row 1']
    """
    pictures = as_pictures(X)
    groups = np.full(len(pictures), "", dtype=object)
    rows, hashes = [], []
    with worker_threads(num_workers) as threads:
        for row, bits in enumerate(map_ahead(threads, _hash, pictures, _AHEAD)):
            if bits is not None:
                rows.append(row)
                hashes.append(bits)
    if not rows:
        return groups
    rows, number = np.array(rows), number_near_copies(np.stack(hashes))
    for copies in np.flatnonzero(np.bincount(number) > 1):
        members = rows[number == copies]
        groups[members] = f"copies of row {members[0]}"
    return groups


def _hash(picture):
    try:
        return perceptual_hash(picture.small_grey())
    except ImageReadError:
        return None
