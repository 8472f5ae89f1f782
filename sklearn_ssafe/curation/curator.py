"""`GeneratorCurator`: a small training set that represents a large pool."""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils import _safe_indexing, check_array, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, validate_data

from ..labels import as_name, is_generated
from ..public import DocumentationLink, public
from .clusters import average_linkage, choose, cut
from .embedding_files import EmbeddingFiles, is_parquet
from .mmd import MOST_EXACT, check_method
from .pool import HeldPool, group_pool, half_and_half, summarise
from .rows import (
    UnitRows,
    content_of,
    content_order,
    refuse_bad_rows,
    refuse_pictures,
    take_rows,
)
from .streamed_pool import RowGroups, StreamedPool, held_pool

_COLUMNS = ("generator", "domain", "source", "embedding")


@public("sklearn_ssafe")
class GeneratorCurator(DocumentationLink, BaseEstimator):
    """Choose a small, representative training set from a labelled pool, by looking at embeddings.

    The curation of SSAFE [1]_: the distance between two generators is the maximum mean discrepancy
    (MMD) of their embeddings, scaled to unit length; the distances are clustered by average
    linkage; farthest-point sampling chooses `n_generators`; and these give half of `n_samples`
    pictures, real ones the other half. A generator here is a combination of domain and generator,
    where domains are given.

    What the paper leaves open is a parameter, and its default is our choice. The result does not
    depend on the order of the rows.

    Parameters
    ----------
    n_generators : int, default=8
        How many combinations of domain and generator to choose, as in the paper.
    n_samples : int, default=10000
        How many pictures to choose, as in the paper: half real, half generated. Where either half
        cannot be filled, both are cut to the smaller, with a `CurationWarning`.
    encoder : transformer or None, default=None
        What turns pictures into embeddings, such as `FrozenEncoderTransformer`; a clone of it is
        used. None: X holds embeddings. Either way the curator scales rows to unit length, and
        nothing else. Measurements in different units, such as those of the embedded encoder, need
        a scaler behind:
        ``make_pipeline(FrozenEncoderTransformer("forensic"), StandardScaler())``. Of a Parquet data
        set, an encoder of numbers that has ``partial_fit``, such as ``StandardScaler()``.
    kernel : {"rbf", "linear", "polynomial"}, default="rbf"
        Of the MMD, for embeddings x and y of unit length: ``exp(-|x - y|^2 / (2 bandwidth^2))``,
        ``x.y``, or ``(x.y + 1)^degree``.
    bandwidth : "median" or float, default="median"
        Of the "rbf" kernel. "median" is the median distance between generated pictures of the
        pool, from 2,000 of them where there are more.
    degree : int, default=3
        Of the "polynomial" kernel.
    unbiased : bool, default=True
        Whether the MMD leaves out the kernel of a picture with itself. Without it, generators with
        few pictures look far from all others. An unbiased estimate can be negative; the distance is
        the square root of its positive part.
    method : {"auto", "exact", "random_features"}, default="auto"
        How the MMD is computed: over all pairs of generated pictures, or, for "rbf", at a cost that
        grows with their number only, by random Fourier features. "auto" is exact up to 50,000
        generated pictures, and always for the other kernels ("linear" is cheap at any size). Of a
        Parquet data set, "exact" reads all rows into memory, and so does "auto" up to 50,000 rows.
    n_frequencies : int, default=1024
        Of the random features, each with a cosine and a sine.
    n_clusters : int or None, default=None
        How many clusters to cut the tree into; None takes `n_generators`.
    sampling : {"across", "within"}, default="across"
        Whether farthest-point sampling looks at all generators, so that clusters are for the reader
        only, or at each cluster by itself, which gives as many as the next.
    start : {"medoid", "farthest", "random"}, default="medoid"
        Where farthest-point sampling begins: at the generator with the smallest sum of distances to
        the others, with the largest, or at one drawn. Ties go to the first in alphabetical order.
    min_pictures : int, default=2
        Generators with fewer pictures in the pool are no candidates; a `CurationWarning` names
        them. The unbiased MMD needs two.
    quotas : {"equal", "proportional"}, default="equal"
        How the generated half is shared out among the chosen generators: equally, or in proportion
        to their pictures in the pool. What one cannot fill goes to the others, with a
        `CurationWarning`. The real half is shared out in the same way among sources, always
        equally.
    selection : {"random", "k_means", "k_centre"}, default="random"
        Which pictures of a generator or real source are taken: drawn ones; the nearest to the
        centres of as many k-means clusters; or greedily the farthest from those already taken. Of a
        Parquet data set that is not held in memory, the last two look at eight drawn pictures for
        each one that they take.
    pos_label : int, str or None, default=None
        The label in y of generated pictures. None takes the larger of two numbers, such as 1 of 0
        and 1, and knows words such as fake and photo.
    random_state : int, RandomState instance or None, default=None
        Give an int for the same choice at every call.
    verbose : bool or "auto", default="auto"
        Whether to show bars while a Parquet data set is read; "auto" shows them in a terminal or
        notebook.

    Attributes
    ----------
    sample_indices_ : ndarray of int, shape (n_chosen,)
        Rows of the pool that were chosen, in ascending order. Rows of a Parquet data set are
        numbered from 0 through its files, those of a folder in the order of their paths.
    generators_ : ndarray of str, shape (n_candidates,)
        The candidates in alphabetical order: the generator, or "domain / generator".
    selected_generators_ : ndarray of str, shape (n_selected,)
        Those chosen, in the order of choice.
    distances_ : ndarray of float64, shape (n_candidates, n_candidates)
        Square root of the positive part of the squared MMD.
    linkage_ : ndarray of float64, shape (n_candidates - 1, 4)
        The tree, as `scipy.cluster.hierarchy.linkage` returns it.
    clusters_ : ndarray of int, shape (n_candidates,)
        The cluster of each candidate, from 1.
    summary_ : pandas.DataFrame
        A row for each generator and each real source of the pool: columns ``class``, ``domain``,
        ``name``, ``pictures`` (in the pool), ``cluster``, ``order`` (of choice, from 1; missing for
        what was not chosen) and ``taken`` (pictures).
    bandwidth_ : float or None
        The bandwidth that was used; None for other kernels, and where there is nothing to compare.
    method_ : {"exact", "random_features"}
        How the MMD was computed.
    encoder_ : transformer
        The clone of `encoder` that was used; only with an `encoder`.
    n_left_out_ : int
        Rows of a Parquet data set that have no embedding, NaN in it, or no label, and are no part
        of the pool. 0 of other pools.
    n_features_in_ : int
        Columns of X, or numbers of an embedding; only without an `encoder`.

    See Also
    --------
    CurationDisplay : The distances and what was chosen, as a picture.

    Notes
    -----
    ``fit_resample`` is imbalanced-learn's interface, so that the curator can be a step of an
    ``imblearn`` pipeline, with metadata routing enabled. `generator`, `domain` and `source` are
    requested by default.

    References
    ----------
    .. [1] Lee et al., "SSAFE: Simple and Strong AI-Generated Image Detection via Frozen Vision
       Encoders", arXiv 2606.08634, 2026.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe import GeneratorCurator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 16))
    >>> y = np.repeat([0, 1], 200)
    >>> generator = np.repeat(["", "gan", "gan v2", "diffusion"], [200, 80, 80, 40])
    >>> X[200:360, 0] += 3  # both GANs
    >>> X[360:, 1] += 3
    >>> curator = GeneratorCurator(n_generators=2, n_samples=60, random_state=0)
    >>> X_chosen, y_chosen = curator.fit_resample(X, y, generator=generator)
    >>> X_chosen.shape, int(y_chosen.sum())
    ((60, 16), 30)
    >>> curator.selected_generators_.tolist()
    ['gan v2', 'diffusion']
    """

    # What each method may be given beside X and y, and gets without being asked for it.
    __metadata_request__fit = dict.fromkeys(_COLUMNS, True)
    __metadata_request__fit_resample = dict.fromkeys(_COLUMNS, True)

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's convention)
        "n_generators": [Interval(Integral, 1, None, closed="left")],
        "n_samples": [Interval(Integral, 2, None, closed="left")],
        "encoder": [HasMethods("fit_transform"), None],
        "kernel": [StrOptions({"rbf", "linear", "polynomial"})],
        "bandwidth": [StrOptions({"median"}), Interval(Real, 0, None, closed="neither")],
        "degree": [Interval(Integral, 1, None, closed="left")],
        "unbiased": ["boolean"],
        "method": [StrOptions({"auto", "exact", "random_features"})],
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "n_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "sampling": [StrOptions({"across", "within"})],
        "start": [StrOptions({"medoid", "farthest", "random"})],
        "min_pictures": [Interval(Integral, 1, None, closed="left")],
        "quotas": [StrOptions({"equal", "proportional"})],
        "selection": [StrOptions({"random", "k_means", "k_centre"})],
        "pos_label": [Integral, str, None],
        "random_state": ["random_state"],
        "verbose": ["boolean", StrOptions({"auto"})],
    }

    def __init__(
        self,
        n_generators=8,
        *,
        n_samples=10000,
        encoder=None,
        kernel="rbf",
        bandwidth="median",
        degree=3,
        unbiased=True,
        method="auto",
        n_frequencies=1024,
        n_clusters=None,
        sampling="across",
        start="medoid",
        min_pictures=2,
        quotas="equal",
        selection="random",
        pos_label=None,
        random_state=None,
        verbose="auto",
    ):
        self.n_generators = n_generators
        self.n_samples = n_samples
        self.encoder = encoder
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.degree = degree
        self.unbiased = unbiased
        self.method = method
        self.n_frequencies = n_frequencies
        self.n_clusters = n_clusters
        self.sampling = sampling
        self.start = start
        self.min_pictures = min_pictures
        self.quotas = quotas
        self.selection = selection
        self.pos_label = pos_label
        self.random_state = random_state
        self.verbose = verbose

    def __setstate__(self, state):
        super().__setstate__({"verbose": "auto", **state})  # later than some pickles

    def fit(self, X, y, *, generator=None, domain=None, source=None, embedding=None):
        """Choose a training set.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), str, Path or pyarrow Dataset
            Embeddings, which may be a memory map; or what `encoder` takes, such as paths. Or a
            Parquet data set, as the path of a file, of a folder with ``.parquet`` files at any
            depth, or as a `pyarrow.dataset.Dataset`: rows are read a block at a time, and more than
            50,000 are never held.
        y : array-like of shape (n_samples,), or str
            Labels: 0 real, 1 generated, or others with `pos_label`. Of a Parquet data set the name
            of a column, as may be `generator`, `domain` and `source`.
        generator : array-like of str, shape (n_samples,)
            What made each generated picture; not looked at for real ones. Generated pictures
            without one are taken as one generator, "(unnamed)".
        domain : array-like of str, shape (n_samples,), or None, default=None
            What a picture shows, or the data set that its content is from. None, or "" in a row:
            generators are told apart by name alone.
        source : array-like of str, shape (n_samples,), or None, default=None
            Where each real picture is from; not looked at for generated ones. None takes `domain`;
            without either, all real pictures are of one source.
        embedding : str, sequence of str or None, default=None
            Of a Parquet data set, the column with lists of numbers, or the columns of numbers. None
            takes ``embedding``; without that, the only column of lists; without that, all columns
            of floats that are not named otherwise.

        Returns
        -------
        self : GeneratorCurator
            The curator itself.

        Raises
        ------
        ValueError
            `generator` is missing, a class is, a row of an array holds NaN or infinity, embeddings
            are so alike that the median distance is 0, or a Parquet file is damaged or of another
            form than the others.

        Warns
        -----
        CurationWarning
            The pool could not give what was asked for, or rows of a Parquet data set are left out,
            as they have no embedding or no label.
        """
        self._curate(X, y, generator, domain, source, embedding)
        return self

    def fit_resample(self, X, y, *, generator=None, domain=None, source=None, embedding=None):
        """Choose a training set and return it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), str, Path or pyarrow Dataset
            Embeddings, or what `encoder` takes, as for `fit`.
        y : array-like of shape (n_samples,), or str
            Labels, as for `fit`.
        generator, domain, source : array-like of str, shape (n_samples,), or None, default=None
            As for `fit`; `generator` is needed.
        embedding : str, sequence of str or None, default=None
            As for `fit`.

        Returns
        -------
        X_resampled : array-like of shape (n_chosen, n_features)
            The chosen rows of X, as the kind of container that X is; of a Parquet data set an
            array.
        y_resampled : array-like of shape (n_chosen,)
            Their labels.
        """
        files = self._curate(X, y, generator, domain, source, embedding)
        rows = self.sample_indices_
        if files is not None:
            chosen, fields = files.take(rows)
            labels = np.array(fields["y"]) if isinstance(y, str) else _safe_indexing(y, rows)
            return chosen, labels
        in_pieces = isinstance(X, np.memmap) and X.ndim == 2
        return (
            take_rows(X, rows) if in_pieces else _safe_indexing(X, rows),
            _safe_indexing(y, rows),
        )

    def _curate(self, X, y, generator, domain, source, embedding):
        """Choose, and return the `EmbeddingFiles` of a Parquet data set, or None."""
        self._validate_params()
        if generator is None:
            raise ValueError(
                "GeneratorCurator chooses among generators: pass generator=..., one name a row "
                "(anything for real pictures), or of a Parquet data set the name of a column"
            )
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        names = {"generator": generator, "domain": domain, "source": source}
        if is_parquet(X):
            files, *pool_and_notes = self._pool_of_files(X, y, names, embedding, seed)
            self._choose(*pool_and_notes, seed)
            return files
        self._choose(self._pool_of_rows(X, y, names, seed), [], seed)
        return None

    def _pool_of_rows(self, X, y, names, seed):
        for name, given in {"y": y, **names}.items():
            if isinstance(given, str):
                raise ValueError(
                    f"{name}={given!r} names a column, and X is of type {type(X).__name__}, no "
                    "Parquet data set: give a value for each row, or for X a file, a folder, or "
                    "pyarrow.dataset.dataset(FILES)"
                )
        generated = is_generated(y, self.pos_label)
        embeddings, content = self._embed(X)
        given = [column for column in names.values() if column is not None]
        check_consistent_length(embeddings, generated, *given)
        refuse_bad_rows(embeddings, content)
        self.n_left_out_ = 0
        groups = group_pool(generated, content_order(content, seed), **names)
        return HeldPool(UnitRows(embeddings), *groups)

    def _pool_of_files(self, X, y, names, embedding, seed):
        """Return the files, the pool, and notes on what is no part of it."""
        if y is None:
            raise ValueError('y is None: name the column of labels, such as y="label"')
        if self.encoder is not None and not hasattr(self.encoder, "partial_fit"):
            raise ValueError(
                "X is a Parquet data set of embeddings, and encoder= has no partial_fit: leave it "
                "out, or give a scaler such as StandardScaler(). Encode pictures before, as "
                "`ssafe embed` does."
            )
        check_method(self.method, self.kernel)
        names = {
            name: column
            if column is None or isinstance(column, str)
            else np.array([as_name(value) for value in column], dtype=object)
            for name, column in names.items()
        }
        files = EmbeddingFiles(
            X, embedding=embedding, fields={"y": y, **names}, verbose=self.verbose
        )
        held = self.kernel != "linear" and (
            self.method == "exact" or (self.method == "auto" and files.n_rows <= MOST_EXACT)
        )
        if self.kernel == "polynomial" and not held:
            raise ValueError(
                f'kernel="polynomial" compares all pairs of rows, and X has {files.n_rows:,}: set '
                'method="exact" to read them into memory, or kernel="rbf"'
            )
        how = {"encoder": None, "seed": seed}
        if self.encoder is None:
            columns = None if files.of_lists else files.columns
            first_row = pd.DataFrame(np.zeros((1, files.width)), columns=columns)
            validate_data(self, first_row if columns else first_row.to_numpy())
        else:
            self.encoder_ = how["encoder"] = clone(self.encoder)
        groups = RowGroups(files, self.pos_label)
        if held:
            pool, left_out = held_pool(files, groups, **how)
        else:
            pool = StreamedPool(
                files, groups, n_samples=self.n_samples, selection=self.selection, **how
            )
            left_out = pool.left_out
        self.n_left_out_ = len(left_out)
        for kind, there in (("generated", pool.generators), ("real", pool.sources)):
            if not there:
                raise ValueError(f"No {kind} row of the Parquet data set has an embedding.")
        return files, pool, left_out.notes(files)

    def _embed(self, X):
        """Return embeddings, and what tells one row from another."""
        how = {"dtype": [np.float32, np.float64], "ensure_all_finite": False}
        if self.encoder is not None:
            self.encoder_ = clone(self.encoder)
            return check_array(self.encoder_.fit_transform(X), **how), content_of(X)
        refuse_pictures(X)
        checked = validate_data(self, X, **how)
        # Kept as a map, so that its pages can be handed back.
        embeddings = X if isinstance(X, np.memmap) and X.dtype == checked.dtype else checked
        return embeddings, embeddings

    def _choose(self, pool, notes, seed):
        generators, sources = pool.generators, pool.sources
        candidates = [group for group in generators if len(group) >= self.min_pictures]
        self._check_candidates(generators, candidates, notes)
        self.distances_, self.bandwidth_, self.method_ = pool.distances(
            candidates,
            kernel=self.kernel,
            bandwidth=self.bandwidth,
            degree=self.degree,
            unbiased=self.unbiased,
            method=self.method,
            n_frequencies=self.n_frequencies,
            seed=seed,
        )
        self.linkage_ = average_linkage(self.distances_)
        self.clusters_ = cut(self.linkage_, self.n_clusters or self.n_generators)
        selected = choose(
            self.distances_,
            self.clusters_,
            min(self.n_generators, len(candidates)),
            sampling=self.sampling,
            start=self.start,
            seed=seed,
        )
        chosen = [candidates[number] for number in selected]
        self.generators_ = np.array([group.label for group in candidates], dtype=object)
        self.selected_generators_ = self.generators_[selected]
        *shares, more = half_and_half(self.n_samples, chosen, sources, quotas=self.quotas)
        taken = pool.representatives(
            [*chosen, *sources], np.concatenate(shares), selection=self.selection, seed=seed
        )
        self.sample_indices_ = np.sort(pool.row_numbers(np.concatenate(taken)))
        self.summary_ = summarise(generators, sources, candidates, self.clusters_, selected, shares)
        notes += more
        if notes:
            warnings.warn("\n".join(notes), CurationWarning, stacklevel=4)

    def _check_candidates(self, generators, candidates, notes):
        small = [group.label for group in generators if len(group) < self.min_pictures]
        if not candidates:
            raise ValueError(
                f"No generator has min_pictures={self.min_pictures} pictures in the pool; the "
                f"largest has {max(map(len, generators))}. Lower min_pictures, or leave out domain."
            )
        if self.unbiased and len(candidates) > 1 and min(map(len, candidates)) == 1:
            raise ValueError(
                "The unbiased MMD needs two pictures of a generator: set min_pictures=2, or "
                "unbiased=False"
            )
        if small:
            notes.append(
                f"These have fewer than min_pictures={self.min_pictures} pictures and are no "
                f"candidates: {', '.join(small)}."
            )
        if len(candidates) < self.n_generators:
            notes.append(
                f"n_generators={self.n_generators} were asked for, and there are "
                f"{len(candidates)}: all of them are chosen."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self.encoder is None
        tags.input_tags.one_d_array = self.encoder is not None
        tags.input_tags.string = self.encoder is not None
        tags.target_tags.required = True
        return tags


@public("sklearn_ssafe.exceptions")
class CurationWarning(UserWarning):
    """The pool is smaller than asked for, or lopsided; what was chosen instead is said."""
