"""Training: pictures to rows, a head and a threshold, what the head did not see, the account."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_consistent_length

from ..curation.curator import CurationWarning
from ..images.picture import as_picture
from ..labels import binary_labels, generated_label, held_out_groups, known_labels, names_of
from ..metrics.thresholds import threshold_for_fpr
from ..model_selection.held_out import CannotSplitError, score_folds
from ..public import public
from .changed_copies import changes_of, encode_copies
from .columns import beside, head_of_columns, kinds_of, split_table, tidy_columns
from .fold_majority import FoldMajority
from .given_rows import take_given_rows
from .verdicts import abstention, calibrate, kept_aside


def train(detector, X, y, origin, embeddings=None):
    """Fit a detector: encode, choose, train, set the threshold; set all its fitted attributes."""
    # All that can be wrong is found before hours of encoding.
    encoder = detector._new_encoder()
    head = detector._new_head(encoder)
    changes = changes_of(detector.augment, encoder)
    asked = abstention(detector)
    if detector.target_fpr is not None and detector.cv is None:
        raise ValueError("target_fpr needs out-of-fold scores: give cv a number of folds")
    if embeddings is not None and encoder is None:
        raise ValueError("embeddings= goes with an encoder; with encoder=None, X holds them")
    table = None
    if detector.columns is not None:
        X, table = split_table(X, detector.columns)
        detector.column_kinds_ = kinds_of(table)
        table = tidy_columns(table, detector.column_kinds_)
    X, y = detector._checked(X, y)
    origin = {name: np.asarray(v, object) for name, v in origin.items() if v is not None}
    check_consistent_length(y, *origin.values())
    detector.classes_, _ = binary_labels(y, type(detector).__name__)
    detector.pos_label_ = generated_label(detector.classes_, detector.pos_label)
    is_generated = (y == detector.pos_label_).astype(int)
    names = names_of(is_generated, origin.get("generator"), origin.get("source"))

    detector.encoder_, detector._unit_rows = encoder, False
    if embeddings is None:
        rows = detector._encode(X, fit=True)
    else:
        rows, detector.failures_ = take_given_rows(encoder, X, embeddings)
    good = np.flatnonzero(np.isfinite(rows).all(axis=1))
    detector.n_failures_ = len(rows) - len(good)
    if detector.n_failures_:
        rows, is_generated, names = rows[good], is_generated[good], names[good]
        origin = {name: values[good] for name, values in origin.items()}
    seen = rows  # by the head; a curator sees pictures alone
    if table is not None:
        table = table.iloc[good]
        seen = beside(rows, table)
        n_rows = min(len(good), getattr(detector.curator, "n_samples", len(good)))
        head = head_of_columns(
            detector.head,
            detector.column_kinds_,
            rows.shape[1],
            n_rows,
            detector.picture_components,
        )
    copies = None
    if changes:
        copies, failures = encode_copies(encoder, [X[row] for row in good], changes, table)
        if failures is not None:
            failures = failures.assign(row=good[failures["row"]])
            detector.failures_ = pd.concat([detector.failures_, failures], ignore_index=True)

    turn = turn_by_content(rows, is_generated, origin.values(), table)
    aside = np.zeros(len(rows), dtype=bool)
    if asked.fpr is not None:
        aside = kept_aside(is_generated, names, detector.calibration_size, turn)
    detector.out_of_fold_ = None
    if detector.cv is not None:
        try:
            detector.out_of_fold_, heads, of_heads = score_out_of_fold(
                head,
                detector.curator,
                rows,
                is_generated,
                origin,
                detector.cv,
                seen,
                copies,
                aside,
                turn,
            )
        except CannotSplitError:
            if detector.target_fpr is not None:
                raise
    detector.operating_point_ = None
    detector.threshold_ = detector.threshold
    if detector.target_fpr is not None:
        units = held_out_groups(is_generated, origin.get("generator"), origin.get("source"))
        detector.operating_point_ = threshold_for_fpr(
            detector.out_of_fold_.score[is_generated == 0],
            detector.target_fpr,
            confidence_level=detector.confidence_level,
            groups=units[is_generated == 0],
            others=detector.out_of_fold_.score[is_generated == 1],
        )
        detector.threshold_ = detector.operating_point_.threshold

    detector.curator_, chosen = choose_rows(
        detector.curator, rows, is_generated, origin, np.flatnonzero(~aside)
    )
    if detector.target_fpr is None:
        detector.head_ = fit_head(head, seen, is_generated, in_turn(chosen, turn), copies)
    else:
        # The threshold is for the heads that it was chosen with, see metrics/thresholds.py.
        detector.head_, chosen = FoldMajority(heads), of_heads
    detector.verdict_rule_ = detector.recalibration_ = None
    if asked.fpr is not None:
        score = detector._score_rows(rows[aside], None if table is None else table[aside])
        calibrate(detector, asked, score, is_generated[aside], names[aside])
    detector.n_features_of_head_ = rows.shape[1]
    detector.training_indices_ = good[chosen]
    detector.training_table_ = training_table(
        is_generated, names, chosen, detector.out_of_fold_, detector.threshold_
    )
    detector.training_rows_ = None
    if detector.keep_training_rows:
        paths = ["" if encoder is None else as_picture(X[row]).name for row in good[chosen]]
        detector.training_rows_ = TrainingRows(
            rows[chosen].astype(np.float32), is_generated[chosen], paths, names[chosen].tolist()
        )
    return detector


def turn_by_content(rows, y, origin, table):
    """Return when it is each row's turn: at random, by what it holds and not by where it stands.

    Rows are ordered by one number before they are shuffled, so that rounding, as on another
    machine, gives hardly any of them another turn.
    """
    keys = [np.unique(known_labels(len(y), column), return_inverse=True)[1] for column in origin]
    if table is not None:
        keys.append(pd.util.hash_pandas_object(table, index=False).to_numpy())
    weights = check_random_state(0).standard_normal(rows.shape[1])
    order = np.lexsort([*keys, y, [(row * weights).sum() for row in rows]])
    turn = np.empty(len(rows), dtype=np.intp)
    turn[order] = check_random_state(0).permutation(len(rows))
    return turn


def in_turn(rows, turn):
    """Sort the numbers of some rows by their turn."""
    return rows[np.argsort(turn[rows])]


def choose_rows(curator, rows, y, origin, among):
    """Choose the rows to train on, `among` some; return the fitted curator and their numbers."""
    if curator is None:
        return None, among
    curator = clone(curator)
    part = {name: values[among] for name, values in origin.items()}
    curator.fit_resample(rows[among], y[among], **part)
    return curator, among[np.asarray(curator.sample_indices_)]


def fit_head(head, seen, y, chosen, copies):
    """Train on the chosen rows of what the head sees, and on their changed copies."""
    training = _safe_indexing(seen, chosen), y[chosen]
    if copies is not None:
        training = copies.of(chosen).below(*training)
    return clone(head).fit(*training)


def score_out_of_fold(head, curator, rows, y, origin, cv, seen, copies, aside, turn):
    """Score every row by a head trained without its generator and its source, and none on `aside`.

    A curator chooses by `rows`, the heads see the same ones in `seen`, and their changed `copies`.
    Return the scores, the heads of the folds, and the rows that any of these was trained on.
    """
    heads, trained_on = [], np.zeros(len(rows), dtype=bool)

    def fit_and_score(train, test):
        train = train[~aside[train]]
        if len(np.unique(y[train])) < 2:
            raise CannotSplitError(
                "beside what is kept aside and held out, a fold has pictures of one class alone to "
                "train on: give more pictures"
            )
        with warnings.catch_warnings():
            # A fold has fewer generators to give; what all of them lack is said later.
            warnings.simplefilter("ignore", CurationWarning)
            _, chosen = choose_rows(curator, rows, y, origin, train)
        trained_on[chosen] = True
        heads.append(fit_head(head, seen, y, in_turn(chosen, turn), copies))
        return heads[-1].predict_proba(_safe_indexing(seen, test))[:, 1]

    known = {"generator": origin.get("generator"), "source": origin.get("source")}
    known["groups"] = [f"{place:09d}" for place in turn]  # pictures without a name are dealt so
    scores = score_folds(fit_and_score, y, **known, cv=cv)
    return scores, heads, np.flatnonzero(trained_on)


@public("sklearn_ssafe.detector")
@dataclass(repr=False)
class TrainingRows:
    """Rows, labels and names of the pictures that a detector was trained on.

    What ``SSAFEClassifier(keep_training_rows=True)`` keeps as ``training_rows_``.

    Attributes
    ----------
    rows : ndarray of float32, shape (n_trained_on, n_features)
        Of unit length.
    y : ndarray of int, shape (n_trained_on,)
        1 for generated.
    paths : list of str
        Paths, or what else tells which picture it was; ``""`` for embeddings.
    names : list of str
        Generator or real source, ``""`` where unknown.
    """

    rows: np.ndarray
    y: np.ndarray
    paths: list
    names: list

    def __repr__(self):
        n_rows, n_features = self.rows.shape
        return f"<TrainingRows: {n_rows:,} rows of {n_features:,} numbers>"


def training_table(y, names, chosen, scores, threshold):
    """`SSAFEClassifier.training_table_`, with figures from `scores` where there are any."""
    trained_on = np.zeros(len(y), dtype=bool)
    trained_on[chosen] = True
    everything = pd.DataFrame(
        {
            "class": np.where(y == 1, "generated", "real"),
            "name": [name or "(unnamed)" for name in names],
            "trained_on": trained_on,
        }
    )
    table = everything.groupby(["class", "name"])["trained_on"].agg(["size", "sum"]).reset_index()
    table.columns = ["class", "name", "pictures", "trained_on"]
    if scores is None:
        return table.assign(called_generated=np.nan, auc=np.nan)
    figures = scores.figures_by_name(names, scores.score >= threshold)
    counts = table.drop(columns="pictures")
    table = figures.merge(counts, on=["class", "name"], how="left", sort=False)
    return table[["class", "name", "pictures", "trained_on", "called_generated", "auc"]]
