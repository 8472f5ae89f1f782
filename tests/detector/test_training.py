"""Folds, draws and what a head is trained on: by what rows hold, not by where they stand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from sklearn_ssafe import GeneratorCurator, LinearProbe, SSAFEClassifier
from sklearn_ssafe.detector.training import turn_by_content

from .test_classifier import named_rows

POOL = named_rows()

ASKED = {
    "target": {"target_fpr": 0.1, "confidence_level": None},
    "abstain": {"abstain": 0.1, "calibration_size": 0.4},
    "both, of trees": {
        "abstain": 0.1,
        "target_fpr": 0.2,
        "head": RandomForestClassifier(10, random_state=0),
    },
    "probe": {"head": LinearProbe(epochs=20, random_state=0), "target_fpr": 0.2},
    "curated": {"curator": GeneratorCurator(2, n_samples=80, random_state=0), "target_fpr": 0.2},
}


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.filterwarnings("ignore::sklearn_ssafe.exceptions.TooFewRealPicturesWarning")
@pytest.mark.filterwarnings("ignore::sklearn_ssafe.exceptions.TooFewPicturesWarning")
def test_the_order_of_rows_decides_nothing(asked, named):
    if asked == "curated" and not named:
        pytest.skip("a curator chooses among generators by their names")
    names = ("generator", "source") if named else ()
    fits = []
    for order in (np.arange(len(POOL["y"])), np.random.default_rng(0).permutation(len(POOL["y"]))):
        detector = SSAFEClassifier(encoder=None, **ASKED[asked])
        known = {name: POOL[name][order] for name in names}
        detector.fit(POOL["X"][order], POOL["y"][order], **known)
        assert len(order[detector.training_indices_]) < len(order) or "abstain" not in asked
        fits.append((detector, order))
    (first, _), (second, order) = fits
    assert second.threshold_ == pytest.approx(first.threshold_, rel=1e-9)
    np.testing.assert_allclose(
        second.predict_proba(POOL["X"]), first.predict_proba(POOL["X"]), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        second.out_of_fold_.score, first.out_of_fold_.score[order], rtol=1e-9, atol=1e-12
    )
    assert sorted(order[second.training_indices_]) == first.training_indices_.tolist()
    pd.testing.assert_frame_equal(second.training_table_, first.training_table_)
    if "abstain" in ASKED[asked]:
        for limit in ("generated_limit", "real_limit"):
            expected = getattr(first.verdict_rule_, limit)
            assert getattr(second.verdict_rule_, limit) == pytest.approx(expected, rel=1e-9)


def test_rounding_of_rows_moves_hardly_a_picture_to_another_fold():
    options = {"encoder": None, "abstain": 0.1}
    rng = np.random.default_rng(0)
    noisy = POOL["X"] * (1 + rng.uniform(-1e-7, 1e-7, size=POOL["X"].shape))
    first = SSAFEClassifier(**options).fit(POOL["X"], POOL["y"])
    second = SSAFEClassifier(**options).fit(noisy, POOL["y"])
    assert (first.out_of_fold_.fold != second.out_of_fold_.fold).mean() < 0.02
    moved = np.setdiff1d(first.training_indices_, second.training_indices_)
    assert len(moved) < 0.02 * len(POOL["y"])


def test_rows_take_turns_at_random():
    known = [POOL["generator"], POOL["source"]]
    turn = turn_by_content(POOL["X"], POOL["y"], known, None)
    assert sorted(turn) == list(range(len(turn)))
    ranked = pd.DataFrame(POOL["X"]).assign(y=POOL["y"], place=np.arange(len(turn)))
    assert ranked.corrwith(pd.Series(turn), method="spearman").abs().max() < 0.15
    # What only labels or columns tell apart has a turn of its own, wherever it stands.
    same = np.zeros((6, 3))
    table = pd.DataFrame({"age": [1, 2, 3, 4, 5, 6], "device": list("xyzzyx")})
    order = np.array([3, 1, 5, 0, 2, 4])
    turn = turn_by_content(same, np.zeros(6), [], table)
    again = turn_by_content(same, np.zeros(6), [], table.iloc[order])
    assert again.tolist() == turn[order].tolist()
