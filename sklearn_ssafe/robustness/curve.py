"""robustness_curve: a detector's figures on pictures that were compressed, resized, shared ..."""

from functools import partial
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params
from sklearn.utils.validation import check_consistent_length

from ..detector.columns import split_table, with_pictures
from ..encoding.failures import EncodingError, failures_message
from ..encoding.progress import progress_bar
from ..images.errors import ImageReadError
from ..images.inputs import as_pictures
from ..images.perturbations.catalogue import choose_perturbations, content_of
from ..images.threads import map_ahead, worker_threads
from ..labels import is_generated, known_labels, names_of
from ..metrics.scores import judge_pictures, last_step
from ..public import public
from .result import RobustnessCurve


@public("sklearn_ssafe")
@validate_params(
    {
        "estimator": [HasMethods(["predict"])],
        "X": "no_validation",
        "y": ["array-like"],
        "perturbations": "no_validation",
        "pos_label": "no_validation",
        "generator": ["array-like", None],
        "source": ["array-like", None],
        "groups": ["array-like", None],
        "n_resamples": [Interval(Integral, 0, None, closed="left")],
        "confidence_level": [Interval(Real, 0, 1, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "num_workers": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": [Integral],
        "verbose": ["boolean", Integral, StrOptions({"auto"})],
    },
    prefer_skip_nested_validation=False,
)
def robustness_curve(
    estimator,
    X,
    y,
    *,
    perturbations="all",
    pos_label=None,
    generator=None,
    source=None,
    groups=None,
    n_resamples=1000,
    confidence_level=0.95,
    batch_size=32,
    num_workers=None,
    random_state=0,
    verbose="auto",
):
    """Score pictures unchanged and changed: compressed, blurred, resized, cropped, shared.

    Each changed picture is made once, handed to the detector once, and dropped. What a codec
    writes is handed over as the ``bytes`` of the file, so that the detector decodes it as it would
    any file; all else as uint8 arrays. Random changes are seeded from the pixels, so that neither
    the order of the pictures nor `batch_size` matters, and an encoder with a cache finds the same
    pictures again.

    Parameters
    ----------
    estimator : estimator
        A fitted detector that takes pictures: a pipeline with `FrozenEncoderTransformer` and a
        classifier or outlier detector, a search over one, or a detector of its own. Nothing is
        fitted here.
    X : array-like of shape (n_pictures,), or table
        Pictures as for `FrozenEncoderTransformer`, that the detector was not fitted on. For an
        `SSAFEClassifier` with `columns` the table that it takes: pictures are changed, and the
        columns beside them stay as they are.
    y : array-like of shape (n_pictures,)
        0 real, 1 generated; or other labels, with `pos_label`.
    perturbations : "all", str, Perturbation, sequence of these, or dict, default="all"
        Names that `list_perturbations` lists, with the wildcards of a shell (``"resize_*"``), or
        perturbations of your own; a dict of name to strengths, ``{"jpeg": [90, 50]}``, or pairs,
        ``[("jpeg", 90), ("jpeg", 50)]``, for other strengths than the listed ones. "all" makes 62
        changes of each picture.
    pos_label : object, default=None
        The label in `y`, and class of the detector, that means generated. None takes the larger of
        two numbers, such as 1 of 0 and 1, and knows words such as fake and photo.
    {generator}
    {source}
    groups : array-like of shape (n_pictures,) or None, default=None
        Pictures that belong together, such as those of one scene. Intervals come from resampling
        whole generators, sources and groups, as those of `detection_report` do, whose notes say
        how. Where none is given, single pictures are resampled.
    n_resamples : int, default=1000
        Bootstrap resamples behind each interval; 0 leaves the intervals out.
    confidence_level : float, default=0.95
        Of the intervals.
    batch_size : int, default=32
        Most pictures in memory at once; fewer where they are large.
    num_workers : int or None, default=None
        Threads that read and change pictures; None takes one for each core.
    random_state : int, default=0
        Enters the seeds of the changes, and of the resamples.
    verbose : bool or "auto", default="auto"
        Whether to show a progress bar; "auto" shows one in a terminal or notebook.

    Returns
    -------
    curve : RobustnessCurve
        With ``frame()`` (figures and intervals for each strength), ``flips()`` (for each picture,
        what turns its verdict) and ``failures``. Its scores are per picture and change.

    Raises
    ------
    EncodingError
        No picture could be scored. Otherwise a picture that cannot be read, changed or encoded
        costs its own row, and is listed in ``failures``.
    ValueError
        A parameter is out of range, a class is missing in `y`, or the detector does not know
        `pos_label`.

    See Also
    --------
    perturb : Change one picture, to look at it.
    list_perturbations : What there is, with exact parameters and the papers behind them.

    Notes
    -----
    Thresholds stay as they were fitted. A threshold chosen anew for each strength would measure
    something that nobody has in use.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ssafe import FrozenEncoderTransformer, robustness_curve
    >>> from sklearn_ssafe.datasets import make_generated_images
    >>> pictures = make_generated_images(n_samples=40, image_size=64, random_state=0)
    >>> detector = make_pipeline(FrozenEncoderTransformer(), LogisticRegression())
    >>> _ = detector.fit(pictures.X[:20], pictures.y[:20])
    >>> curve = robustness_curve(
    ...     detector, pictures.X[20:], pictures.y[20:], perturbations={"jpeg": [75, 30]}
    ... )
    >>> curve.frame()[["perturbation", "strength", "pictures"]]
      perturbation  strength  pictures
    0         none       NaN        20
    1         jpeg      75.0        20
    2         jpeg      30.0        20
    """
    chosen = choose_perturbations(perturbations)
    columns, table = getattr(last_step(estimator), "columns", None), None
    if columns is not None:
        X, table = split_table(X, columns)
    pictures = as_pictures(X)
    check_consistent_length(pictures, y, generator, source, groups)
    generated = is_generated(y, pos_label)
    pos_label = np.asarray(y)[generated][0]
    y = generated.astype(int)
    changes = [(each, strength) for each in chosen for strength in each.strengths]
    run = RobustnessRun(estimator, pictures, table, changes, pos_label, random_state)
    with (
        worker_threads(num_workers) as threads,
        progress_bar(len(pictures), "changing and scoring", verbose) as bar,
    ):
        run.go(batch_size, threads, bar.update)
    failures = run.failures()
    if np.isnan(run.score[:, 0]).all():
        unchanged = failures[failures["perturbation"] == run.conditions[0][0]]
        raise EncodingError(failures_message(unchanged, len(pictures)), unchanged)
    return RobustnessCurve(
        perturbations=chosen,
        conditions=run.conditions,
        path=np.array([picture.name for picture in pictures], dtype=object),
        y=y,
        score=run.score,
        verdict=run.verdict,
        failures=failures,
        name=names_of(y, generator, source),
        groups=None if groups is None else known_labels(len(y), groups),
        n_resamples=n_resamples,
        confidence_level=confidence_level,
        random_state=random_state,
    )


UNCHANGED = "none"
"""What the pictures as they are are called in tables."""

# Pixels decoded at once: 200 MB, and four times that where pictures are made twice as large.
_MOST_PIXELS = 64_000_000
_PICTURES_AHEAD = 8


class RobustnessRun:
    """Scores and verdicts of pictures, one column unchanged and one for each change."""

    def __init__(self, estimator, pictures, table, changes, pos_label, random_state):
        self.estimator = estimator
        self.pictures = pictures
        self.table = table
        self.changes = changes
        self.pos_label = pos_label
        self.random_state = random_state
        named = [(perturbation.name, float(strength)) for perturbation, strength in changes]
        self.conditions = [(UNCHANGED, np.nan), *named]
        self.score = np.full((len(pictures), len(self.conditions)), np.nan)
        self.verdict = np.zeros(self.score.shape, dtype=bool)
        self._lost = []

    def go(self, batch_size, threads, on_done):
        """Read, change and score all pictures; `on_done` is told how many are done."""
        rows, images = [], []
        for row, image in enumerate(map_ahead(threads, _read, self.pictures, _PICTURES_AHEAD)):
            if isinstance(image, str):
                self._lose(row, 0, image)
                on_done(1)
                continue
            rows.append(row)
            images.append(image)
            if len(rows) == batch_size or sum(i.size for i in images) > 3 * _MOST_PIXELS:
                self._score_all(rows, images, threads)
                on_done(len(rows))
                rows, images = [], []
        if rows:
            self._score_all(rows, images, threads)
            on_done(len(rows))

    def failures(self):
        """Tabulate what is missing, as `RobustnessCurve.failures`."""
        lost = sorted(self._lost)
        return pd.DataFrame(
            {
                "row": pd.Series([row for row, _, _ in lost], dtype="int64"),
                "path": pd.Series([self.pictures[row].name for row, _, _ in lost], dtype=object),
                "perturbation": pd.Series(
                    [self.conditions[column][0] for _, column, _ in lost], dtype=object
                ),
                "strength": pd.Series(
                    [self.conditions[column][1] for _, column, _ in lost], dtype="float64"
                ),
                "reason": pd.Series([reason for _, _, reason in lost], dtype=object),
            }
        )

    def _lose(self, row, column, reason):
        self._lost.append((row, column, reason))

    def _score_all(self, rows, images, threads):
        self._score(0, rows, [self.pictures[row].item for row in rows])
        contents = list(threads.map(content_of, images))
        for column, (perturbation, strength) in enumerate(self.changes, 1):
            change = partial(_change, perturbation, strength, self.random_state)
            kept, pictures = [], []
            for row, changed in zip(rows, threads.map(change, images, contents), strict=True):
                if isinstance(changed, str):
                    self._lose(row, column, changed)
                else:
                    kept.append(row)
                    pictures.append(changed)
            self._score(column, kept, pictures)

    def _score(self, column, rows, pictures):
        if not rows:
            return
        X = pictures if self.table is None else with_pictures(self.table.iloc[rows], pictures)
        try:
            judged = judge_pictures(self.estimator, X, as_pictures(pictures), label=self.pos_label)
        except EncodingError as error:
            if error.failures is None or error.failures.empty:
                raise
            judged = None
            reasons = dict(zip(error.failures["row"], error.failures["reason"], strict=True))
        if judged is not None:
            self.score[rows, column], self.verdict[rows, column] = judged.score, judged.called
            reasons = judged.reasons
        for place, reason in reasons.items():
            self._lose(rows[place], column, reason)


def _read(picture):
    try:
        return picture.read()
    except ImageReadError as error:
        return str(error)


def _change(perturbation, strength, random_state, image, content):
    """Return the changed picture, or the reason why there is none."""
    try:
        return perturbation(image, strength, random_state, content=content)
    except Exception as error:  # a codec's limits, or whatever a user's own function raises
        return f"could not be changed: {type(error).__name__}: {error}"
