"""A pool that is read and not held: groups, what is drawn of them, and distances."""

import numpy as np

from ..labels import as_name, generated_label, is_missing
from .clusters import share_out
from .mmd import MOST_FOR_MEDIAN, RandomFourierFeatures, median_distance, mmd_from_sums
from .pool import HeldPool, PoolGroup, choose_representatives
from .rows import BLOCK_ROWS, UnitRows, content_digests, content_order, unit_length

# A name in each of more is a path or a number of a picture, and no generator.
_MOST_GROUPS = 10_000
# "k_means" and "k_centre" look at as many pictures of a generator for each one that they take.
_LOOKED_AT = 8


class RowGroups:
    """Which generator or real source the rows of `EmbeddingFiles` are of, by their fields.

    Fields are ``y``, ``generator``, and where there are any ``domain`` and ``source``.

    Attributes
    ----------
    keys : list of (bool, str, str)
        Of each group: whether it is generated, its domain, its name.
    sizes : ndarray of int
        Rows of each group, those without an embedding included.
    n_unlabelled : int
    """

    def __init__(self, files, pos_label=None):
        self._generated = generated_label(_two_labels(files), pos_label)
        self._ids, self._groups = {"": 0}, {}
        self.n_unlabelled = 0
        counts = np.zeros(0, dtype=np.int64)
        for *_, fields in files.blocks("counting", embeddings=False):
            numbers = self.number(fields)
            self.n_unlabelled += int((numbers < 0).sum())
            new = np.bincount(numbers[numbers >= 0], minlength=len(self._groups))
            new[: len(counts)] += counts
            counts = new
        self.sizes = counts
        names = list(self._ids)
        self.keys = [
            (bool(key & 1), names[key >> 1 & (2**31 - 1)], names[key >> 32]) for key in self._groups
        ]

    def number(self, fields):
        """Number the group of each row of a block; -1 without a label."""
        labels, codes = _coded(fields["y"])
        made = np.array([label == self._generated for label in labels] + [False])[codes]
        labelled = np.array([not _is_empty(label) for label in labels] + [False])[codes]
        none = np.zeros(len(codes), dtype=np.int64)
        domain = self._numbered(fields["domain"]) if "domain" in fields else none
        generator = self._numbered(fields["generator"])
        source = self._numbered(fields["source"]) if "source" in fields else domain
        keys = made | np.where(made, domain, 0) << 1 | np.where(made, generator, source) << 32
        keys, inverse = np.unique(keys[labelled], return_inverse=True)
        numbers = np.full(len(codes), -1)
        found = [self._groups.setdefault(key, len(self._groups)) for key in keys.tolist()]
        numbers[labelled] = np.array(found, dtype=np.int64)[inverse]
        if len(self._groups) > _MOST_GROUPS:
            names = [list(self._ids)[key >> 32] for key in list(self._groups)[:3]]
            raise ValueError(
                f"There are more than {_MOST_GROUPS:,} generators and sources, such as {names}: is "
                "another column meant by generator=, domain= or source=?"
            )
        return numbers

    def _numbered(self, array):
        names, codes = _coded(array)
        ids = [self._ids.setdefault(as_name(name), len(self._ids)) for name in names]
        return np.array([*ids, 0])[codes]


def held_pool(files, groups, *, encoder=None, seed=0):
    """Read a whole data set into memory; return the pool, and its `LeftOut`."""
    left_out = LeftOut(groups.n_unlabelled)
    read = [(np.empty(0, dtype=np.int64),) * 2 + (np.empty((0, files.width), files.dtype),)]
    for rows, numbers, X in _labelled_blocks(files, groups, "reading", left_out):
        read.append((rows, numbers, X))
    rows, numbers, X = map(np.concatenate, zip(*read, strict=True))
    order = content_order(X, seed)
    if encoder is not None:
        X = encoder.fit_transform(X)
    placed = [
        PoolGroup(domain, name, order[numbers[order] == number])
        for number, (_, domain, name) in enumerate(groups.keys)
    ]
    return HeldPool(UnitRows(X), *_sorted(groups.keys, placed), row_numbers=rows), left_out


