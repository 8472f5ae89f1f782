"""`NoveltyMonitor`: whether the pictures that come are still those the detector knows."""

import copy
import math
import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils import _safe_indexing, check_array, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import _num_samples, check_consistent_length, check_is_fitted

from ..encoding.failures import EncodingError, EncodingWarning, failures_table
from ..images.inputs import as_items, is_one_picture
from ..images.picture import as_picture
from ..metrics.scores import log_odds
from ..metrics.thresholds import just_above
from ..public import DocumentationLink, public
from .choice import choose_unlike, ranks
from .mixtures import unknown_p_value
from .permutations import mmd_p_value
from .recent import Recent
from .reference import Reference, deal_halves, group_names, pool_small_groups
from .result import MonitorUpdate
from .saving import SavedMonitor

# Without a verdict "unsure" of the detector's own: as near to its threshold as this share of the
# reference.
_UNSURE = 0.1
# Permutations: so many times as many as it takes for a p-value to reach the level.
_FINENESS = 4
_OF_A_LOOK = [
    *("look", "n_new", "n_window", "mmd", "p_change", "p_unknown", "level"),
    *("changed", "unknown", "unsure", "nearest"),
]


@public("sklearn_ssafe.monitoring")
class NoveltyMonitor(SavedMonitor, DocumentationLink, BaseEstimator):
    """Watch whether the pictures that come are still those the detector knows.

    `fit` takes reference pictures, of known generators and sources. Each `update` is a look at the
    latest pictures. It asks two questions of the detector's embeddings. Are they drawn as the
    reference was? And, if not: would other proportions of the known generators and sources explain
    them, or is there something unknown? `suggest` names the pictures that are worth a label.

    Parameters
    ----------
    detector : SSAFEClassifier
        Fitted. It is asked, never changed.
    false_alarm_rate : float, default=0.05
        Chance of any false alarm within a period of `n_looks` looks, of both questions together.
    n_looks : int, default=100
        Looks in a period. After the last, a new period begins.
    window : int, default=500
        How many of the latest pictures a look is at. Of more new ones than that, so many are drawn.
    min_pictures : int, default=20
        With fewer pictures there is no look, and none is counted: they wait for the next. Groups
        of the reference with fewer are put together.
    max_reference : int, default=2000
        Of more reference pictures, so many are drawn and kept.
    random_state : int, RandomState instance or None, default=0
        Seed of draws and permutations.

    Attributes
    ----------
    groups_ : list of (str, str)
        Class and name of each group of the reference.
    n_looks_ : int
        Looks so far.
    history_ : pandas.DataFrame
        A row for each look: ``look``, ``n_new``, ``n_window``, ``mmd``, ``p_change``,
        ``p_unknown``, ``level``, ``changed``, ``unknown``, ``unsure``, ``nearest``.
    level_ : float
        What either p-value is compared with: ``false_alarm_rate / (2 n_looks)``.
    n_permutations_ : int
        Most permutations behind a p-value; fewer where it is plainly large.
    n_pictures_ : int
        How many of the latest pictures are kept.
    notes_ : dict
        Plain values of your own, which `save` keeps.
    failures_ : pandas.DataFrame
        Pictures of the last call that could not be encoded: ``row``, ``path`` and ``reason``.

    Notes
    -----
    *Change*: the squared unbiased maximum mean discrepancy [1]_ of window and reference, embeddings
    of unit length, Gaussian kernel, bandwidth the median distance; its permutation p-value is exact
    where both are drawn alike.

    *Unknown*: the null hypothesis is any mixture of the known groups. The witness function of the
    MMD between one half of the window and the mixture nearest to it is averaged over the other
    half, and over each known group; a studentised permutation test [2]_ compares these, and the
    largest p-value counts. That is exact for pictures of one known group, and holds for mixtures in
    large samples.

    *Looking again and again*: alpha spending [3]_, in equal parts over the looks of a period. By
    Bonferroni's inequality this holds whatever the looks have in common, such as the reference and
    pictures that stay in the window. P-values stop early where they are large [4]_.

    All of this is about pictures that come independently. Copies and series of one scene are found
    to be a change, which they are.

    ``clone`` clones the detector too, and so forgets that it is fitted, unless it is wrapped in
    ``sklearn.frozen.FrozenEstimator``.

    References
    ----------
    .. [1] A. Gretton et al., "A kernel two-sample test", Journal of Machine Learning Research 13
       (2012).
    .. [2] E. Chung and J. P. Romano, "Exact and asymptotically robust permutation tests", Annals of
       Statistics 41 (2013).
    .. [3] K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials",
       Biometrika 70 (1983).
    .. [4] J. Besag and P. Clifford, "Sequential Monte Carlo p-values", Biometrika 78 (1991).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe import SSAFEClassifier
    >>> from sklearn_ssafe.monitoring import NoveltyMonitor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 8))
    >>> y = np.repeat([0, 1], 100)
    >>> X[y == 1, 0] += 3
    >>> detector = SSAFEClassifier(encoder=None, cv=None).fit(X, y)
    >>> monitor = NoveltyMonitor(detector).fit(X, y)
    >>> monitor.update(rng.normal(size=(40, 8))).unknown
    False
    >>> monitor.update(rng.normal(size=(200, 8)) + 4).unknown
    True
    >>> monitor.suggest(2)["nearest"].tolist()
    ['real', 'real']
    """

    # What `fit` may be given beside X and y, and gets without being asked for it.
    __metadata_request__fit = {"generator": True, "source": True}  # noqa: RUF012

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's convention)
        "detector": [HasMethods("predict_proba")],
        "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
        "n_looks": [Interval(Integral, 1, None, closed="left")],
        "window": [Interval(Integral, 8, None, closed="left")],
        "min_pictures": [Interval(Integral, 8, None, closed="left")],
        "max_reference": [Interval(Integral, 16, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        detector,
        *,
        false_alarm_rate=0.05,
        n_looks=100,
        window=500,
        min_pictures=20,
        max_reference=2000,
        random_state=0,
    ):
        self.detector = detector
        self.false_alarm_rate = false_alarm_rate
        self.n_looks = n_looks
        self.window = window
        self.min_pictures = min_pictures
        self.max_reference = max_reference
        self.random_state = random_state

    def fit(self, X, y=None, *, generator=None, source=None):
        """Take the pictures that are known, and begin to count looks.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or of shape (n_samples, n_features)
            Pictures as the detector takes them, best others than it was trained on and drawn as
            those that will come; embeddings where the detector takes embeddings.
        y : array-like of shape (n_samples,) or None, default=None
            Their labels, the detector's: its `pos_label` is generated. They may be of one class.
            None makes one group of pictures that are not named.
        generator : array-like of str, shape (n_samples,), or None, default=None
            What made each generated picture.
        source : array-like of str, shape (n_samples,), or None, default=None
            Where each real picture comes from.

        Returns
        -------
        self : NoveltyMonitor
            The monitor itself.

        Raises
        ------
        ValueError
            There are too few pictures, or the detector is no fitted `SSAFEClassifier`.
        """
        self._validate_params()
        self._look_at_detector()
        self._seed = int(check_random_state(self.random_state).randint(2**31))
        items, rows = self._encode(X)
        check_consistent_length(rows, y, generator, source)
        side, name = group_names(len(rows), y, generator, source, self._detector)
        good = np.flatnonzero(np.isfinite(rows).all(axis=1))
        rng = self._rng(0)
        if len(good) > self.max_reference:
            good = np.sort(rng.choice(good, self.max_reference, replace=False))
        if len(good) < 2 * self.min_pictures:
            raise ValueError(
                f"the reference has {len(good)} pictures that can be encoded, and needs "
                f"{2 * self.min_pictures} at least (twice min_pictures)"
            )
        pairs = list(zip(side[good], name[good], strict=True))
        group, self.groups_ = pool_small_groups(pairs, self.min_pictures)
        self._margin, self._unsure_reference = np.nan, np.nan
        distance, unsure = self._judge(_safe_indexing(items, good))[1:]
        least = np.quantile(distance, _UNSURE, method="lower")
        self._margin = float(just_above(least, distance))
        self._unsure_reference = float(self._unsure(distance, unsure).mean())
        half = deal_halves(group, rng)
        self._reference = Reference(rows[good].astype(np.float32), group, self.groups_, half)
        self._recent = Recent.empty(rows.shape[1])
        self._set_levels()
        self.n_looks_, self._n_updates, self._looks = 0, 0, []
        self.notes_, self._origin = {}, {}
        return self

    def update(self, X):
        """Look at further pictures, together with the latest before them.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or of shape (n_samples, n_features)
            Pictures that have come since the last look. None at all, as ``[]``, is a period in
            which none came: no look is counted.

        Returns
        -------
        found : MonitorUpdate
            With ``changed``, ``unknown``, both p-values, what is nearest, and the pictures that
            could not be encoded.
        """
        check_is_fitted(self, "groups_")
        if is_one_picture(X) or _num_samples(X):
            items, rows = self._encode(X)
        else:
            self.failures_ = failures_table([], {})
            items, rows = [], self._recent.rows[:0]
        good = np.flatnonzero(np.isfinite(rows).all(axis=1))
        self._n_updates += 1
        rng = self._rng(self._n_updates)
        n_new = len(good)
        if n_new > self.window:
            good = np.sort(rng.choice(good, self.window, replace=False))
        if len(good):
            chosen = _safe_indexing(items, good)
            score, distance, unsure = self._judge(chosen)
            new = Recent(
                rows[good].astype(np.float32),
                self._paths(chosen),
                score,
                distance,
                self._unsure(distance, unsure),
            )
            self._recent = self._recent.followed_by(new, self.window)
        return self._look(n_new, rng)

    def suggest(self, n=20):
        """Name the pictures that are worth a label: new, unlike each other, and uncertain.

        Parameters
        ----------
        n : int, default=20
            How many, of the latest pictures (`window`).

        Returns
        -------
        table : pandas.DataFrame
            The best first: ``path``; ``label``, ``generator`` and ``source``, empty, to be filled
            in for ``ssafe fit``; ``score`` of the detector; ``novelty``, how much denser the latest
            pictures are there than any mixture of known groups; ``unsure``; ``nearest``, the known
            group that is nearest; ``row`` among the latest pictures.
        """
        check_is_fitted(self, "groups_")
        recent = self._recent
        if not len(recent.rows):
            raise ValueError("there is nothing to suggest before the first update")
        novelty, chosen = np.zeros(1), np.zeros(1, dtype=int)
        if len(recent.rows) > 1:
            novelty = self._reference.novelty(recent.rows)
            excess = np.maximum(novelty - np.median(novelty), 0)
            quality = excess * (0.5 + 0.5 * ranks(-recent.distance))
            # What is nowhere dense comes last, and still comes.
            quality = 0.01 + quality / max(quality.max(), np.finfo(float).tiny)
            chosen = choose_unlike(self._reference.similarity(recent.rows), quality, n)
        nearest = self._reference.nearest(recent.rows[chosen])
        return pd.DataFrame(
            {
                "path": recent.path[chosen],
                "label": "",
                "generator": "",
                "source": "",
                "score": recent.score[chosen],
                "novelty": novelty[chosen],
                "unsure": recent.unsure[chosen],
                "nearest": [self.groups_[number][1] for number in nearest],
                "row": chosen,
            }
        )

    @property
    def n_pictures_(self):
        """How many of the latest pictures are kept."""
        return len(self._recent.rows)

    @property
    def history_(self):
        """A row for each look."""
        return pd.DataFrame(self._looks, columns=_OF_A_LOOK)

    def _look_at_detector(self):
        """Keep a copy of the detector that goes on where a picture cannot be read."""
        detector = getattr(self.detector, "estimator", self.detector)  # of a FrozenEstimator
        if not hasattr(detector, "threshold_") or not hasattr(detector, "encoder_"):
            raise ValueError(
                f"detector={type(detector).__name__} is no fitted SSAFEClassifier: fit it, or load "
                "one with load_detector"
            )
        if getattr(detector, "columns", None) is not None:
            raise ValueError(
                "the detector takes columns beside pictures, and a monitor watches pictures alone: "
                "give one that was trained without columns"
            )
        self._detector = copy.copy(detector)
        if detector.encoder_ is not None and "on_error" in detector.encoder_.get_params():
            cache = detector.encoder_.cache
            self._detector.encoder_ = clone(detector.encoder_).set_params(
                on_error="nan", cache="memory" if cache is None else cache
            )

    def _encode(self, X):
        """Return the items of X and a row for each, NaN where it could not be encoded."""
        encoder = self._detector.encoder_
        if encoder is None:
            rows = check_array(X, dtype=[np.float64, np.float32])
            self.failures_ = failures_table([], {})
            return X if hasattr(X, "iloc") else rows, rows
        items = as_items(X)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", EncodingWarning)  # failures_ has them
                rows = np.asarray(encoder.transform(items))
            self.failures_ = getattr(encoder, "failures_", failures_table([], {}))
        except EncodingError as error:  # not one could be read
            n_features = self._detector.n_features_of_head_
            rows, self.failures_ = np.full((len(items), n_features), np.nan), error.failures
        return items, rows

    def _judge(self, items):
        """Return scores, distances from the threshold in log-odds, and, where told, who is unsure.

        The pictures have just been encoded, so that their rows are in the cache.
        """
        detector = self._detector
        place = detector.classes_.tolist().index(detector.pos_label_)
        score = detector.predict_proba(items)[:, place]
        distance = np.abs(log_odds(score) - log_odds(detector.threshold_))
        if getattr(detector, "abstain", None) is None:
            return score, distance, None
        return score, distance, np.asarray(detector.predict_verdict(items)) == "unsure"

    def _unsure(self, distance, unsure):
        return distance <= self._margin if unsure is None else unsure

    def _paths(self, items):
        if self._detector.encoder_ is None:
            return np.full(len(items), "", dtype=object)
        pictures = [as_picture(item) for item in items]
        return np.array([picture.path or picture.name for picture in pictures], dtype=object)

    def _set_levels(self):
        self.level_ = self.false_alarm_rate / 2 / self.n_looks
        self.n_permutations_ = math.ceil(_FINENESS / self.level_) - 1

    def _rng(self, number):
        return np.random.default_rng([self._seed, number])

    def _look(self, n_new, rng):
        """Compare the latest pictures with the reference, if there are enough for a look."""
        recent, reference = self._recent, self._reference
        facts = {"n_new": n_new, "n_window": len(recent.rows), "level": self.level_}
        if n_new == 0 or len(recent.rows) < self.min_pictures:
            groups = reference.table()
            facts |= {"look": 0, "mmd": np.nan, "p_change": np.nan, "p_unknown": np.nan}
        else:
            matrix = reference.kernel_with(recent.rows)
            groups = reference.table(matrix)
            n_permutations, n_window = self.n_permutations_, len(recent.rows)
            squared, p_change = mmd_p_value(matrix, n_window, n_permutations, rng)
            new = recent.rows.astype(np.float64)
            p_unknown = unknown_p_value(reference.folds, new, n_permutations, rng)
            look = self.n_looks_ % self.n_looks + 1
            self.n_looks_ += 1
            facts |= {"look": look, "mmd": float(np.sqrt(max(squared, 0)))}
            facts |= {"p_change": p_change, "p_unknown": p_unknown}
        found = MonitorUpdate(
            **facts,
            unsure=float(recent.unsure.mean()) if len(recent.rows) else np.nan,
            unsure_reference=self._unsure_reference,
            groups=groups,
            failures=self.failures_,
        )
        if found.look:
            all_facts = found.to_dict()
            self._looks.append({name: all_facts[name] for name in _OF_A_LOOK})
        return found
