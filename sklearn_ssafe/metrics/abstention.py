"""Three verdicts: two limits, each calibrated within every source or generator."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..labels import is_generated, names_of
from ..public import public
from .thresholds import TooFewRealPicturesWarning, threshold_for_fpr, upper_bound

TOGETHER = "(the small ones together)"
_OWN = "(own pictures)"


@public("sklearn_ssafe.exceptions")
class TooFewPicturesWarning(UserWarning):
    """There are too few pictures to promise the share of errors that was asked for."""


@public("sklearn_ssafe.metrics")
@dataclass
class VerdictRule:
    """From which score a picture is called generated, and below which real. Made by `verdict_rule`.

    Attributes
    ----------
    fpr, fnr : float
        The share of a real source's pictures that may be called generated, and of a generator's
        that may be called real.
    confidence_level : float or None
        How sure that is to be; see `verdict_rule`.
    threshold : float
        The detector's own, which no verdict contradicts.
    generated_limit : float
        The lowest limit from which `fpr` is kept; between two scores, as `threshold_for_fpr` says.
    real_limit : float
        The highest limit below which `fnr` is kept.
    scores : pandas.DataFrame
        What it was calibrated on: ``generated`` (bool), ``name`` and ``score`` of each picture.
    """

    fpr: float
    fnr: float
    confidence_level: float | None
    threshold: float
    generated_limit: float
    real_limit: float
    scores: pd.DataFrame

    @property
    def generated_from(self):
        """A picture that scores this or more is called generated."""
        return max(self.generated_limit, self.threshold)

    @property
    def real_below(self):
        """A picture that scores less is called real; one in between is unsure."""
        return min(self.real_limit, self.threshold)

    def verdicts(self, score):
        """Turn scores into verdicts.

        Parameters
        ----------
        score : array-like of float, shape (n_samples,)
            Higher means more likely generated.

        Returns
        -------
        verdict : ndarray of str, shape (n_samples,)
            "real", "generated" or "unsure"; "" where the score is NaN.
        """
        score = column_or_1d(score)
        chosen = [np.isnan(score), score >= self.generated_from, score < self.real_below]
        return np.select(chosen, ["", "generated", "real"], "unsure")

    def frame(self):
        """Return what is promised to whom.

        Returns
        -------
        table : pandas.DataFrame
            A row for each real source, then one for each generator, the highest rate first:

            - ``class`` ("real" or "generated") and ``name``;
            - ``pictures`` that it was calibrated on; ``wrong``, how many of them are beyond the
              limit of their class; ``unsure``, how many get no verdict;
            - ``rate``, the share of wrong ones, and ``upper_bound`` of it (Clopper-Pearson, at
              `confidence_level`, 95 % where that is None);
            - ``target``, what was asked for, and whether it is ``promised`` to this name.

            Names with too few pictures for a promise of their own have one together, in the row
            "(the small ones together)".
        """
        level = 0.95 if self.confidence_level is None else self.confidence_level
        table = self.scores.assign(
            wrong=np.where(
                self.scores["generated"],
                self.scores["score"] < self.real_limit,
                self.scores["score"] >= self.generated_limit,
            ),
            unsure=self.verdicts(self.scores["score"]) == "unsure",
        )
        rows = []
        for side, word, target in ((False, "real", self.fpr), (True, "generated", self.fnr)):
            mine = table[table["generated"] == side]
            n_needed = _needed(target, self.confidence_level)
            for name, part in _parts(mine, n_needed, each=True):
                n, n_wrong = len(part), int(part["wrong"].sum())
                rows.append(
                    {
                        "class": word,
                        "name": name or "(unnamed)",
                        "pictures": n,
                        "wrong": n_wrong,
                        "unsure": int(part["unsure"].sum()),
                        "rate": n_wrong / n,
                        "upper_bound": float(upper_bound(n_wrong, n, level)),
                        "target": target,
                        "promised": n >= n_needed,
                    }
                )
        order = {"by": ["class", "rate", "name"], "ascending": [False, False, True]}
        return pd.DataFrame(rows).sort_values(**order, ignore_index=True)

    @property
    def worst(self):
        """The rows with the highest rate: a dict of Series with keys "real" and "generated"."""
        table = self.frame()
        table = table[table["name"] != TOGETHER]
        return {word: part.iloc[0] for word, part in table.groupby("class")}

    def with_real_pictures(self, score, threshold):
        """Calibrate the limit of generated pictures on other real ones.

        Parameters
        ----------
        score : array-like of float, shape (n_real,)
            Scores of real pictures, all of one source.
        threshold : float
            The detector's own.

        Returns
        -------
        rule : VerdictRule
            A new one; the other limit is as it was.
        """
        own = pd.DataFrame({"generated": False, "name": _OWN, "score": column_or_1d(score)})
        scores = pd.concat([own, self.scores[self.scores["generated"]]], ignore_index=True)
        limit = _limit(own, self.fpr, self.confidence_level, scores["score"])
        return replace(self, scores=scores, generated_limit=limit, threshold=threshold)


@public("sklearn_ssafe.metrics")
def verdict_rule(
    y_true,
    y_score,
    *,
    fpr=0.05,
    fnr=0.05,
    generator=None,
    source=None,
    threshold=0.5,
    move_threshold=True,
    confidence_level=0.95,
    pos_label=None,
):
    """Find the scores between which no verdict is given, so that few verdicts are wrong.

    Of the pictures of **each** real source at most a share `fpr` is called generated, and of those
    of **each** generator at most a share `fnr` is called real. What cannot be told apart so well is
    "unsure". Each source and each generator is calibrated by itself (Mondrian conformal prediction
    [1]_) by `threshold_for_fpr`, and the strictest decides.

    Parameters
    ----------
    {y_true}
    y_score : array-like of float, shape (n_samples,)
        Higher means more likely generated. By a classifier that was **not** trained on these
        pictures.
    fpr : float, default=0.05
        Share of a real source's pictures that may be called generated.
    fnr : float, default=0.05
        Share of a generator's pictures that may be called real.
    {generator}
    {source}
    threshold : float, default=0.5
        The detector's own. No verdict contradicts it: a picture is called generated only if it
        scores as much, and real only if it scores less.
    move_threshold : bool, default=True
        Whether the threshold is moved to the nearer of the two limits where it is not between them,
        so that it leaves no more pictures unsure than the limits do.
    confidence_level : float or None, default=0.95
        Probability, over the draw of these pictures, that the promise holds for all real sources
        at once, and likewise for all generators at once. None promises less: the rate of each name
        is kept on average over such draws.
    {pos_label}

    Returns
    -------
    rule : VerdictRule
        The two limits, and what is promised to whom.

    Raises
    ------
    ValueError
        A score is not finite, or a parameter is not between 0 and 1.

    Warns
    -----
    TooFewPicturesWarning
        A source or generator with too few pictures for a promise of its own shares one with others
        of its kind. These are too few even together, so the limit lies beyond all of their scores,
        and `VerdictRule.frame` has the bound that can be promised.

    See Also
    --------
    CoverageRiskDisplay : Shows how many verdicts are wrong, by how many are given.

    Notes
    -----
    **Promised** is a rate among further pictures of the sources and generators that are named here,
    each drawn independently and as these were. It is a share of all pictures of that name, unsure
    ones included, and not of those with a verdict.

    **All at once** takes no correction for many names. Call the source worst whose pictures need
    the highest limit. The limit in use is the highest of all, so it is too low for any source only
    if it is lower than the worst one needs, and then the worst one's own limit is too low as well:
    that has a probability of ``1 - confidence_level`` at most.

    **Not promised** is anything for a new camera, a new generator, other editing, or another
    mixture within a name; nor for one of the small sources, whose promise is for their mixture.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World", second
       edition (2022), section 4.6.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssafe.metrics import verdict_rule
    >>> rng = np.random.default_rng(0)
    >>> name = np.repeat(["camera", "phone", "glide", "flux"], 200)
    >>> y = np.repeat([0, 1], 400)
    >>> score = np.clip(rng.normal(np.repeat([0.2, 0.4, 0.6, 0.9], 200), 0.15), 0, 1)
    >>> rule = verdict_rule(y, score, generator=name, source=name)
    >>> round(rule.real_below, 2), round(rule.generated_from, 2)
    (0.31, 0.75)
    >>> rule.verdicts([0.1, 0.5, 0.9]).tolist()
    ['real', 'unsure', 'generated']
    >>> rule.frame()[["class", "name", "pictures", "wrong", "unsure"]]
           class    name  pictures  wrong  unsure
    0       real   phone       200      4     128
    1       real  camera       200      0      47
    2  generated   glide       200      4     158
    3  generated    flux       200      0      38
    """
    generated = is_generated(y_true, pos_label)
    score = column_or_1d(y_score).astype(float)
    check_consistent_length(generated, score, generator, source)
    if len(bad := np.flatnonzero(~np.isfinite(score))):
        raise ValueError(f"{len(bad)} scores are not finite (the first in row {bad[0]})")
    names = names_of(generated, generator, source)
    scores = pd.DataFrame({"generated": generated, "name": names, "score": score})
    generated_limit = _limit(scores[~generated], fpr, confidence_level, score)
    mirrored = scores[generated].assign(score=-score[generated])
    # "At most the mirrored limit" is "less than the next number above it".
    real_limit = float(np.nextafter(-_limit(mirrored, fnr, confidence_level, -score), np.inf))
    if move_threshold:
        threshold = float(np.clip(threshold, *sorted([real_limit, generated_limit])))
    return VerdictRule(
        float(fpr), float(fnr), confidence_level, threshold, generated_limit, real_limit, scores
    )


def _limit(scores, target, confidence_level, others):
    """Return the lowest limit from which at most `target` of each name's pictures are.

    `others` are all scores that it is to keep away from.
    """
    n_needed = _needed(target, confidence_level)
    limits, short = [], []
    for name, part in _parts(scores, n_needed):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TooFewRealPicturesWarning)  # one for both classes below
            point = threshold_for_fpr(
                part["score"], target, confidence_level=confidence_level, others=others
            )
        limits.append(point.threshold)
        if len(part) < n_needed:
            short.append((name or "(unnamed)", len(part)))
    for name, n in short:
        warnings.warn(
            f"{n} pictures of {name} are too few to promise that at most {target:g} of them get a "
            f"wrong verdict: at least {n_needed} are needed. The limit lies beyond all of them.",
            TooFewPicturesWarning,
            stacklevel=3,
        )
    return max(limits)


def _parts(scores, n_needed, each=False):
    """Yield names and their rows; several names with too few have one together.

    `each`: the small names also one by one.
    """
    sizes = scores["name"].value_counts()
    small = sizes.index[sizes < n_needed]
    together = len(small) > 1
    for name, part in scores.groupby("name", sort=True):
        if each or not together or name not in small:
            yield name, part
    if together:
        yield TOGETHER, scores[scores["name"].isin(small)]


def _needed(target, confidence_level):
    """Say how many pictures a promise takes at least."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TooFewRealPicturesWarning)
        return threshold_for_fpr([0.0], target, confidence_level=confidence_level).n_real_needed
