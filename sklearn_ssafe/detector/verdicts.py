"""Three verdicts, and a threshold for one's own cameras: what `SSAFEClassifier` has of both."""

import warnings
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..encoding.failures import EncodingError, EncodingWarning
from ..metrics.abstention import verdict_rule
from ..metrics.scores import detector_scores
from ..metrics.thresholds import threshold_for_fpr
from ..public import public
from .stability import flips


@dataclass(frozen=True)
class Abstention:
    """What `abstain` asks for: rates of errors (both or none), and whether verdicts be stable."""

    fpr: float | None = None
    fnr: float | None = None
    stability: bool = False


def abstention(detector):
    """Understand the parameter `abstain` of a detector."""
    abstain = detector.abstain
    if abstain is None:
        asked = Abstention()
    elif isinstance(abstain, str):
        asked = Abstention(stability=True)
    elif isinstance(abstain, Real):
        asked = Abstention(abstain, abstain)
    else:
        asked = _from_dict(abstain)
    if asked.stability and detector.encoder is None:
        raise ValueError(
            'abstain="stability" encodes pictures anew, and with encoder=None X holds their '
            "embeddings: give an encoder"
        )
    return asked


def _from_dict(abstain):
    unknown = set(abstain) - {"fpr", "fnr", "stability"}
    rates = [abstain[name] for name in ("fpr", "fnr") if name in abstain]
    right = all(isinstance(rate, Real) and 0 < rate < 1 for rate in rates)
    if unknown or len(rates) == 1 or not right or not abstain:
        raise ValueError(
            f"abstain={abstain!r} must have both fpr and fnr, shares between 0 and 1, or neither, "
            'and may have stability, such as {"fpr": 0.01, "fnr": 0.05, "stability": True}'
        )
    return Abstention(abstain.get("fpr"), abstain.get("fnr"), bool(abstain.get("stability")))


def kept_aside(y, names, share, turn):
    """Choose which pictures calibrate: `share` of each source and generator, in turn."""
    order = np.lexsort([turn, names.astype(str), y])
    aside = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        mine = order[y[order] == label]
        places = np.arange(len(mine) + 1) * share
        aside[mine] = np.diff(np.floor(places + 0.5)) > 0
        if aside[mine].all() or not aside[mine].any():
            word = "generated" if label else "real"
            raise ValueError(
                f"of {len(mine)} {word} pictures, none could be kept aside to calibrate the "
                "verdicts and others trained on: give more, or another calibration_size"
            )
    return aside


def calibrate(detector, asked, score, y, names):
    """Set the rule for three verdicts by scores of pictures that the head was not trained on."""
    point = detector.operating_point_
    detector.verdict_rule_ = verdict_rule(
        y,
        score,
        fpr=asked.fpr,
        fnr=asked.fnr,
        generator=names,
        source=names,
        threshold=detector.threshold_,
        move_threshold=point is None,  # one that keeps a promise of its own stays
        confidence_level=detector.confidence_level,
        pos_label=1,
    )
    detector.threshold_ = detector.verdict_rule_.threshold


def refuse_missing(score):
    """Complain where there is no score to have a verdict by."""
    bad = np.flatnonzero(np.isnan(score))
    if len(bad):
        raise ValueError(
            f"there is no verdict on {len(bad)} of {len(score)} pictures, which could not be "
            f"encoded (the first in row {bad[0]}); predict_proba returns NaN for them, and "
            "encoder_.failures_ says why"
        )


def score_and_three_verdicts(detector, X):
    """Return scores (NaN where there is none) and verdicts ("" there); X is encoded once."""
    score = detector_scores(detector, X, detector.pos_label_)
    return score, three_verdicts(detector, X, score)


