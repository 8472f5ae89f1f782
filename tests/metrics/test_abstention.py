import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin

from sklearn_ssafe.exceptions import TooFewPicturesWarning
from sklearn_ssafe.metrics import threshold_for_fpr, verdict_rule

from .test_thresholds import above

SIZES = {"camera": 100, "phone": 80, "web": 300, "glide": 90, "sdxl": 150}
GENERATORS = ("glide", "sdxl")


def drawn(rng, sizes=SIZES, digits=None):
    """Scores, labels and names; each name has a centre of its own."""
    name = np.repeat(list(sizes), list(sizes.values()))
    y = np.isin(name, GENERATORS).astype(int)
    centre = {"camera": 0.2, "phone": 0.45, "web": 0.3, "glide": 0.55, "sdxl": 0.8}
    score = rng.normal([centre[each] for each in name], 0.12).clip(0, 1)
    return y, score if digits is None else score.round(digits), name


def rule_of(y, score, name, **options):
    return verdict_rule(y, score, generator=name, source=name, **options)


def bound(n_wrong, n, level):
    """The one-sided bound of Clopper and Pearson, by another route."""
    test = binomtest(n_wrong, n, alternative="less")
    return test.proportion_ci(level, "exact").high


@pytest.mark.parametrize("digits", [None, 1, 2])
@pytest.mark.parametrize(("fpr", "fnr"), [(0.05, 0.05), (0.1, 0.06)])
def test_the_limits_are_the_loosest_that_every_name_allows(fpr, fnr, digits):
    y, score, name = drawn(np.random.default_rng(0), digits=digits)
    rule = rule_of(y, score, name, fpr=fpr, fnr=fnr)

    def kept(wrong, names, target):
        parts = [wrong[name == each] for each in names]
        return all(bound(int(part.sum()), len(part), 0.95) <= target for part in parts)

    real, made = ("camera", "phone", "web"), GENERATORS
    assert kept(score >= rule.generated_limit, real, fpr)
    assert kept(score < rule.real_limit, made, fnr)
    # One score further and some name's promise is broken.
    assert not kept(score >= score[score < rule.generated_limit].max(), real, fpr)
    assert not kept(score <= score[score >= rule.real_limit].min(), made, fnr)


def test_the_table_says_what_is_promised_to_whom():
    y, score, name = drawn(np.random.default_rng(1))
    rule = rule_of(y, score, name)
    table = rule.frame().set_index("name")
    verdict = rule.verdicts(score)
    for each, row in table.iterrows():
        mine = name == each
        wrong = score >= rule.generated_limit if row["class"] == "real" else score < rule.real_limit
        assert row["pictures"] == SIZES[each]
        assert row["wrong"] == wrong[mine].sum()
        assert row["unsure"] == (verdict[mine] == "unsure").sum()
        assert row["upper_bound"] == pytest.approx(bound(row["wrong"], row["pictures"], 0.95))
        assert row["promised"]
        assert row["upper_bound"] <= 0.05
    worst = rule.worst
    for word in ("real", "generated"):
        assert worst[word]["rate"] == table.loc[table["class"] == word, "rate"].max()
    table["mine"] = 0
    assert "mine" not in rule.frame()


def test_without_a_confidence_level_it_is_the_conformal_quantile_of_each_name():
    y, score, name = drawn(np.random.default_rng(2))
    rule = rule_of(y, score, name, fpr=0.1, fnr=0.1, confidence_level=None)
    real = [score[name == each] for each in ("camera", "phone", "web")]
    ranked = [np.sort(each)[int(np.ceil(0.9 * (len(each) + 1))) - 1] for each in real]
    assert rule.generated_limit == pytest.approx(above(max(ranked), score), rel=1e-12)
    made = [score[name == each] for each in GENERATORS]
    ranked = [-np.sort(-each)[int(np.ceil(0.9 * (len(each) + 1))) - 1] for each in made]
    assert rule.real_limit == pytest.approx(-above(-min(ranked), -score), rel=1e-12)
    # No verdict is another than at the scores themselves, and none is at a limit.
    for each in (rule.generated_limit, rule.real_limit):
        assert np.abs(score - each).min() > 1e-9


def test_small_sources_have_a_promise_together():
    rng = np.random.default_rng(3)
    sizes = {"camera": 30, "phone": 30, "web": 100, "glide": 90, "sdxl": 150}
    y, score, name = drawn(rng, sizes)
    rule = rule_of(y, score, name)
    small = np.isin(name, ["camera", "phone"])
    points = [threshold_for_fpr(score[rows], 0.05, others=score) for rows in (small, name == "web")]
    assert rule.generated_limit == max(point.threshold for point in points)
    table = rule.frame().set_index("name")
    assert table.index[table["class"] == "real"].size == 4
    assert not table.loc[["camera", "phone"], "promised"].any()
    together = table.loc["(the small ones together)"]
    assert together["promised"]
    assert together["pictures"] == 60
    assert together["wrong"] == table.loc[["camera", "phone"], "wrong"].sum()
    assert rule.worst["real"]["name"] != "(the small ones together)"