class StreamedPool:
    """A pool of which only drawn rows and sums are held; like a `HeldPool`.

    What is drawn are the rows that come first in `content_order`, as there. Sums are those of
    blocks of equal size, so that nothing depends on how the rows lie in files.

    Parameters
    ----------
    files : EmbeddingFiles
    groups : RowGroups
    n_samples : int
        How many are to be chosen.
    selection : str
    encoder : transformer with partial_fit, or None
    seed : int

    Attributes
    ----------
    generators, sources : list of PoolGroup
    left_out : LeftOut
    """

    def __init__(self, files, groups, *, n_samples, selection, encoder=None, seed=0):
        self._files, self._groups, self._encoder = files, groups, encoder
        self.left_out = LeftOut(groups.n_unlabelled)
        if encoder is not None:
            for *_, X in self._blocks("scaling"):
                encoder.partial_fit(X)
        most = n_samples - n_samples // 2
        most *= 1 if selection == "random" else _LOOKED_AT
        self._look_through(most, seed)
        placed = [
            PoolGroup(domain, name, drawn.rows(), size=int(size), number=number)
            for number, ((_, domain, name), drawn, size) in enumerate(
                zip(groups.keys, self._drawn, self._sizes, strict=True)
            )
        ]
        self.generators, self.sources = _sorted(groups.keys, placed)

    def _blocks(self, doing, left_out=None):
        return _labelled_blocks(self._files, self._groups, doing, left_out)

    def _unit(self, X):
        X = X.copy() if self._encoder is None else self._encoder.transform(X)
        return unit_length(X)

    def _look_through(self, most, seed):
        """Count the rows that have embeddings, add them up, and draw."""
        made = np.array([key[0] for key in self._groups.keys])
        of_made = np.where(made, self._groups.sizes, 0)
        shares = share_out(MOST_FOR_MEDIAN, of_made, weights=of_made)
        self._drawn = [_Drawn(most) for _ in made]
        # Twice a share, as shares are of rows with embeddings, which are not yet counted.
        self._for_median = [_Drawn(2 * share + 1 if share else 0) for share in shares]
        self._sizes = np.zeros(len(made), dtype=np.int64)
        self._sums = np.zeros((len(made), self._files.width))
        for rows, numbers, X in self._blocks("looking through", self.left_out):
            self._sizes += np.bincount(numbers, minlength=len(made))
            digests = content_digests(X, seed)
            mine = np.flatnonzero(made[numbers])
            unit = self._unit(X[mine])
            if self._sums.shape[1] != unit.shape[1]:  # the encoder's
                self._sums = np.zeros((len(made), unit.shape[1]))
            _add_up(self._sums, numbers[mine], unit)
            for number, places in _places(numbers[mine]):
                self._for_median[number].add(
                    digests[mine[places]], rows[mine[places]], unit[places]
                )
            for number, places in _places(numbers):
                self._drawn[number].add(digests[places], rows[places])

    def distances(
        self, candidates, *, kernel, bandwidth, degree, unbiased, method, n_frequencies, seed
    ):
        """Return distances between generators, the bandwidth and the method that were used."""
        method = "exact" if kernel == "linear" else "random_features"
        if len(candidates) == 1:
            return np.zeros((1, 1)), None, method
        numbers = [group.number for group in candidates]
        sizes = self._sizes[numbers]
        centre = self._sums[numbers].sum(axis=0) / sizes.sum()
        if kernel == "linear":
            bandwidth, n_columns = None, len(centre)
        else:
            if bandwidth == "median":
                bandwidth = self._median_distance(numbers, sizes)
            features = RandomFourierFeatures(
                len(centre),
                bandwidth=bandwidth,
                n_frequencies=n_frequencies,
                seed=seed,
                dtype=self._files.dtype,
                centre=centre,
            )
            n_columns = 2 * n_frequencies
        place = np.full(len(self._sizes), -1)
        place[numbers] = np.arange(len(numbers))
        totals, selves = np.zeros((len(numbers), n_columns)), np.zeros(len(numbers))
        for _, found, X in self._blocks("comparing"):
            mine = place[found] >= 0
            found = place[found[mine]]
            block = self._unit(X[mine])
            block = block - centre if kernel == "linear" else features(block)
            _add_up(totals, found, block)
            own = np.einsum("ij,ij->i", block, block, dtype=np.float64)
            selves += np.bincount(found, weights=own, minlength=len(selves))
        squared = mmd_from_sums(totals @ totals.T, selves, sizes, unbiased)
        return np.sqrt(np.maximum(squared, 0)), bandwidth, method

    def _median_distance(self, numbers, sizes):
        shares = share_out(MOST_FOR_MEDIAN, sizes, weights=sizes)
        vectors = [
            self._for_median[number].vectors()[:share]
            for number, share in zip(numbers, shares, strict=True)
            if share
        ]
        vectors = np.concatenate(vectors).astype(np.float64)
        return median_distance(vectors - vectors.mean(axis=0))

    def representatives(self, groups, shares, *, selection, seed):
        """Choose rows of each group."""
        if selection == "random":
            return [group.rows[:share] for group, share in zip(groups, shares, strict=True)]
        looked_at = [
            group.rows[: _LOOKED_AT * share] for group, share in zip(groups, shares, strict=True)
        ]
        rows = np.sort(np.concatenate(looked_at))
        X, _ = self._files.take(rows)
        X = UnitRows(X if self._encoder is None else self._encoder.transform(X))
        return [
            rows[
                choose_representatives(
                    X, np.searchsorted(rows, mine), share, selection=selection, seed=seed
                )
            ]
            for mine, share in zip(looked_at, shares, strict=True)
        ]

    def row_numbers(self, chosen):
        """Return the numbers of rows in the data set, which these are already."""
        return chosen


