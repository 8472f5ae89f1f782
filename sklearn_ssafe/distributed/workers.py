"""What Ray runs: tasks that read and prepare, and actors that hold an encoder."""

import hashlib
import warnings
from copy import copy

import numpy as np
import pyarrow as pa
from sklearn.base import clone

from ..detector.verdicts import labels_of, score_verdicts_and_reasons
from ..encoding.failures import EncodingWarning
from ..encoding.transformer import loaded_encoder
from .deaths import Witness
from .prepared import prepare_table, take_prepared
from .ray_package import ray_with_data
from .rows import pictures_in, texts, vectors, with_columns

# Once by chance, as when a machine is lost, but not by chance again.
DEATHS = 2
_BYTES_LOOKED_AT = 4096


def digest_of(pictures):
    """Return what these pictures are known by when they come again."""
    digest = hashlib.blake2b(digest_size=16)
    for picture in pictures:
        digest.update(bytes(memoryview(picture.given_bytes())[:_BYTES_LOOKED_AT]) + b"\n")
    return digest.digest()


def for_a_worker(transformer, device, n_threads):
    """Return a transformer that costs a bad picture its own row, for a process of its own."""
    transformer = clone(transformer).set_params(on_error="nan", on_all_failed="nan", verbose=False)
    if transformer.device == "auto":
        transformer.set_params(device=device)
    if transformer.num_workers is None:
        transformer.set_params(num_workers=n_threads)
    if transformer.cache == "memory":  # each picture is met once
        transformer.set_params(cache=None)
    return transformer


def prepare(table, column, folder, preparations, max_pixels):
    """Read pictures and cut what the encoder takes, into columns for `take_prepared`: a task."""
    pictures = pictures_in(table, column, folder)
    return prepare_table(table, pictures, preparations, max_pixels)


class Actor:
    """An actor that holds an encoder."""

    def __init__(self, transformer, column, folder, n_threads, names, deaths):
        import torch

        torch.set_num_threads(n_threads)
        self._transformer = transformer
        self._of_pictures = column, folder
        self._names = names
        self._witness = Witness(ray_with_data(), deaths)
        self._encoder = loaded_encoder(transformer)  # now, not with the first rows


class _Widening(Actor):
    """An actor that puts columns beside the rows that it is given."""

    def __call__(self, table):
        """Return the table with the new columns."""
        table, pictures = take_prepared(table)
        if pictures is None:
            pictures = pictures_in(table, *self._of_pictures)
        if not pictures:
            return with_columns(table, self._columns(*self._nothing(0), {}))
        work = digest_of(pictures)
        if self._witness.begin(work):
            *values, reasons = self._one_by_one(table, pictures, work)
        else:
            try:
                *values, reasons = self._work(table, pictures)
            except MemoryError:
                raise
            except Exception as error:
                *values, reasons = self._one_by_one(table, pictures, work, error)
        self._witness.end()
        return with_columns(table, self._columns(*values, reasons))

    def _one_by_one(self, table, pictures, work, error=None):
        """Find the pictures that made the encoder fail, or the process die.

        Raise the error if the encoder fails whatever it is given.
        """
        values, reasons, n_good = self._nothing(len(pictures)), {}, 0
        for row, picture in enumerate(pictures):
            self._witness.end()  # the rows together, or the one before
            if self._witness.begin((work, row)) >= DEATHS:
                reasons[row] = f"ended the process that had it, {DEATHS} times"
                continue
            try:
                *found, failed = self._work(table.slice(row, 1), [picture])
            except Exception as failure:
                reasons[row] = f"could not be encoded: {type(failure).__name__}: {failure}"
                continue
            for array, value in zip(values, found, strict=True):
                array[row] = value[0]
            if failed:
                reasons[row] = failed[0]
            else:
                n_good += 1
        if error is not None and not n_good:
            raise error
        return *values, reasons

    def _work(self, table, pictures):
        """Return arrays with a value for each picture, and reasons by row."""
        raise NotImplementedError

    def _nothing(self, n_rows):
        """Return arrays for as many rows without a value."""
        raise NotImplementedError

    def _columns(self, *values_and_reasons):
        """Return the new columns by name."""
        raise NotImplementedError


class Encoding(_Widening):
    """Puts the row of features beside each picture."""

    def _work(self, table, pictures):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EncodingWarning)  # told in the reasons
            features = np.asarray(self._transformer.transform(pictures))
        failures = self._transformer.failures_
        return features, dict(zip(failures["row"], failures["reason"], strict=True))

    def _nothing(self, n_rows):
        return (np.full((n_rows, self._encoder.n_features), np.nan, dtype=np.float32),)

    def _columns(self, features, reasons):
        columns = (vectors(features), texts(len(features), reasons))
        return dict(zip(self._names, columns, strict=True))


class Judging(_Widening):
    """Puts score, label and verdict beside each picture."""

    def __init__(self, detector, **shared):
        super().__init__(**shared)
        self._detector = copy(detector)
        self._detector.encoder_ = self._transformer

    def _work(self, table, pictures):
        X = pictures
        if self._detector.columns is not None:
            import pandas as pd

            X = table.select(list(self._detector.columns)).to_pandas()
            X = X.assign(path=pd.Series(pictures, dtype=object))
        return score_verdicts_and_reasons(self._detector, X)

    def _nothing(self, n_rows):
        return np.full(n_rows, np.nan), np.full(n_rows, "", dtype="<U9")

    def _columns(self, score, verdict, reasons):
        missing = np.isnan(score)
        columns = (
            pa.array(score, pa.float64(), mask=missing),
            pa.array(labels_of(self._detector, score), mask=missing),
            pa.array(verdict.astype(object), pa.string(), mask=missing),
            texts(len(score), reasons),
        )
        return dict(zip(self._names, columns, strict=True))