def test_too_few_even_together_is_said():
    y = np.repeat([0, 1], [40, 100])
    score = np.linspace(0, 1, 140)
    name = np.array(["a", "b"] * 20 + ["g"] * 100)
    with pytest.warns(TooFewPicturesWarning, match=r"40 pictures of \(the small.*at least 59"):
        rule = rule_of(y, score, name)
    assert (score[y == 0] < rule.generated_limit).all()
    table = rule.frame().set_index("name")
    assert not table.loc[table["class"] == "real", "promised"].any()
    # What can be promised stands there: 1 - 0.05 ** (1 / 40).
    assert table.loc["(the small ones together)", "upper_bound"] == pytest.approx(
        1 - 0.05 ** (1 / 40)
    )
    with pytest.warns(TooFewPicturesWarning, match=r"40 pictures of \(unnamed\)"):
        verdict_rule(y, score)


def test_no_verdict_contradicts_the_threshold():
    y, score, name = drawn(np.random.default_rng(4))
    for threshold in (0.0, 0.3, 0.5, 0.9, 1.0):
        rule = rule_of(y, score, name, threshold=threshold, move_threshold=False)
        assert rule.threshold == threshold
        verdict = rule.verdicts(score)
        assert (score[verdict == "generated"] >= threshold).all()
        assert (score[verdict == "real"] < threshold).all()
        # A threshold that is out of the way only withholds verdicts.
        free = rule_of(y, score, name, threshold=threshold)
        assert (free.verdicts(score) == "unsure").sum() <= (verdict == "unsure").sum()


def test_where_the_classes_are_apart_nothing_is_unsure():
    score = np.concatenate([np.linspace(0, 0.2, 200), np.linspace(0.8, 1, 200)])
    y = np.repeat([0, 1], 200)
    for threshold, moved in ((0.5, 0.5), (0.01, None), (0.99, None)):
        rule = verdict_rule(y, score, threshold=threshold)
        assert rule.generated_limit < rule.real_limit
        assert rule.generated_from == rule.real_below == rule.threshold
        assert moved in (None, rule.threshold)
        assert not (rule.verdicts(score) == "unsure").any()
        assert rule.generated_limit <= rule.threshold <= rule.real_limit


def test_verdicts_of_what_has_no_score():
    y, score, name = drawn(np.random.default_rng(5))
    rule = rule_of(y, score, name)
    ends = [rule.real_below, np.nextafter(rule.real_below, 0), rule.generated_from]
    assert rule.verdicts([np.nan, *ends]).tolist() == ["", "unsure", "real", "generated"]
    assert rule.verdicts(np.float32([0, 1])).tolist() == ["real", "generated"]


def test_own_real_pictures_move_one_limit_only():
    y, score, name = drawn(np.random.default_rng(6))
    rule = rule_of(y, score, name)
    own = np.random.default_rng(7).normal(0.6, 0.1, 200)
    moved = rule.with_real_pictures(own, 0.7)
    made = score[y == 1]
    assert moved.generated_limit == threshold_for_fpr(own, 0.05, others=made).threshold
    assert moved.real_limit == rule.real_limit
    assert moved.threshold == 0.7
    before, after = rule.frame(), moved.frame()
    assert after.loc[after["class"] == "real", "name"].tolist() == ["(own pictures)"]
    columns = ["name", "pictures", "wrong", "upper_bound"]
    made = [
        table.loc[table["class"] == "generated", columns].reset_index(drop=True)
        for table in (before, after)
    ]
    pd.testing.assert_frame_equal(*made)
    assert rule.threshold != 0.7


def test_what_cannot_be():
    y, score, name = drawn(np.random.default_rng(8))
    with pytest.raises(ValueError, match="first in row 3"):
        rule_of(y, np.where(np.arange(len(y)) == 3, np.nan, score), name)
    with pytest.raises(ValueError, match="between 0 and 1"):
        rule_of(y, score, name, fnr=1.0)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        verdict_rule(y, score[1:])
    words = np.where(y == 1, "fake", "real")
    assert rule_of(words, score, name).real_limit == rule_of(y, score, name).real_limit


# What the promise is worth, by simulation -------------------------------------------------------


def sources_of(rng, sizes):
    """Names with the parameters of their scores: all alike, or one far worse than the others."""
    spread = rng.choice([0.0, 0.5, 2.0])
    return [(n, rng.normal(0, spread), rng.uniform(0.5, 2)) for n in sizes]


