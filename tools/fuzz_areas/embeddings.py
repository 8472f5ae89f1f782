"""Embeddings in Parquet: changed files are curated from or refused, and no row goes uncounted."""

import io
import warnings
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fuzz_areas.changes import changed
from fuzz_areas.faults import Fault
from sklearn_ssafe import GeneratorCurator
from sklearn_ssafe.curation.embedding_files import EmbeddingFiles
from sklearn_ssafe.exceptions import CurationWarning

_N_ROWS = 200


@cache
def sound_files():
    """Return files with lists of two kinds and with a column for each number."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((_N_ROWS, 6), dtype=np.float32)
    y = np.arange(_N_ROWS) % 2
    names = np.where(y, np.array(["a", "b", "c"])[np.arange(_N_ROWS) // 2 % 3], "")
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 6)
    lists = pa.array([None if row % 20 == 0 else list(X[row]) for row in range(_N_ROWS)])
    kinds = ({"embedding": fixed}, {"embedding": lists}, {f"f{k}": X[:, k] for k in range(6)})
    found = []
    for columns in kinds:
        for compression in ("none", "snappy"):
            file = io.BytesIO()
            table = pa.table({"label": y, "generator": names, **columns})
            pq.write_table(table, file, compression=compression, row_group_size=70)
            found.append(file.getvalue())
    return found


def make(noise, folder):
    """Write two files, of which one is changed."""
    content = noise.choice(sound_files())
    if noise.random() < 0.5:  # the end, which says where all else is
        new = content[:-1500] + changed(noise, content[-1500:])
    else:
        new = changed(noise, content, sound_files())
    (folder / "1.parquet").write_bytes(content)
    (folder / "2.parquet").write_bytes(new)
    return 1


def check(folder):
    """Curate; every row that the files have is in the pool or left out."""
    curator = GeneratorCurator(
        2, n_samples=20, method="random_features", n_frequencies=16, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CurationWarning)
        try:
            X, y = curator.fit_resample(folder, "label", generator="generator")
            n_rows = EmbeddingFiles(folder).n_rows
        except ValueError:
            return
    if curator.summary_["pictures"].sum() + curator.n_left_out_ != n_rows:
        raise Fault("rows lost", f"{curator.summary_}, {curator.n_left_out_} of {n_rows}")
    if len(X) != len(y) or len(X) != len(curator.sample_indices_) or not np.isfinite(X).all():
        raise Fault("wrong", f"{X.shape} rows, {len(y)} labels")
