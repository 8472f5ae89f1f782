import html.parser
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    roc_auc_score,
)

from sklearn_ssafe import detection_report
from sklearn_ssafe.metrics import equal_error_rate, expected_calibration_error, tpr_at_fpr
from sklearn_ssafe.metrics.report_rows import METRICS


def judged(seed=0, n=300):
    """Scores of four generators and five sources in three folds."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    names = np.where(y == 1, rng.choice(list("abcd"), n), rng.choice(list("vwxyz"), n))
    fold = np.array([("abcd".find(name) + "vwxyz".find(name) + 1) % 3 for name in names])
    score = 1 / (1 + np.exp(-rng.normal(size=n) - y + 0.3 * fold))
    return (
        y,
        score,
        {
            "generator": np.where(y == 1, names, ""),
            "source": np.where(y == 0, names, ""),
            "fold": fold,
        },
    )


@pytest.fixture(scope="module")
def report():
    y, score, labels = judged()
    return detection_report(y, score, threshold=0.4, n_resamples=200, **labels)


def test_a_generators_row_is_scikit_learns(report):
    y, score, labels = judged()
    for name in "abcd":
        fold = labels["fold"][labels["generator"] == name][0]
        chosen = (labels["generator"] == name) | ((y == 0) & (labels["fold"] == fold))
        row = report.frame().set_index("name").loc[name]
        assert row["pictures"] == (labels["generator"] == name).sum()
        assert row["compared_with"] == chosen.sum() - row["pictures"]
        truth, scores = y[chosen], score[chosen]
        called = scores >= 0.4
        expected = {
            "tpr": called[truth == 1].mean(),
            "fpr": called[truth == 0].mean(),
            "balanced_accuracy": balanced_accuracy_score(truth, called),
            "auc": roc_auc_score(truth, scores),
            "average_precision": average_precision_score(truth, scores),
            "eer": equal_error_rate(truth, scores),
            "tpr_at_1pct_fpr": tpr_at_fpr(truth, scores, max_fpr=0.01),
            "tpr_at_5pct_fpr": tpr_at_fpr(truth, scores, max_fpr=0.05),
            "brier": brier_score_loss(truth, scores),
            "ece": expected_calibration_error(truth, scores),
        }
        assert set(expected) == set(METRICS)
        for metric, value in expected.items():
            assert row[metric] == pytest.approx(value), metric


def test_a_sources_row_and_the_averages(report):
    y, score, labels = judged()
    table = report.frame().set_index("name")
    for name in "vwxyz":
        mine = labels["source"] == name
        assert table.loc[name, "fpr"] == pytest.approx((score[mine] >= 0.4).mean())
    macro, pooled = table.loc["macro"], table.loc["pooled"]
    assert macro["tpr"] == pytest.approx(table.loc[list("abcd"), "tpr"].mean())
    assert macro["fpr"] == pytest.approx(table.loc[list("vwxyz"), "fpr"].mean())
    assert macro["auc"] == pytest.approx(table.loc[list("abcd"), "auc"].mean())
    assert pooled["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y, score >= 0.4))
    by_fold = [labels["fold"] == number for number in range(3)]
    aucs = [roc_auc_score(y[tested], score[tested]) for tested in by_fold]
    n_generated = [y[tested].sum() for tested in by_fold]
    assert pooled["auc"] == pytest.approx(np.average(aucs, weights=n_generated))


def test_pooling_folds_is_an_option_and_says_so(report):
    y, score, labels = judged()
    pooled = detection_report(y, score, across_folds="pool", n_resamples=0, **labels)
    table = pooled.frame().set_index("name")
    assert table.loc["pooled", "auc"] == pytest.approx(roc_auc_score(y, score))
    chosen = (y == 0) | (labels["generator"] == "a")
    assert table.loc["a", "auc"] == pytest.approx(roc_auc_score(y[chosen], score[chosen]))
    assert "POOLED" in str(pooled)
    assert "POOLED" not in str(report)


def test_a_generator_in_several_folds_is_averaged_by_its_pictures():
    y = np.array([0, 0, 1, 0, 0, 1, 1, 1])
    score = np.array([0.1, 0.3, 0.2, 0.6, 0.7, 0.65, 0.8, 0.9])
    fold = np.repeat([0, 1], [3, 5])
    table = detection_report(y, score, fold=fold, n_resamples=0).frame().set_index("name")
    assert table.loc["pooled", "auc"] == pytest.approx((1 * 0.5 + 3 * (5 / 6)) / 4)


def test_the_worst_come_first(report):
    table = report.frame()
    assert table["class"].tolist() == ["generated"] * 4 + ["real"] * 5 + ["average"] * 2
    assert table["auc"][:4].is_monotonic_increasing
    assert table["fpr"][4:9].is_monotonic_decreasing
    assert report.worst["generated"]["name"] == table["name"][0]
    assert f"Found worst: {table['name'][0]} (" in str(report)
    assert f"Most false positives: {table['name'][4]} (" in str(report)


def test_intervals_hold_their_figure_and_say_what_was_drawn(report):
    table = report.frame()
    for metric in set(METRICS) - {"ece"}:
        low, high = table[f"{metric}_low"], table[f"{metric}_high"]
        known = low.notna()
        assert known.sum() > 6
        assert ((low <= table[metric] + 1e-9) & (table[metric] <= high + 1e-9))[known].all()
    assert table["resampled"][0] == "pictures; real sources"
    assert table["resampled"][4].startswith("generators; real pictures")
    assert set(table["resampled"][-2:]) == {"generators; real sources"}
    y, score, labels = judged()
    again = detection_report(y, score, threshold=0.4, n_resamples=200, **labels)
    pd.testing.assert_frame_equal(again.frame(), table)


def test_pictures_that_belong_together_make_wider_intervals():
    rng = np.random.default_rng(0)
    scene = np.repeat(np.arange(40), 10)
    y = np.repeat([0, 1], 200)
    score = np.repeat(rng.normal(size=40), 10) + 0.05 * rng.normal(size=400) + y

    def width(groups):
        table = detection_report(y, score, groups=groups, random_state=1).frame()
        return (table["auc_high"] - table["auc_low"])[0], table["resampled"][0]

    (apart, pictures), (together, groups) = width(None), width(scene)
    assert (pictures, groups) == ("pictures", "groups")
    assert together > 2 * apart


def test_few_are_marked():
    y = np.repeat([0, 1], [200, 50])
    score = np.random.default_rng(0).uniform(size=250)
    generator = np.repeat(["", "many", "few"], [200, 30, 20])
    labels = {"generator": generator, "source": np.repeat(["s", ""], [200, 50])}
    rows = detection_report(y, score, n_resamples=0, **labels).frame().set_index("name")
    assert rows["small"].to_dict() == {
        "many": False, "few": True, "s": True, "macro": True, "pooled": True,
    }  # fmt: skip
    # Three sources are few units, however many pictures they have.
    labels["source"] = np.repeat(["s", "t", "u", ""], [70, 70, 60, 50])
    rows = detection_report(y, score, n_resamples=0, **labels).frame().set_index("name")
    assert rows.loc["many", "small"]


def test_a_rate_of_zero_is_bounded():
    y = np.repeat([0, 1], 50)
    table = detection_report(y, 0.2 * y + 0.1).frame()
    assert table["tpr"][0] == 0
    assert 0.05 < table["tpr_high"][0] < 0.1
    assert table["auc"][0] == 1
    assert np.isnan(table["auc_low"][0])  # nothing varies, which is not certainty


def test_scores_that_are_no_probabilities_have_no_calibration():
    y, score, labels = judged()
    table = detection_report(y, score * 3, n_resamples=0, threshold=1, **labels).frame()
    assert table[["ece", "brier"]].isna().all(axis=None)
    assert table["auc"].notna().all()


def test_thresholds_may_differ_by_fold():
    y, score, labels = judged()
    threshold = np.array([0.2, 0.5, 0.8])[labels["fold"]]
    report = detection_report(y, score, threshold=threshold, n_resamples=0, **labels)
    row = report.frame().iloc[-1]
    assert row["tpr"] == pytest.approx((score >= threshold)[y == 1].mean())
    assert "0.2 to 0.8, by fold" in str(report)


def test_labels_may_be_words_and_names_may_be_missing():
    y, score, labels = judged()
    words = np.where(y == 1, "ai", "photo")
    nothing = detection_report(words, score, pos_label="ai", fold=labels["fold"], n_resamples=0)
    assert nothing.frame()["name"].tolist() == ["(unnamed)", "(unnamed)", "macro", "pooled"]
    labels["generator"] = pd.Series(labels["generator"]).replace("a", None)
    some = detection_report(y, score, n_resamples=0, **labels).frame()
    assert set(some["name"]) == {"(unnamed)", *"bcd", *"vwxyz", "macro", "pooled"}


def test_a_single_source_to_compare_with_is_pointed_out(report):
    _, _, labels = judged()
    alone = []
    for name in "abcd":
        fold = labels["fold"][labels["generator"] == name][0]
        if len(set(labels["source"][labels["fold"] == fold]) - {""}) == 1:
            alone.append(name)
    table = report.frame().set_index("name")
    assert table.index[:4][table["names_compared"][:4] == 1].tolist() == alone
    assert len(alone) == 1
    assert "1 generator(s) were compared with one real source" in str(report)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"across_folds": "mean"}, "'average' or 'pool', got 'mean'"),
        ({"n_resamples": -1}, "n_resamples must be a whole number"),
        ({"confidence_level": 95}, "confidence_level must be between 0 and 1, got 95"),
        ({"fold": np.arange(300)}, "fold 0 tests .* pictures alone"),
        ({"generator": ["a"]}, "inconsistent numbers of samples"),
    ],
)
def test_what_is_wrong_is_said(change, message):
    y, score, labels = judged()
    with pytest.raises(ValueError, match=message):
        detection_report(y, score, **{**labels, **change})


@pytest.mark.parametrize("threshold", [np.nan, [0.5, 0.5], [[0.5]]])
def test_a_threshold_that_is_none(threshold):
    with pytest.raises(ValueError, match="one for each of the 4 scores"):
        detection_report([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9], threshold=threshold)


def test_swapped_labels_are_pointed_out():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    score = np.clip(rng.normal(0.2, 0.05, 100) + 0.6 * (1 - y), 0, 1)
    swapped = detection_report(y, score, n_resamples=0)
    for text in (str(swapped), swapped.to_markdown(), swapped.to_html()):
        assert "labels may be swapped: the AUC of all pictures is 0.00" in text
    for scores in (1 - score, rng.random(100)):
        assert "swapped" not in str(detection_report(y, scores, n_resamples=0))


def test_a_missing_score_is_not_dropped():
    y, score, labels = judged()
    score[7] = np.nan
    with pytest.raises(ValueError, match=r"1 of 300 pictures have no score \(first in row 7\)"):
        detection_report(y, score, **labels)


# How it is shown -------------------------------------------------------------------------------


class Cells(html.parser.HTMLParser):
    """Collects the rows of a table, and minds that tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)


