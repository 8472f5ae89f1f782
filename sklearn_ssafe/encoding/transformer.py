"""`FrozenEncoderTransformer`: pictures in, rows of features out."""

import sys
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._set_output import _get_output_config

from ..encoders.loading import load_encoder
from ..images.inputs import as_pictures
from ..images.limits import MAX_PIXELS
from ..public import DocumentationLink, public
from ..store.opening import open_store
from .copies import DetachedModule, EncoderOfCopies
from .engine import StoredEncoding, choose_batch_size, find_unreadable, is_worth_compiling
from .failures import EncodingError, failures_message, failures_table
from .progress import BatchCallbacks, CallbackSupportMixin, progress_bar, with_callbacks
from .telling import tell_failures

_ROWS_SCALED_AT_ONCE = 4096
_OF_ENCODER = (
    "pretrained",
    "weights",
    "layers",
    "pooling",
    "preprocess",
    "n_views",
    "resize",
    "device",
    "precision",
    "allow_download",
)


@public("sklearn_ssafe")
class FrozenEncoderTransformer(
    EncoderOfCopies, DocumentationLink, CallbackSupportMixin, TransformerMixin, BaseEstimator
):
    """Turn pictures into features with a frozen vision encoder.

    The first half of SSAFE [1]_: nothing is trained here, so the rows can go to any scikit-learn
    classifier, regressor or outlier detector. The encoder is loaded once in a process, when it is
    first needed, and shared by all clones.

    Parameters
    ----------
    encoder : str, torch.nn.Module, callable or list of str, default="efficientnet_lite0"
        What turns a picture into features:

        - ``"efficientnet_lite0"``: the default, a network whose weights (18.8 MB, Apache-2.0) were
          installed with this package. What its channels do over a crop of 256 x 256 pixels.
        - ``"forensic"``: the embedded encoder. About a thousand named measurements of the pixels;
          it needs no weights.
        - an open_clip architecture such as ``"PE-Core-bigG-14-448"`` (the paper's), with its
          weights' tag in `pretrained`. `list_encoders` lists them.
        - a timm model as ``"timm/NAME"``.
        - a model that says itself what it is: ``"hf-hub:OWNER/NAME"``, ``"local-dir:FOLDER"`` or
          the path of a folder with an ``open_clip_config.json`` or timm's ``config.json``.
        - ``"onnx"``: the ONNX file that `weights` names, with the extra ``[onnx]``.
        - your own `torch.nn.Module`, or a function without arguments that returns one. It maps
          float32 (n, 3, height, width) to (n, n_features); `preprocess` says how pictures are
          prepared for it.
        - a list of names, such as ``["efficientnet_lite0", "forensic"]``: their columns side by
          side, each encoder's with its name before it. Each is kept in the cache by itself.
    pretrained : str or None, default=None
        The tag of the weights, such as ``"meta"`` or ``"laion2b_s34b_b79k"``. None takes the only
        tag where there is just one. It also decides the preprocessing.
    weights : path-like or None, default=None
        Where the weights are: None for the hub's cache (and the hub, where it can be reached), or
        a file or folder on this machine (``.safetensors``, PyTorch files that hold tensors
        only, or for ``"onnx"`` an ``.onnx`` file). A folder's own configuration decides how the
        tower is built. ``"random"`` takes seeded random weights, for tests and speed measurements
        only.
    layers : str, int or list of int, default="final"
        Which layers to read: ``"final"``, the embedding; ``"pre_projection"``, the embedding
        before its projection (ClipDet [2]_); a number or ``"penultimate"``, one block, negative
        numbers counting from the last; a list of numbers or ``"all"``, several blocks side by
        side (RINE [3]_). Of an ONNX file one output, by its name or number; ``"final"`` is the
        first that is a row of features. Of "efficientnet_lite0" it is the last 8 blocks of 16.
    pooling : {"auto", "cls", "mean"}, default="auto"
        How the tokens of a block become one row: the class token or the mean of the patch tokens.
        "auto" takes the class token where there is one. The final embedding is always pooled by
        the model itself.
    preprocess : {"auto", "squash", "center_crop", "crops"} or callable or dict, default="auto"
        How a picture is brought to the encoder's input size: the way the weights were trained
        with, resized to a square without keeping the aspect, cropped from the centre without
        resizing (UnivFD [4]_), or `n_views` crops without resizing. For your own module and ONNX
        files: a function from a PIL image to a float tensor (3, height, width), or a dict with
        ``size``, ``mean`` and ``std``. A JSON file beside an ONNX file, ``encoder.json`` beside
        ``encoder.onnx``, may hold this dict; then ``"auto"`` is what it says.
    n_views : int or None, default=None
        How many crops of a picture are encoded and averaged. None takes the encoder's own number.
    resize : {"auto", "pillow", "torch"}, default="auto"
        What resizes pictures, where `preprocess` does: Pillow, whose pixels are those of open_clip
        and timm to the bit, or torch, about seven times faster and one or two of 255 levels off in
        few places. "auto" is torch where the number format is bf16 or fp16, and Pillow in fp32.
    normalize : bool or "auto", default="auto"
        Whether rows are scaled to unit Euclidean length, as SSAFE does. "auto" does so for
        embeddings and not for measurements, as "efficientnet_lite0" and "forensic" give them.
        Of several encoders, each one's rows by themselves.
    device : str, torch.device, list of them or "auto", default="auto"
        Where the encoder runs: "cpu", "cuda:1", "mps"; ``["cuda:0", "cuda:1"]`` or "cuda" (all of
        them) to share the work among the GPUs of this machine. "auto" takes one GPU if there is
        one.
    precision : {"auto", "fp32", "bf16", "fp16"}, default="auto"
        Number format of the encoder. "auto" is bf16 where the hardware computes in it, else fp32;
        always fp32 for "efficientnet_lite0".
    compile : bool or "auto", default="auto"
        Whether the encoder goes through `torch.compile`, once in a process. It changes speed and
        the last digits, no more. "auto" does so on a GPU that is given 50,000 pictures or more.
    batch_size : int or "auto", default="auto"
        Pictures encoded at once. It changes speed and memory, not the features. "auto" is 16 on a
        CPU and 128 on a GPU, less when its memory runs out.
    num_workers : int or None, default=None
        Threads that read, decode and resize. None takes one for each core, in a worker process 8 at
        most.
    on_error : {"raise", "nan"}, default="raise"
        What a picture that cannot be encoded costs. With "raise", every picture is looked at, and
        then one `EncodingError` names all bad ones. With "nan", its row is NaN, one
        `EncodingWarning` gives the count, and `failures_` lists them.
    on_all_failed : {"auto", "raise", "nan"}, default="auto"
        With ``on_error="nan"``, what it costs if no picture at all can be encoded: with "raise" an
        `EncodingError`; with "nan" no more than its row each, so that a picture gets the same
        answer alone as beside others. "auto" raises in `fit_transform`, where something is wrong
        with the whole set, and gives NaN rows in `transform`.
    max_pixels : int, default=120000000
        A picture of more pixels costs what `on_error` says, before any of it is decoded; so does
        one that may take more than 10 bytes of memory for each pixel allowed, 1.2 GB by default.
        See :func:`sklearn_ssafe.images.read_image`. The features do not depend on it, and those
        that are in the cache are taken whatever it is.
    cache : "memory", path-like or None, default="memory"
        Where embeddings are kept, so that a picture is encoded once. ``"memory"`` is this process's
        memory, up to 1 GiB, shared by all transformers. A folder is kept from one run to the next
        and may be used by several processes at once; a string other than ``"memory"`` names one.
        None keeps nothing. Nothing is ever written to disk unless you name a folder. An embedding
        is found by the content of the picture and by all settings that change it.
    trust_unchanged_files : bool, default=True
        Whether a file that was read before, and still has the same path, size and time of
        modification (in nanoseconds), is taken to have the same content. If False, every file is
        read again; it is still not encoded again unless its content has changed.
    allow_download : bool, default=True
        Whether weights that are not on this machine may be fetched from the hub. If False, the
        network is never reached, and the error says which file is missing.
    verbose : bool or "auto", default="auto"
        Whether to show a progress bar; "auto" shows one in a terminal or notebook when the work
        takes longer than two seconds.

    Attributes
    ----------
    n_features_out_ : int
        Number of columns that `transform` returns.
    failures_ : pandas.DataFrame
        The pictures that could not be encoded in the last call: columns ``row`` (position in X,
        from 0), ``path`` and ``reason``. Empty if there were none.

    See Also
    --------
    sklearn_ssafe.list_encoders : The encoders that can be named, with size and licence.

    Notes
    -----
    The transformer is stateless: `transform` works without `fit`, and never depends on other
    rows. Weights are not part of a pickle: a pickle holds the settings, and the machine that
    loads it needs the weights in reach, though no GPU.

    References
    ----------
    .. [1] Lee et al., "SSAFE: Simple and Strong AI-Generated Image Detection via Frozen Vision
       Encoders", arXiv 2606.08634, 2026.
    .. [2] Cozzolino et al., "Raising the Bar of AI-generated Image Detection with CLIP", CVPR
       Workshops 2024.
    .. [3] Koutlis and Papadopoulos, "Leveraging Representations from Intermediate Encoder-blocks
       for Synthetic Image Detection", ECCV 2024.
    .. [4] Ojha, Li and Lee, "Towards Universal Fake Image Detectors that Generalize Across
       Generative Models", CVPR 2023.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn_ssafe import FrozenEncoderTransformer
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=40, image_size=96, random_state=0)
    >>> pipe = Pipeline([("enc", FrozenEncoderTransformer()), ("clf", LogisticRegression())])
    >>> pipe.fit(pictures.X, pictures.y).predict(pictures.X[:2]).shape
    (2,)
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's convention)
        "encoder": [str, callable, DetachedModule, list, tuple],  # a torch module is callable
        "pretrained": [str, None],
        "weights": [str, Path, None],
        "layers": [str, Integral, list, tuple],  # an ONNX output may have any name
        "pooling": [StrOptions({"auto", "cls", "mean"})],
        "preprocess": [StrOptions({"auto", "squash", "center_crop", "crops"}), callable, dict],
        "n_views": [Interval(Integral, 1, None, closed="left"), None],
        "resize": [StrOptions({"auto", "pillow", "torch"})],
        "normalize": ["boolean", StrOptions({"auto"})],
        "device": "no_validation",  # torch knows its devices
        "precision": [StrOptions({"auto", "fp32", "bf16", "fp16"})],
        "compile": ["boolean", StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "num_workers": [Interval(Integral, 1, None, closed="left"), None],
        "on_error": [StrOptions({"raise", "nan"})],
        "on_all_failed": [StrOptions({"auto", "raise", "nan"})],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "cache": [str, Path, None],
        "trust_unchanged_files": ["boolean"],
        "allow_download": ["boolean"],
        "verbose": ["boolean", Integral, StrOptions({"auto"})],
    }

    def __init__(
        self,
        encoder="efficientnet_lite0",
        *,
        pretrained=None,
        weights=None,
        layers="final",
        pooling="auto",
        preprocess="auto",
        n_views=None,
        resize="auto",
        normalize="auto",
        device="auto",
        precision="auto",
        compile="auto",
        batch_size="auto",
        num_workers=None,
        on_error="raise",
        on_all_failed="auto",
        max_pixels=MAX_PIXELS,
        cache="memory",
        trust_unchanged_files=True,
        allow_download=True,
        verbose="auto",
    ):
        self.encoder = encoder
        self.pretrained = pretrained
        self.weights = weights
        self.layers = layers
        self.pooling = pooling
        self.preprocess = preprocess
        self.n_views = n_views
        self.resize = resize
        self.normalize = normalize
        self.device = device
        self.precision = precision
        self.compile = compile
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.on_error = on_error
        self.on_all_failed = on_all_failed
        self.max_pixels = max_pixels
        self.cache = cache
        self.trust_unchanged_files = trust_unchanged_files
        self.allow_download = allow_download
        self.verbose = verbose

    def fit(self, X, y=None):
        """Load the encoder and check that X is a collection of pictures. Nothing is trained.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or a table of shape (n_samples, 1)
            Pictures: paths, ``bytes``, PIL images or uint8 arrays.
        y : ignored
            For scikit-learn's sake.

        Returns
        -------
        self : FrozenEncoderTransformer
            The transformer itself.
        """
        self._validate_params()
        as_pictures(X)
        self.n_features_out_ = loaded_encoder(self).n_features
        return self

    def transform(self, X):
        """Encode pictures.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or a table of shape (n_samples, 1)
            Pictures: file paths (str or Path), ``bytes`` of picture files, PIL images, uint8 arrays
            (height, width), (height, width, 3) or (height, width, 4), or a mixture; or one uint8
            array of shape (n_samples, height, width, channels).

        Returns
        -------
        features : ndarray of float32, shape (n_samples, n_features)
            One row for each picture, in the order of X; a table after ``set_output``.

        Raises
        ------
        EncodingError
            A picture could not be encoded and ``on_error="raise"``, or none could and
            ``on_all_failed="raise"``.
        ValueError
            X is empty.
        WeightsNotFoundError
            The encoder's weights are not on this machine and no hub is in reach.

        Warns
        -----
        EncodingWarning
            A picture could not be encoded and ``on_error="nan"``.
        EncodingCacheWarning
            The folder of `cache` cannot be used, or not for this encoder; the work goes on without.
        """
        may_all_fail = self.on_all_failed != "raise"
        return self._encode(X, *self._begin(X), fitting=False, may_all_fail=may_all_fail)

    @with_callbacks
    def fit_transform(self, X, y=None):
        """Load the encoder and encode pictures.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or a table of shape (n_samples, 1)
            Pictures, as for `transform`.
        y : ignored
            For scikit-learn's sake.

        Returns
        -------
        features : ndarray of float32, shape (n_samples, n_features)
            One row for each picture, in the order of X; a table after ``set_output``.
        """
        pictures, encoder, stores = self._begin(X)
        self.n_features_out_ = encoder.n_features
        callbacks = None

        def start_callbacks(works):
            nonlocal callbacks
            batch_size = choose_batch_size(encoder, self.batch_size)
            n_batches = sum(-(-len(work.missing) // batch_size) for work in works)
            callbacks = BatchCallbacks(self, n_batches, X, y)
            return callbacks

        may_all_fail = self.on_all_failed == "nan"
        features = self._encode(
            X, pictures, encoder, stores, start_callbacks, may_all_fail=may_all_fail
        )
        callbacks.all_done()
        return features

    def get_feature_names_out(self, input_features=None):
        """Return the name of every column.

        Parameters
        ----------
        input_features : ignored
            For scikit-learn's sake.

        Returns
        -------
        names : ndarray of str, shape (n_features,)
            For the embedded encoder what each column measures; for the default the block, the
            statistic and the channel, ``"block4.0_std_017"``; else encoder, layer and number, such
            as ``"ViT-B-32_block11_cls_0042"``. Of several encoders ``"forensic__NAME"`` and so on.
        """
        self._validate_params()
        return np.asarray(loaded_encoder(self).feature_names, dtype=object)

    def _begin(self, X):
        self._validate_params()
        settings = encoder_settings(self)
        pictures = as_pictures(X)
        encoder = load_encoder(self.encoder, **settings)
        stores = []
        for part in encoder.parts:
            identity = part.identity(recognise=self.cache is not None)
            stores.append(open_store(self.cache, identity))
        return pictures, encoder, stores

    def _encode(
        self, X, pictures, encoder, stores, start_callbacks=None, *, fitting=True, may_all_fail
    ):
        parts = zip(encoder.parts, stores, strict=True)
        works = [self._look_up(part, store, pictures) for part, store in parts]
        if self.on_error == "raise":
            self._raise_early(X, pictures, sorted({row for work in works for row in work.missing}))
        callbacks = None if start_callbacks is None else start_callbacks(works)
        for work in works:
            self._encode_missing(work, callbacks)
        features = np.hstack([work.features for work in works]) if works[1:] else works[0].features
        reasons = {row: why for work in reversed(works) for row, why in work.reasons.items()}
        features[list(reasons)] = np.nan  # one encoder may have managed what another could not
        self.failures_ = failures_table(pictures, reasons)
        self._report(X, features, len(pictures), fitting, may_all_fail)
        return self._with_index_of(X, features, encoder)

    def _look_up(self, encoder, store, pictures):
        work = looked_up(self, encoder, pictures, store)
        auto = self.compile == "auto" and is_worth_compiling(encoder, len(work.missing))
        if self.compile is True or auto:
            work.encoder = encoder.compiled()
        return work

    def _encode_missing(self, work, callbacks):
        n_items, name = len(work.pictures), work.encoder.name
        n_found = n_items - len(work.missing)
        with progress_bar(n_items, f"encoding ({name})", self.verbose, n_found) as bar:
            work.encode(bar.update, None if callbacks is None else callbacks.batch_done)
        if gives_unit_rows(self, work.encoder):
            _scale_to_unit_length(work.features)

    def _raise_early(self, X, pictures, rows):
        """Name every bad picture before hours of encoding, if a look at the headers finds one."""
        new = [pictures[row] for row in rows]

        def look(description, **how):
            with progress_bar(len(new), description, self.verbose) as bar:
                return find_unreadable(
                    new,
                    num_workers=self.num_workers,
                    max_pixels=self.max_pixels,
                    on_done=bar.update,
                    **how,
                )

        if not look("looking for bad files"):
            return
        reasons = look("looking for damaged files", decode=True)
        reasons = {rows[place]: reason for place, reason in reasons.items()}
        self.failures_ = failures_table(pictures, reasons)
        self._report(X, None, len(pictures), fitting=True, may_all_fail=False)

    def _report(self, X, features, n_items, fitting, may_all_fail):
        if self.failures_.empty:
            return
        labels = X.index if hasattr(X, "iloc") else None  # pandas, whose rows have names
        message = failures_message(self.failures_, n_items, labels)
        if len(self.failures_) == n_items and not (self.on_error == "nan" and may_all_fail):
            raise EncodingError(message, self.failures_)
        if self.on_error == "raise":
            raise EncodingError(
                f'{message}\nRepair or leave out these pictures, or set on_error="nan" to keep '
                "their rows as NaN.",
                self.failures_,
                features,
            )
        tell_failures(self.failures_, n_items, labels, fitting)

    def _with_index_of(self, X, features, encoder):
        """Keep the index of a pandas Series, which scikit-learn keeps for tables only."""
        pandas = sys.modules.get("pandas")
        if pandas is None or not isinstance(X, pandas.Series):
            return features
        if _get_output_config("transform", self)["dense"] != "pandas":
            return features
        return pandas.DataFrame(features, index=X.index, columns=encoder.feature_names, copy=False)

    def __sklearn_is_fitted__(self):
        return True  # stateless

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def looked_up(transformer, encoder, pictures, store):
    """Return the encoding of pictures with a transformer's settings, and what the store has of it.

    `encoder` is the transformer's, or one of its parts.
    """
    work = StoredEncoding(
        encoder,
        pictures,
        store,
        batch_size=transformer.batch_size,
        num_workers=transformer.num_workers,
        max_pixels=transformer.max_pixels,
        trust_unchanged=transformer.trust_unchanged_files,
    )
    work.look_up()
    return work


def loaded_encoder(transformer):
    """Return the encoder of a `FrozenEncoderTransformer`, loaded."""
    return load_encoder(transformer.encoder, **encoder_settings(transformer))


def gives_unit_rows(transformer, encoder):
    """Say whether a `FrozenEncoderTransformer` scales the rows of this encoder to unit length."""
    by_default = transformer.normalize == "auto"
    return encoder.normalize_by_default if by_default else transformer.normalize


def encoder_settings(transformer):
    """Return what `load_encoder` takes beside the encoder itself."""
    if isinstance(transformer.encoder, DetachedModule):
        raise ValueError(transformer.encoder.explain())
    return {name: getattr(transformer, name) for name in _OF_ENCODER}


def _scale_to_unit_length(features):
    for start in range(0, len(features), _ROWS_SCALED_AT_ONCE):  # norm() makes a copy
        rows = features[start : start + _ROWS_SCALED_AT_ONCE]
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