def score_verdicts_and_reasons(detector, X):
    """Return scores, verdicts and, by row, the reasons why a picture has neither."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EncodingWarning)  # told in the reasons
            score, verdict = score_and_three_verdicts(detector, X)
        failures = detector.encoder_.failures_
    except EncodingError as error:  # not one of them could be read
        failures = error.failures
        score, verdict = np.full(len(X), np.nan), np.full(len(X), "", dtype="<U9")
    return score, verdict, dict(zip(failures["row"], failures["reason"], strict=True))


def labels_of(detector, score):
    """Return the labels of `predict` that belong to scores."""
    real, generated = detector.classes_
    if detector.pos_label_ == real:
        real, generated = generated, real
    return np.where(score >= detector.threshold_, generated, real).astype(detector.classes_.dtype)


def three_verdicts(detector, X, score):
    """Return the verdicts that belong to scores; X is encoded again for stability alone."""
    verdict = _by_score(detector, score)
    if abstention(detector).stability:
        rows = np.flatnonzero(np.isin(verdict, ["real", "generated"]))
        verdict[rows[flips(detector, X, rows, verdict[rows] == "generated")]] = "unsure"
    return verdict


def current_rule(detector):
    """Return the rule, or None, with the threshold that the detector has now: it may be set."""
    rule = detector.verdict_rule_
    return None if rule is None else replace(rule, threshold=float(detector.threshold_))


def _by_score(detector, score):
    rule = current_rule(detector)
    if rule is not None:
        return rule.verdicts(score).astype("<U9")
    verdict = np.where(score >= detector.threshold_, "generated", "real")
    verdict[np.isnan(score)] = ""
    return verdict


def verdicts_fit(detector, score, verdict, tolerance):
    """Say which verdicts this detector can have given to these scores, known to a tolerance."""
    score, verdict = np.array(score), np.array(verdict)
    fits = np.isin(verdict, ["unsure"]) & abstention(detector).stability
    for shift in (-tolerance, 0, tolerance):
        fits |= _by_score(detector, score + shift) == verdict
    return fits


def _scores_of_generated(detector):
    """Return scores of generated pictures that the head has not seen; None if there are none."""
    rule, scores = detector.verdict_rule_, detector.out_of_fold_
    if rule is not None:
        return rule.scores["score"][rule.scores["generated"]]
    return None if scores is None else scores.score[scores.y == 1]


@public("sklearn_ssafe.detector")
@dataclass
class Recalibration:
    """What `SSAFEClassifier.recalibrate` did; how many pictures it took is in `operating_point_`.

    Attributes
    ----------
    n_failures : int
        Pictures that could not be encoded and were left out.
    threshold_before : float
        The threshold until then.
    date : str
        When it was done.
    """

    n_failures: int
    threshold_before: float
    date: str


class ThreeVerdicts:
    """`predict_verdict` and `recalibrate`, for `SSAFEClassifier`."""

    def predict_verdict(self, X):
        """Return "real", "generated" or, as `abstain` asks, "unsure" for each picture.

        A verdict is that of `predict`, or it is withheld.

        Parameters
        ----------
        X : array-like of shape (n_samples,), or of shape (n_samples, n_features)
            Pictures, or embeddings with ``encoder=None``.

        Returns
        -------
        verdict : ndarray of str, shape (n_samples,)
            In these words, whatever the labels in `classes_`.

        Raises
        ------
        ValueError
            A picture could not be encoded, so that there is no verdict on it, or X is empty.
        """
        check_is_fitted(self)
        score, verdict = score_and_three_verdicts(self, X)
        refuse_missing(score)
        return verdict

    def recalibrate(self, X_real, *, target_fpr=None):
        """Move the threshold to your own real pictures; return the detector with it.

        Your cameras are not those of the training set. Some pictures of theirs, all real, move the
        threshold so that at most `target_fpr` of such pictures are called generated. The head is
        not touched, and no generated picture is needed. What another threshold detects is to be
        seen by `sklearn_ssafe.evaluation_report`, or from `out_of_fold_`.

        Parameters
        ----------
        X_real : array-like of shape (n_real,), or of shape (n_real, n_features)
            **Real** pictures of yours that the detector was not trained on, or embeddings with
            ``encoder=None``. Twenty are a beginning; see Notes.
        target_fpr : float or None, default=None
            Share of them that may be called generated. None keeps the share that the threshold is
            for now, ``operating_point_.target_fpr``: that of the last `recalibrate`, else of the
            parameter `target_fpr`; where there is none, that of `abstain`.

        Returns
        -------
        detector : SSAFEClassifier
            A new one, which shares encoder and head with this. Its `threshold_` and
            `operating_point_` are of these pictures, `recalibration_` says what was done, and the
            promise of `abstain` on real pictures is one on these; that on generated pictures stays.
            This detector is as it was.

        Raises
        ------
        EncodingError
            A picture could not be encoded, and the encoder has ``on_error="raise"``.
        ValueError
            No picture could be encoded, X is empty, or None is given as `target_fpr` and the
            threshold is for no share, as the default 0.5 is.

        Warns
        -----
        TooFewRealPicturesWarning
            There are too few pictures for `target_fpr`. The threshold is just above the highest of
            their scores, and ``operating_point_.fpr_upper_bound`` is what can be promised.

        Notes
        -----
        The rule is `sklearn_ssafe.metrics.threshold_for_fpr` with `confidence_level`. At 95 %
        confidence, 59 pictures are needed to promise 5 %, and 299 for 1 %; 20 promise 14 %. With
        ``confidence_level=None``, on average over such draws, 19 are needed for 5 % and 99 for 1 %.

        The promise is exact, as the head has not seen these pictures: for further pictures drawn as
        these were. Those of several cameras are one mixture. A camera that has a quarter of the
        pictures may have four times the rate, so recalibrate for each where that matters.

        The parameter `target_fpr` stays as it is, as all do: ``clone`` and ``fit`` know nothing of
        this.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ssafe import SSAFEClassifier
        >>> rng = np.random.default_rng(0)
        >>> y = np.repeat([0, 1], 200)
        >>> X = rng.normal(size=(400, 4)) + 2 * y[:, None]
        >>> detector = SSAFEClassifier(encoder=None).fit(X, y)
        >>> ours = rng.normal(size=(1100, 4)) + 0.8  # our cameras look more like generated ones
        >>> bool((detector.predict(ours[100:]) == 1).mean() > 0.2)
        True
        >>> moved = detector.recalibrate(ours[:100], target_fpr=0.05)
        >>> bool((moved.predict(ours[100:]) == 1).mean() <= 0.05)
        True
        """
        check_is_fitted(self)
        rule, point = self.verdict_rule_, self.operating_point_
        if target_fpr is None:
            chosen_by = point.target_fpr if point is not None else getattr(rule, "fpr", None)
            if chosen_by is None:
                raise ValueError(
                    f"the threshold {self.threshold_:.4g} was given, and not chosen for a share of "
                    "real pictures that could be kept: say which share of these may be called "
                    "generated, such as target_fpr=0.05 (--target-fpr 0.05)"
                )
            target_fpr = chosen_by
        score = self._score(X_real)
        good = score[np.isfinite(score)]
        if not len(good):
            raise ValueError("none of the real pictures could be encoded")
        point = threshold_for_fpr(
            good,
            target_fpr,
            confidence_level=self.confidence_level,
            others=_scores_of_generated(self),
        )
        moved = copy(self)
        moved.recalibration_ = Recalibration(
            n_failures=len(score) - len(good),
            threshold_before=float(self.threshold_),
            date=date.today().isoformat(),
        )
        moved.operating_point_, moved.threshold_ = point, point.threshold
        if rule is not None:
            moved.verdict_rule_ = rule.with_real_pictures(good, point.threshold)
        return moved
