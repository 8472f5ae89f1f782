"""`SSAFEClassifier`: pictures in, verdicts out."""

import warnings
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context, clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from ..encoding.transformer import FrozenEncoderTransformer
from ..images.inputs import as_items
from ..images.perturbations.catalogue import Perturbation
from ..metrics.scores import log_odds
from ..public import DocumentationLink, public
from .columns import (
    beside,
    refuse_what_has_no_columns,
    split_table,
    tidy_columns,
)
from .default_head import default_head, scaled_to_unit_length
from .explanation import ExplainedVerdicts
from .folder import refuse_what_is_no_detector, write_folder
from .onnx_export import OnnxExport
from .paper import PaperConfiguration
from .prefit import take_fitted_head
from .saving import contents_of
from .training import train
from .verdicts import ThreeVerdicts, labels_of, refuse_missing


@public("sklearn_ssafe")
class SSAFEClassifier(
    ThreeVerdicts,
    ExplainedVerdicts,
    OnnxExport,
    PaperConfiguration,
    DocumentationLink,
    ClassifierMixin,
    BaseEstimator,
):
    """Tell generated pictures from photographs: encoder, curation, head and threshold in one.

    The whole method of SSAFE [1]_. Every picture is encoded once by a frozen encoder, a curator
    chooses which rows to train on, a linear head is trained on them, and a threshold turns its
    probability into a verdict.

    Parameters
    ----------
    encoder : str, list of str, transformer or None, default="efficientnet_lite0"
        What turns pictures into rows. A name, or a list of names, is short for
        ``FrozenEncoderTransformer(name)``; give a `FrozenEncoderTransformer` for everything else
        that can be chosen. None: X holds embeddings already, one row a picture. Rows reach the
        head as the encoder gives them: embeddings of unit length, measurements as they are.
    curator : estimator or None, default=None
        Chooses the training rows: `GeneratorCurator`, or anything with imbalanced-learn's
        ``fit_resample`` and ``sample_indices_``. It is handed what `fit` was given of generator,
        source and domain. None trains on all rows.
    head : classifier or None, default=None
        Any scikit-learn classifier with `predict_proba`. None is ``LogisticRegression`` with
        ``class_weight="balanced"`` and ``max_iter=1000``, behind a ``StandardScaler`` and with
        ``C=0.001`` for ``encoder="forensic"``; the paper's is `LinearProbe`.
    threshold : float, default=0.5
        Pictures whose probability of "generated" is at least this are called generated. Not used
        with `target_fpr`.
    target_fpr : float or None, default=None
        Call at most this share of real pictures generated: 0.01 for 1 %. The threshold is then
        chosen from out-of-fold scores of the training set, and the heads of the folds are the head;
        see Notes.
    confidence_level : float or None, default=0.95
        How sure the promise of `target_fpr` is to be, see `threshold_for_fpr`. None promises it on
        average alone.
    cv : int or None, default=5
        Folds of the out-of-fold scores, fewer where there are fewer generators or sources. The head
        is fitted so many times more; no picture is encoded again. None leaves them out, which is
        faster in a search: then there is no `target_fpr`, and a saved detector has no figures.
    columns : list of str or None, default=None
        Columns of numbers and words that are judged together with the picture, gaps allowed: X is
        then a table with these, and one column of pictures, which is called ``path`` where there
        are others. The head gets them as `compare_detectors` has them: numbers scaled, words as one
        column for each, and `picture_components` principal components of the picture's features.
    picture_components : int or None, default=30
        How many, with `columns`; a thousand features would drown three columns. None keeps all.
    pos_label : str, int, bool or None, default=None
        The label that means "generated". None takes the larger of two numbers, such as 1 of 0 and
        1, and knows the words generated, fake, ai, synthetic, artificial, and real, photo,
        photograph, natural, nature, authentic.
    keep_training_rows : bool, default=False
        Whether rows, labels and names of the training pictures are kept, so that `explain` can show
        the nearest of them. They are saved with the detector then, and rows say something of
        pictures: leave it off where these are confidential.
    prefit : bool, default=False
        Whether `head` is fitted already, as a published one is: ``fit()`` then needs no pictures
        and trains nothing, it checks that head and encoder fit together. The head gets the rows as
        the encoder gives them, so its own `normalize` decides on their length, and must have been
        fitted with the labels 0 (real) and 1 (generated). `cv` is not used. ``clone`` forgets what
        a head has learned, unless it is wrapped in ``sklearn.frozen.FrozenEstimator``.
    augment : dict, list, str, Perturbation or None, default=None
        Train on changed copies as well, so that the head knows compressed and resized pictures:
        ``{"jpeg": [80, 45], "resize_bicubic": 0.6}``, or pairs, ``[("jpeg", 80), ("jpeg", 45)]``;
        as `perturbations` of `robustness_curve`. Each costs one encoding a picture, once.
    abstain : float, "stability", dict or None, default=None
        When `predict_verdict` says "unsure". A share, such as 0.05: so often that of each real
        source and of each generator at most this share gets the wrong verdict, see
        `sklearn_ssafe.metrics.verdict_rule`. "stability": if the verdict flips when the picture is
        saved as JPEG 85, resized by 0.9 and back, or cropped to 0.9 of each side, which costs three
        more encodings. ``{"fpr": 0.01, "fnr": 0.1, "stability": True}`` for each by itself.
    calibration_size : float, default=0.5
        Share of each source and each generator that is kept from training where `abstain` asks for
        rates, to calibrate them.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted.
    pos_label_ : object
        The one that means "generated".
    threshold_ : float
        The threshold in use: that of `target_fpr`, else `threshold`, moved by as little as it takes
        to lie between the two limits of `abstain`.
    operating_point_ : OperatingPoint or None
        How the threshold was chosen; None where it was given.
    out_of_fold_ : HeldOutScores or None
        Scores of the training pictures by heads that saw neither their generator nor their source,
        with ``y``, ``score``, ``fold`` and, in words, ``held_out``. None without `cv`, or where
        the pictures cannot be split.
    verdict_rule_ : VerdictRule or None
        Where verdicts end, and what is promised to whom. None unless `abstain` asks for rates.
    recalibration_ : Recalibration or None
        What `recalibrate` did.
    training_table_ : pandas.DataFrame
        One row for each generator and each real source: ``class``, ``name``, ``pictures``,
        ``trained_on`` (after curation) and, out of fold at `threshold_`, ``called_generated`` and
        ``auc``.
    training_indices_ : ndarray of int, shape (n_trained_on,)
        Rows of X that the head was trained on; with `target_fpr`, any of its heads.
    n_failures_ : int
        How many pictures of X could not be encoded and were left out.
    failures_ : pandas.DataFrame
        Pictures of X that could not be encoded: ``row``, ``path``, ``reason``. Only where there is
        an encoder. A copy of `augment` that failed is here, too, its change named in ``path``.
    training_rows_ : TrainingRows or None
        What `keep_training_rows` keeps.
    encoder_ : FrozenEncoderTransformer or None
        The encoder in use.
    column_kinds_ : dict of str to str
        "number" or "words" for each of `columns`.
    curator_ : estimator or None
        The fitted curator. With `target_fpr` each fold has had a choice of its own; this one chose
        among all.
    head_ : classifier
        The fitted head, of labels 0 (real) and 1 (generated). With `target_fpr` a `FoldMajority`.
    n_features_of_head_ : int
        Features of a picture.
    n_features_in_ : int
        Columns of X, where X holds embeddings.
    feature_names_in_ : ndarray of str, shape (n_features,)
        Names of the columns, where X is a table of embeddings with names.

    See Also
    --------
    load_detector : Load a saved detector.
    FrozenEncoderTransformer : The first half alone, for pipelines of your own.

    Notes
    -----
    Out-of-fold scores hold out whole generators and whole real sources where `fit` is told of two
    or more, and single pictures otherwise, which flatters. Curation takes place anew within the
    training part of every fold.

    With `target_fpr`, the threshold is chosen from scores of the heads of the folds, and used with
    these: a picture is called generated where more than half of them do (`FoldMajority`). A head
    trained on all would give other scores, and break the promise where it has many features. Where
    `fit` is told of five or more real sources, the promise is about further sources like them, so
    few and different ones make a high threshold (`threshold_for_fpr`); otherwise it is about
    further pictures of the same sources. ``benchmarks/results/coverage.md`` has how often it is
    kept, and what it costs.

    The order of the rows decides nothing, but to a rounding: folds, pictures kept aside and the
    order in which a head is shown its rows follow from what the rows hold, shuffled with a fixed
    seed. A curator gets them as they stand in X; `GeneratorCurator` goes by what they hold, too.

    `generator`, `source` and `domain` are requested by default, so that `fit` gets them within a
    search, a pipeline or a cross-validation where metadata routing is enabled.

    Copies of `augment` are trained on wherever their picture is, in a fold as in the end, and
    nothing is tested on them: curator, threshold, `out_of_fold_` and `training_table_` know
    unchanged pictures alone.

    For another goal than a false-positive rate, such as balanced accuracy, put scikit-learn's
    ``TunedThresholdClassifierCV`` around a classifier of embeddings (``encoder=None``).

    References
    ----------
    .. [1] Lee et al., "SSAFE: Simple and Strong AI-Generated Image Detection via Frozen Vision
       Encoders", arXiv 2606.08634, 2026.

    Examples
    --------
    >>> from sklearn_ssafe import SSAFEClassifier
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=60, image_size=96, random_state=0)
    >>> detector = SSAFEClassifier()
    >>> detector.fit(
    ...     pictures.X, pictures.y, generator=pictures.generator, source=pictures.source
    ... ).predict(pictures.X[:2]).shape
    (2,)
    >>> detector.out_of_fold_.held_out
    'generated: whole generators; real: whole real sources'
    """

    # What `fit` may be given beside X and y, and gets without being asked for it.
    __metadata_request__fit = {  # noqa: RUF012
        "generator": True,
        "domain": True,
        "source": True,
        "embeddings": True,
    }

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's convention)
        "encoder": [str, list, tuple, HasMethods("transform"), None],
        "curator": [HasMethods("fit_resample"), None],
        "head": [HasMethods(["fit", "predict"]), None],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "target_fpr": [Interval(Real, 0, 1, closed="neither"), None],
        "confidence_level": [Interval(Real, 0, 1, closed="neither"), None],
        "cv": [Interval(Integral, 2, None, closed="left"), None],
        "columns": ["array-like", None],
        "picture_components": [Interval(Integral, 1, None, closed="left"), None],
        "pos_label": [str, Real, "boolean", None],
        "keep_training_rows": ["boolean"],
        "prefit": ["boolean"],
        "augment": [str, dict, list, tuple, Perturbation, None],
        "abstain": [Interval(Real, 0, 1, closed="neither"), StrOptions({"stability"}), dict, None],
        "calibration_size": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        encoder="efficientnet_lite0",
        *,
        curator=None,
        head=None,
        threshold=0.5,
        target_fpr=None,
        confidence_level=0.95,
        cv=5,
        columns=None,
        picture_components=30,
        pos_label=None,
        keep_training_rows=False,
        prefit=False,
        augment=None,
        abstain=None,
        calibration_size=0.5,
    ):
        self.encoder = encoder
        self.curator = curator
        self.head = head
        self.threshold = threshold
        self.target_fpr = target_fpr
        self.confidence_level = confidence_level
        self.cv = cv
        self.columns = columns
        self.picture_components = picture_components
        self.pos_label = pos_label
        self.keep_training_rows = keep_training_rows
        self.prefit = prefit
        self.augment = augment
        self.abstain = abstain
        self.calibration_size = calibration_size

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X=None, y=None, *, generator=None, source=None, domain=None, embeddings=None):
        """Encode the pictures once, choose among them, train the head, choose the threshold.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or of shape (n_samples, n_features)
            Pictures, as `FrozenEncoderTransformer` takes them; embeddings with ``encoder=None``; a
            table with `columns`. Not needed with `prefit`, nor looked at.
        y : array-like of shape (n_samples,)
            Labels: 0 real and 1 generated, or others, see `pos_label`. With `prefit` they only say
            what the two labels are, and None means 0 and 1.
        generator : array-like of str, shape (n_samples,), default=None
            What made each generated picture; ``""`` for a real one.
        source : array-like of str, shape (n_samples,), default=None
            Where each picture comes from, such as its camera or collection.
        domain : array-like of str, shape (n_samples,), default=None
            What each picture is of. For the curator.
        embeddings : array-like of shape (n_samples, n_features), default=None
            What the encoder makes of X, where you have it already; NaN in the row of a picture that
            could not be encoded. Nothing is encoded then but three of the pictures, to see that the
            rows are theirs.

        Returns
        -------
        self : SSAFEClassifier
            The classifier itself.

        Raises
        ------
        EncodingError
            A picture could not be encoded, and the encoder has ``on_error="raise"``.
        ValueError
            Labels, names and pictures do not fit together, there are too few of them, or
            `embeddings` is not what the encoder makes of them.
        """
        refuse_what_has_no_columns(self)
        if self.prefit:
            return take_fitted_head(self, y)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        origin = {"generator": generator, "source": source, "domain": domain}
        return train(self, X, y, origin, embeddings)

    def predict_proba(self, X):
        """Return the probability of each label.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or of shape (n_samples, n_features)
            Pictures, or embeddings with ``encoder=None``.

        Returns
        -------
        probability : ndarray of shape (n_samples, 2)
            Columns as in `classes_`. NaN for a picture that could not be encoded, where the encoder
            has ``on_error="nan"``.
        """
        score = self._score(X)
        columns = [score if label == self.pos_label_ else 1 - score for label in self.classes_]
        return np.column_stack(columns)

    def decision_function(self, X):
        """Return how far beyond the threshold each picture is, in log-odds.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or of shape (n_samples, n_features)
            Pictures, or embeddings with ``encoder=None``.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Log-odds of the score less those of the threshold: 0 or more where a picture is called
            generated. Where "generated" is ``classes_[0]``, the sign is the other one, as
            scikit-learn has it.
        """
        score = self._score(X)
        decision = log_odds(score) - log_odds(self.threshold_)
        # Rounding lifts no picture to the threshold.
        decision[(score < self.threshold_) & (decision >= 0)] = -np.finfo(np.float64).tiny
        return decision if self.pos_label_ == self.classes_[1] else -decision

    def predict(self, X):
        """Return a verdict for each picture.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or of shape (n_samples, n_features)
            Pictures, or embeddings with ``encoder=None``.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Of `classes_`.

        Raises
        ------
        ValueError
            A picture could not be encoded, so that there is no verdict on it, or X is empty.
        """
        score = self._score(X)
        refuse_missing(score)
        return labels_of(self, score)

    def save(self, path):
        """Write the detector to a folder, from which `load_detector` loads it.

        Four files: the head (skops), arrays (safetensors), settings (``detector.json``) and a card
        for people (``README.md``). No pickle, and not the encoder's weights. The folder is written
        beside its place and then put there, so a detector that was there is replaced whole or not
        at all.

        Parameters
        ----------
        path : str or Path
            A new folder, or that of a detector, which is overwritten.

        Returns
        -------
        folder : Path
            Where it lies.

        Raises
        ------
        TypeError
            The head, curator or encoder cannot be saved; nothing was written.
        FileExistsError
            There is something at `path` that is no detector.

        Warns
        -----
        UserWarning
            A type is in it that `load_detector` will only load when it is named as trusted.
        """
        check_is_fitted(self)
        path = Path(path).expanduser()
        refuse_what_is_no_detector(path)
        settings, files, untrusted = contents_of(self)
        write_folder(path, settings, files)
        if untrusted:
            warnings.warn(
                f"the detector holds types that load_detector does not know. To load it: "
                f"load_detector({str(path)!r}, trusted={untrusted})",
                UserWarning,
                stacklevel=2,
            )
        return path

    def _new_head(self, encoder):
        if self.head is None:
            return default_head(encoder)
        if not hasattr(self.head, "predict_proba"):
            name = type(self.head).__name__
            raise ValueError(
                f"head={self.head!r} has no predict_proba, and a threshold is one on probabilities:"
                f" give CalibratedClassifierCV({name}(...)) as head"
            )
        return self.head

    def _new_encoder(self):
        if self.encoder is None:
            return None
        if isinstance(self.encoder, str | list | tuple):
            return FrozenEncoderTransformer(self.encoder)
        return clone(self.encoder)

    def _checked(self, X, y):
        if self.encoder is None:
            return validate_data(self, X, y, dtype=[np.float64, np.float32])
        X, y = as_items(X), column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        return X, y

    def _encode(self, X, fit=False):
        """Return rows for the head; NaN where a picture could not be encoded."""
        if self.encoder_ is None:
            rows = X
        else:
            encode = self.encoder_.fit_transform if fit else self.encoder_.transform
            rows = np.asarray(encode(X))
            if fit:
                self.failures_ = getattr(self.encoder_, "failures_", None)
        return scaled_to_unit_length(rows) if self._unit_rows else rows

    def _score(self, X):
        """Return the probability of "generated", NaN where there is no row."""
        check_is_fitted(self)
        table = None
        if self.columns is not None:
            X, table = self._split(X)
        elif self.encoder_ is None:
            X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self._score_rows(self._encode(X), table)

    def _split(self, X):
        """Return the pictures of a table, and its columns as they were in training."""
        pictures, table = split_table(X, self.columns)
        return pictures, tidy_columns(table, self.column_kinds_)

    def _score_rows(self, rows, table=None):
        score = np.full(len(rows), np.nan)
        good = np.isfinite(rows).all(axis=1)
        if not good.any():
            return score
        # In double precision, so that a picture's score does not depend on its neighbours.
        seen = rows[good].astype(np.float64)
        if table is not None:
            seen = beside(seen, table[good])
        score[good] = self.head_.predict_proba(seen)[:, 1]
        return score

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        if self.encoder is not None:
            tags.input_tags.two_d_array = self.columns is not None
            tags.input_tags.one_d_array = self.columns is None
            tags.input_tags.string = True
        return tags
