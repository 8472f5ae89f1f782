"""`SSAFEClassifier(augment=...)`: changed copies of the training pictures, and their rows."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing

from ..encoding.transformer import FrozenEncoderTransformer
from ..images.perturbations.catalogue import choose_perturbations
from ..images.perturbations.changed_picture import ChangedPicture
from ..images.reading import ImageReadError
from .columns import beside
from .encoder_identity import probe_picture

# Copies in memory at once, for encoders that are not ours.
_COPIES_AT_ONCE = 128


def changes_of(augment, encoder):
    """Return the (perturbation, strength) pairs of `augment`, each tried on one made picture."""
    if augment is None:
        return []
    if encoder is None:
        raise ValueError(
            f"augment={augment!r} changes pictures, and with encoder=None X holds their "
            "embeddings: give an encoder"
        )
    try:
        chosen = choose_perturbations(augment)
    except (ValueError, TypeError) as error:
        raise ValueError(f"augment={augment!r}: {error}") from error
    changes = [(each, strength) for each in chosen for strength in each.strengths]
    for perturbation, strength in changes:
        try:
            ChangedPicture(probe_picture(), perturbation, strength).read()
        except ImageReadError as error:
            raise ValueError(
                f"augment: {perturbation.name} {strength:g} fails on an ordinary picture, which "
                f"{error}"
            ) from error
    return changes


def as_pairs(augment):
    """Write what is to be changed as pairs of name and strength, for files and cards."""
    if augment is None:
        return None
    chosen = choose_perturbations(augment)
    return [(each.name, strength) for each in chosen for strength in each.strengths]


def encode_copies(encoder, items, changes, columns=None):
    """Encode changed copies of pictures, and put the columns of their pictures beside them.

    Returns
    -------
    copies : ChangedCopies
        Of all changes.
    failures : pandas.DataFrame or None
        As `FrozenEncoderTransformer.failures_`; ``row`` is the place in `items`.
    """
    copies, failures = ChangedCopies([], []), []
    for perturbation, strength in changes:
        changed = [ChangedPicture(item, perturbation, strength) for item in items]
        rows = rows_of_copies(encoder, changed)
        copies.made.append(np.isfinite(rows).all(axis=1))
        copies.seen.append(rows if columns is None else beside(rows, columns))
        failures.append(getattr(encoder, "failures_", None))
    failures = [table for table in failures if table is not None and len(table)]
    return copies, pd.concat(failures, ignore_index=True) if failures else None


@dataclass
class ChangedCopies:
    """What a head is trained on beside unchanged pictures: for each change a row a picture.

    ``made`` says which rows there are: a copy that failed is no row.
    """

    seen: list
    made: list

    def of(self, rows):
        """Return the copies of some of the pictures."""
        seen = [_safe_indexing(table, rows) for table in self.seen]
        return ChangedCopies(seen, [made[rows] for made in self.made])

    def below(self, seen, y):
        """Return rows and labels for training: the pictures, and below them their copies."""
        parts = [_safe_indexing(*both) for both in zip(self.seen, self.made, strict=True)]
        stack = np.vstack if isinstance(seen, np.ndarray) else partial(pd.concat, ignore_index=True)
        return stack([seen, *parts]), np.concatenate([y, *(y[made] for made in self.made)])


def rows_of_copies(encoder, copies):
    """Encode copies; an encoder that is not ours is handed them as they are, not as they come."""
    if isinstance(encoder, FrozenEncoderTransformer):  # it makes each copy when its turn comes
        return np.asarray(encoder.transform(copies))
    parts = []
    for start in range(0, len(copies), _COPIES_AT_ONCE):
        some = [_made(copy) for copy in copies[start : start + _COPIES_AT_ONCE]]
        parts.append(np.asarray(encoder.transform(some)))
    return np.vstack(parts)


def _made(copy):
    try:
        return copy.loaded().item
    except ImageReadError as error:
        raise ImageReadError(f"{copy.name} {error}") from error