class LeftOut:
    """How many rows of a data set are no part of the pool, and which are the first."""

    _MOST_NAMED = 5

    def __init__(self, n_unlabelled):
        self.n_unlabelled, self.n_empty, self.rows = n_unlabelled, 0, []

    def __len__(self):
        return self.n_unlabelled + self.n_empty

    def add(self, rows):
        """Count rows without an embedding."""
        self.n_empty += len(rows)
        self.rows += rows[: self._MOST_NAMED - len(self.rows)].tolist()

    def notes(self, files):
        """Say what was left out, with the reasons that the data set gives."""
        notes = []
        if self.n_empty:
            about = files.columns_of(np.array(self.rows), ["path", "reason"])
            named = [
                "\n  " + ": ".join([f"row {row}", *(str(text) for text in texts if text)])
                for row, *texts in zip(self.rows, *about.values(), strict=True)
            ]
            if self.n_empty > len(named):
                named.append(f"\n  and {self.n_empty - len(named):,} more")
            notes.append(
                f"{self.n_empty:,} of {files.n_rows:,} rows have no embedding (or NaN or infinity "
                f"in it) and are left out:{''.join(named)}"
            )
        if self.n_unlabelled:
            notes.append(
                f"{self.n_unlabelled:,} of {files.n_rows:,} rows have no label and are left out."
            )
        return notes