@pytest.mark.slow  # benchmarks/verdicts.py has more draws
@pytest.mark.parametrize("digits", [None, 1])
def test_all_sources_at_once_and_all_generators_at_once(digits):
    """The true rates of all names are at most the target in nine draws of ten, and not in all."""
    from scipy.stats import norm

    n_draws, target, level = 300, 0.1, 0.9
    rng = np.random.default_rng(9)
    broken = np.zeros((n_draws, 2), dtype=bool)
    for draw in range(n_draws):
        worlds = [sources_of(rng, rng.integers(25, 120, 4)) for _ in (0, 1)]
        score, y, name = [], [], []
        for side, world in enumerate(worlds):
            for number, (n, centre, width) in enumerate(world):
                score.append(rng.normal(centre + side, width, n))
                y += [side] * n
                name += [f"{side}{number}"] * n
        score = np.concatenate(score)
        score = score if digits is None else score.round(digits)
        rule = rule_of(
            y, score, name, fpr=target, fnr=target, confidence_level=level, move_threshold=False
        )
        half, upper, lower = 0, rule.generated_limit, rule.real_limit
        if digits is not None:  # rounded scores reach a limit from half a step below the next one
            half, grid = 0.05, np.arange(-200, 200) / 10
            upper, lower = (grid[grid >= limit].min() for limit in (upper, lower))
        wrong = [
            [norm.sf((upper - half - centre) / width) for _, centre, width in worlds[0]],
            [norm.cdf((lower - half - centre - 1) / width) for _, centre, width in worlds[1]],
        ]
        broken[draw] = [max(rates) > target for rates in wrong]
    rates = broken.mean(axis=0)
    allowed = 1 - level
    assert (rates <= allowed + 2 * np.sqrt(allowed * (1 - allowed) / n_draws)).all(), rates
    assert (rates > 0.01).all(), rates  # a rule that is never wrong gives too few verdicts


@pytest.mark.slow
def test_on_average_where_no_confidence_is_asked_for():
    n_draws, n, target = 600, 40, 0.1
    rng = np.random.default_rng(10)
    real, made = rng.random((n_draws, n)), rng.random((n_draws, n))
    y = np.repeat([0, 1], n)
    rates = []
    for scores in zip(real, made, strict=True):
        rule = verdict_rule(
            y, np.concatenate(scores), fpr=target, fnr=target, confidence_level=None
        )
        rates.append([1 - rule.generated_limit, rule.real_limit])  # uniform scores
    expected = np.floor(target * (n + 1)) / (n + 1)
    np.testing.assert_allclose(np.mean(rates, axis=0), expected, atol=4 * 0.05 / np.sqrt(n_draws))
    assert expected <= target


# MAPIE -----------------------------------------------------------------------------------------


class ScoreItself(ClassifierMixin, BaseEstimator):
    """A classifier whose probability of "generated" is its only feature."""

    classes_ = np.array([0, 1])
    n_features_in_ = 1

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict_proba(self, X):
        score = np.asarray(X)[:, 0]
        return np.column_stack([1 - score, score])

    def predict(self, X):
        return (np.asarray(X)[:, 0] >= 0.5).astype(int)


def test_its_verdicts_are_the_prediction_sets_of_mapie():
    """One label in MAPIE's set is a verdict; both, or none, is unsure.

    MAPIE calibrates on one class at a time here, which makes it conditional on the class.
    """
    classification = pytest.importorskip("mapie.classification")
    rng = np.random.default_rng(11)
    y, score, name = drawn(rng, {"phone": 150, "glide": 170})
    new = rng.random(1000)
    rule = rule_of(y, score, name, fpr=0.1, fnr=0.1, confidence_level=None, threshold=0.5)
    held = []
    for label in (0, 1):
        mapie = classification.SplitConformalClassifier(
            ScoreItself().fit(None, None), confidence_level=0.9, prefit=True
        )
        mine = y == label
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mapie.conformalize(score[mine, None], y[mine])
            _, sets = mapie.predict_set(new[:, None])
        held.append(sets[:, label, 0])
    expected = np.where(held[0] == held[1], "unsure", np.where(held[0], "real", "generated"))
    assert len(set(expected)) == 3
    # MAPIE's limits are scores, and ours keep clear of them.
    limits = np.array([rule.generated_limit, rule.real_limit])
    clear = np.abs(new[:, None] - limits).min(axis=1) > np.ptp(score) / 1000
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(rule.verdicts(new)[clear], expected[clear])


def test_mapie_controls_the_false_positive_rate_with_the_same_limit():
    """`BinaryClassificationController` tests thresholds from a list; ours takes the scores."""
    risk_control = pytest.importorskip("mapie.risk_control")
    y, score, name = drawn(np.random.default_rng(12), {"camera": 300, "glide": 300})
    rule = rule_of(y, score, name, fpr=0.05, fnr=0.05)
    candidates = np.unique(score)[::-1]
    controller = risk_control.BinaryClassificationController(
        ScoreItself().fit(None, None).predict_proba,
        risk="fpr",
        target_level=0.05,
        confidence_level=0.95,
        list_predict_params=candidates,
        fwer_method="fixed_sequence",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        controller.calibrate(score[:, None], y)
    theirs = np.min(controller.valid_predict_params)
    real = score[y == 0]
    n_ours, n_theirs = (real >= rule.generated_limit).sum(), (real >= theirs).sum()
    assert n_theirs <= n_ours
    assert n_ours - n_theirs <= 1, (n_ours, n_theirs)
