"""What the files claim of their origin, beside the figures."""

from collections import Counter
from functools import partial

from ..images.provenance import NOTHING, provenance_words, read_anchors
from ..images.threads import map_ahead, worker_threads

_AHEAD = 64


def provenance_of(pictures, trust_anchors):
    """Return in words what each picture claims, "" where that cannot be read."""
    if trust_anchors is not None:
        read_anchors(trust_anchors)  # what is wrong with them is wrong before any picture
    read = partial(provenance_words, trust_anchors=trust_anchors)
    with worker_threads(None) as threads:
        return list(map_ahead(threads, read, pictures, _AHEAD))


def count_marks(marks, generated):
    """Count the pictures of either class that claim each thing, the most frequent first."""
    pairs = zip(marks, generated, strict=True)
    counts = Counter((says or NOTHING, bool(side)) for says, side in pairs)
    rows = [
        {"says": text, "real": counts[text, False], "generated": counts[text, True]}
        for text in {text for text, _ in counts}
    ]
    return sorted(rows, key=lambda row: (-row["real"] - row["generated"], row["says"]))
