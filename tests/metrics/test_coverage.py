import matplotlib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import auc

from sklearn_ssafe import SSAFEClassifier, detection_report
from sklearn_ssafe.metrics import CoverageRiskDisplay, verdict_rule

matplotlib.use("agg")
import matplotlib.pyplot as plt

RNG = np.random.default_rng(0)
NAME = np.repeat(["camera", "phone", "glide", "flux"], [40, 60, 50, 70])
Y = np.isin(NAME, ["glide", "flux"]).astype(int)
SCORE = (0.35 + 0.3 * Y + 0.1 * (NAME == "phone") + RNG.normal(0, 0.15, len(Y))).clip(0.01, 0.99)
KNOWN = {"generator": np.where(Y == 1, NAME, ""), "source": np.where(Y == 0, NAME, "")}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_row_of_the_frame_is_what_counting_gives():
    threshold = 0.45
    table = CoverageRiskDisplay.from_predictions(Y, SCORE, threshold=threshold, **KNOWN).frame()
    assert not table["own"].any()
    odds = np.log(SCORE / (1 - SCORE)) - np.log(threshold / (1 - threshold))
    assert len(table) == 2 * min(100, len(SCORE) + 1)
    for row in table.iloc[::7].itertuples():
        label = int(row[1] == "generated")
        mine = np.equal(Y, label)
        sure = np.abs(odds) >= row.margin - 1e-12
        wrong = sure & (np.greater_equal(SCORE, threshold) != label)
        assert row.coverage == pytest.approx(sure[mine].mean())
        assert row.risk == pytest.approx(wrong[mine].mean())
        if sure[mine].any():
            assert row.selective_risk == pytest.approx(wrong[mine].sum() / sure[mine].sum())
        names = set(NAME[mine])
        risks = {name: wrong[name == NAME].mean() for name in names}
        assert (
            row.worst_risk == pytest.approx(max(risks.values())) == pytest.approx(risks[row.worst])
        )
        assert row.lowest_coverage == pytest.approx(
            min(sure[name == NAME].mean() for name in names)
        )


def test_the_curve_begins_with_a_verdict_on_all_and_its_risk_only_falls():
    table = CoverageRiskDisplay.from_predictions(Y, SCORE, **KNOWN).frame()
    for word, label in (("real", 0), ("generated", 1)):
        part = table[table["class"] == word]
        assert part["margin"].iloc[0] == 0
        assert part["coverage"].iloc[0] == 1
        assert part["risk"].iloc[0] == ((SCORE >= 0.5) != label)[label == Y].mean()
        for column in ("coverage", "risk", "worst_risk"):
            assert (np.diff(part[column]) <= 1e-12).all()
        assert (part["worst_risk"] >= part["risk"] - 1e-12).all()
        assert auc(part["coverage"], part["risk"]) > 0


def test_scores_that_are_no_probabilities_are_compared_as_they_are():
    score = 10 * SCORE - 5
    table = CoverageRiskDisplay.from_predictions(Y, score, threshold=0, **KNOWN).frame()
    assert table["margin"].max() == pytest.approx(np.abs(score).max())


def test_given_verdicts_are_points():
    rule = verdict_rule(Y, SCORE, fpr=0.1, fnr=0.1, **KNOWN)
    verdict = rule.verdicts(SCORE)
    report = detection_report(Y, SCORE, threshold=rule.threshold, n_resamples=0, **KNOWN)
    display = CoverageRiskDisplay.from_result(report, verdict=verdict)
    own = display.frame().query("own").set_index("class")
    assert own.loc["real", "risk"] == (verdict == "generated")[Y == 0].mean()
    assert own.loc["generated", "coverage"] == (verdict != "unsure")[Y == 1].mean()
    promised = rule.frame()
    assert own.loc["real", "worst_risk"] <= promised[promised["class"] == "real"]["rate"].max()
    marks = [line for line in display.ax_.lines if line.get_marker() in ("o", "^")]
    assert len(marks) == 4


def test_a_detectors_own_verdicts_are_shown():
    rows = np.column_stack([SCORE, RNG.normal(size=len(Y))])
    detector = SSAFEClassifier(encoder=None, abstain=0.2, confidence_level=None, cv=None).fit(
        rows, Y, **KNOWN
    )
    own = CoverageRiskDisplay.from_estimator(detector, rows, Y, **KNOWN).frame().query("own")
    verdict = detector.predict_verdict(rows)
    coverage = own.set_index("class")["coverage"]
    assert coverage["real"] == (verdict != "unsure")[Y == 0].mean()
    plain = LogisticRegression().fit(rows, Y)
    assert not CoverageRiskDisplay.from_estimator(plain, rows, Y).frame()["own"].any()