def test_markdown_and_html_have_the_same_table(report):
    table = report.frame()
    lines = [line for line in report.to_markdown().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({len(row) for row in cells}) == 1
    assert [row[1] for row in cells[2:]] == table["name"].tolist()
    in_html = Cells(report.to_html()).rows
    assert in_html == [cells[0], *cells[2:]]
    first = table.iloc[0]
    expected = f"{first['auc']:.2f} [{first['auc_low']:.2f}, {first['auc_high']:.2f}]"
    assert cells[2][cells[0].index("AUC")] == expected
    assert report._repr_html_() == report.to_html()


def test_names_cannot_break_the_page():
    y, score, labels = judged()
    labels["generator"] = np.where(labels["generator"] == "a", "<b>|x", labels["generator"])
    report = detection_report(y, score, n_resamples=0, **labels)
    assert "<b>" not in report.to_html()
    assert r"<b>\|x" in report.to_markdown()


def test_json_holds_every_figure(report):
    loaded = json.loads(report.to_json(), parse_constant=pytest.fail)
    assert loaded["settings"]["threshold_from"] == "fixed beforehand"
    table = pd.DataFrame(loaded["rows"]).astype(report.frame().dtypes)
    pd.testing.assert_frame_equal(table, report.frame())


def test_the_scores_are_kept(report):
    y, score, labels = judged()
    kept = report.scores
    np.testing.assert_array_equal(kept["score"], score)
    np.testing.assert_array_equal(kept["generated"], y == 1)
    np.testing.assert_array_equal(kept["fold"], labels["fold"])