class _Drawn:
    """Of the rows that are added, the first in `content_order`, at most so many."""

    def __init__(self, most):
        self._most, self._limit, self._held, self._n_held = most, None, [], 0

    def add(self, digests, rows, vectors=None):
        """Add rows, with vectors always or never."""
        if self._limit is not None:
            near = digests <= self._limit
            digests, rows = digests[near], rows[near]
            vectors = None if vectors is None else vectors[near]
        if len(digests) and self._most:
            vectors = np.empty((len(rows), 0)) if vectors is None else vectors
            self._held.append((digests, rows, vectors))
            self._n_held += len(digests)
        if self._n_held > 2 * self._most:
            self._sort()
            self._limit = self._held[0][0][-1]

    def _sort(self):
        if self._held:
            whole = list(map(np.concatenate, zip(*self._held, strict=True)))
            first = np.lexsort((whole[1], whole[0]))[: self._most]
            self._held = [tuple(part[first] for part in whole)]
            self._n_held = len(first)

    def rows(self):
        """Return the row numbers, in order."""
        self._sort()
        return self._held[0][1] if self._held else np.empty(0, dtype=np.int64)

    def vectors(self):
        """Return the vectors, in order; there must be some."""
        self._sort()
        return self._held[0][2]


def _labelled_blocks(files, groups, doing, left_out=None):
    """Yield row numbers, groups and embeddings of the rows that have both, in equal blocks."""
    for rows, numbers, X in _even_blocks(
        (rows, groups.number(fields), X) for rows, X, fields in files.blocks(doing)
    ):
        labelled = numbers >= 0
        finite = np.isfinite(X).all(axis=1)
        if left_out is not None:
            left_out.add(rows[labelled & ~finite])
        good = labelled & finite
        if good.all():
            yield rows, numbers, X
        else:
            yield rows[good], numbers[good], X[good]


def _even_blocks(blocks):
    """Cut blocks anew, so that all but the last have `BLOCK_ROWS` rows."""
    held, n_held = [], 0
    for block in blocks:
        held.append(block)
        n_held += len(block[0])
        while n_held >= BLOCK_ROWS:
            whole = [np.concatenate(parts) for parts in zip(*held, strict=True)]
            yield tuple(part[:BLOCK_ROWS] for part in whole)
            held = [tuple(part[BLOCK_ROWS:] for part in whole)]
            n_held -= BLOCK_ROWS
    if n_held:
        yield tuple(np.concatenate(parts) for parts in zip(*held, strict=True))


def _two_labels(files):
    """Find the two labels of a data set."""
    found = set()
    for *_, fields in files.blocks("reading labels", embeddings=False):
        labels, codes = _coded(fields["y"])
        there = [labels[code] for code in np.unique(codes[codes >= 0])]
        found.update(label for label in there if not _is_empty(label))
        if len(found) > 10:
            break
    labels = sorted(found, key=str)
    if len(labels) != 2:
        raise ValueError(
            f"y must have two classes, real and generated pictures, and has "
            f"{'more than 10' if len(labels) > 10 else len(labels)}: {labels[:10]}"
        )
    return np.unique(labels)


def _coded(array):
    """Return the different values of an Arrow array, and the number of each; -1 for null."""
    from pyarrow import types

    if not types.is_dictionary(array.type):
        array = array.dictionary_encode()
    indices = array.indices.cast("int64").fill_null(-1)
    return array.dictionary.to_pylist(), indices.to_numpy(zero_copy_only=False)


def _is_empty(label):
    return is_missing(label) or label == ""


def _places(numbers):
    """Yield each number that there is, and where it stands."""
    if len(numbers):
        order = np.argsort(numbers, kind="stable")
        starts = np.flatnonzero(np.diff(numbers[order])) + 1
        for places in np.split(order, starts):
            yield int(numbers[places[0]]), places


def _add_up(totals, numbers, block):
    """Add the rows of a block to the totals of their groups, in float64."""
    for number, places in _places(numbers):
        totals[number] += block[places].sum(axis=0, dtype=np.float64)


def _sorted(keys, groups):
    """Part generators that have rows from real sources, each in alphabetical order."""
    order = sorted(range(len(keys)), key=keys.__getitem__)
    there = [number for number in order if len(groups[number])]
    return [[groups[k] for k in there if keys[k][0] == made] for made in (True, False)]
