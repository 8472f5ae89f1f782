"""Pictures encoded on a cluster, for a cache in which this process finds them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.base import clone

from ..encoding.progress import progress_bar
from ..encoding.transformer import loaded_encoder, looked_up
from ..images.inputs import as_pictures
from ..store.memory import NoStore
from ..store.opening import CarefulStore, open_store
from .ray_package import ray_with_data
from .rows import pictures_in, with_paths
from .stages import add_stages
from .workers import DEATHS, Actor, digest_of

_ROWS_AT_ONCE = 256
# Of what an actor sends back: an embedding by its picture's key, or a file's state and its key.
_SCHEMA = pa.schema(
    {
        "part": pa.int32(),
        "key": pa.binary(),
        "embedding": pa.list_(pa.float32()),
        "path_key": pa.binary(),
        "stamp": pa.binary(),
    }
)


def encode_into_cache(transformer, paths):
    """Encode on the cluster what a transformer's cache lacks, so that `transform` finds it there.

    Rows are kept as they come, so that a run that was stopped goes on. What fails is not kept:
    `transform` meets it again, and says why.
    """
    ray = ray_with_data()
    parts = loaded_encoder(transformer).parts
    stores = [open_store(transformer.cache, part.identity()) for part in parts]
    missing = set()
    for part, store in zip(parts, stores, strict=True):
        work = looked_up(transformer, part, as_pictures(paths), store)
        missing.update(work.missing)
    if not missing:
        return
    rows = pd.DataFrame({"path": [str(paths[row]) for row in sorted(missing)]}, dtype=object)
    ds = add_stages(
        ray,
        with_paths(ray, rows),
        Collecting,
        clone(transformer).set_params(cache=None),
        column="path",
        names=[],
        reading="actors",
        num_actors=None,
        num_cpus=None,
        num_gpus=None,
        batch_size=_ROWS_AT_ONCE,
        preserve_order=False,
    )
    n_found = len(paths) - len(missing)
    with progress_bar(len(paths), "encoding", transformer.verbose, n_found) as bar:
        for batch in ds.iter_batches(batch_size=None, batch_format="pyarrow"):
            _keep(batch.to_pylist(), stores)
            bar.update(pc.count(batch.filter(pc.field("part") == 0)["embedding"]).as_py())


def _keep(rows, stores):
    for number, store in enumerate(stores):
        mine = [row for row in rows if row["part"] == number]
        embeddings = {
            row["key"]: np.array(row["embedding"], dtype=np.float32)
            for row in mine
            if row["embedding"] is not None
        }
        files = {
            row["path_key"]: (row["stamp"], row["key"])
            for row in mine
            if row["path_key"] is not None
        }
        store.keep(embeddings, files, [])


class Collecting(Actor):
    """Sends back what a store would be given to keep."""

    def __call__(self, table):
        """Return the rows of `_SCHEMA`, which are not those of the pictures."""
        pictures = pictures_in(table, *self._of_pictures)
        if self._witness.begin(digest_of(pictures)) >= DEATHS:
            pictures = []  # whoever asks for them will meet what ends a process
        rows = []
        for number, part in enumerate(self._encoder.parts):
            for row in self._collect(part, pictures):
                rows.append({"part": number, **row})
        self._witness.end()
        return pa.Table.from_pylist(rows, _SCHEMA)

    def _collect(self, part, pictures):
        kept = _Kept()
        try:
            self._encode(part, pictures, kept)
        except MemoryError:
            raise
        except Exception:
            for picture in pictures:
                try:
                    self._encode(part, [picture], kept)
                except Exception:
                    pass  # whoever asks for this picture will be told
        for key, features in kept.embeddings.items():
            yield {"key": key, "embedding": features}
        for path_key, (stamp, key) in kept.files.items():
            yield {"key": key, "path_key": path_key, "stamp": stamp}

    def _encode(self, part, pictures, kept):
        if pictures:
            work = looked_up(self._transformer, part, pictures, kept)
            work.encode(lambda n_done: None)


class _Kept(CarefulStore):
    """A store that finds nothing and remembers what it is given."""

    def __init__(self):
        super().__init__(NoStore(), None)
        self.embeddings = {}
        self.files = {}

    def keep(self, embeddings, files, claimed):
        """Remember; see `CarefulStore.keep`."""
        self.embeddings.update(embeddings)
        self.files.update(files)
        return False
