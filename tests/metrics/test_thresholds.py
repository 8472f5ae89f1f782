import warnings

import numpy as np
import pytest
from scipy.stats import beta, binom, binomtest, norm, t
from sklearn.linear_model import LogisticRegression

from sklearn_ssafe import SSAFEClassifier, cross_val_report
from sklearn_ssafe.exceptions import TooFewRealPicturesWarning
from sklearn_ssafe.metrics import threshold_for_fpr


def exact_bound(n_false, n_real, level):
    return binomtest(n_false, n_real, alternative="less").proportion_ci(level, "exact").high


@pytest.mark.parametrize("target", [0.001, 0.01, 0.2])
def test_as_many_as_needed_and_not_one_fewer(target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TooFewRealPicturesWarning)
        n = threshold_for_fpr([0.1], target).n_real_needed
    assert threshold_for_fpr(np.arange(n) / n, target).promised
    with pytest.warns(TooFewRealPicturesWarning, match=f"at least {n} are needed"):
        assert not threshold_for_fpr(np.arange(n - 1) / n, target).promised


def above(limit, known):
    """Halfway to the next score, and no further than a thousandth of the range."""
    higher = [score for score in known if score > limit]
    if not higher:
        return np.nextafter(limit, np.inf)
    spread = max(known) - min(known)
    return min((limit + min(higher)) / 2, limit + spread / 1000)


@pytest.mark.parametrize("n", [1, 60, 299, 1000])
@pytest.mark.parametrize("target", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("decimals", [1, 9])  # with ties and without
def test_no_lower_threshold_keeps_the_promise(n, target, level, decimals):
    scores = np.round(np.random.default_rng(n).random(n), decimals)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TooFewRealPicturesWarning)
        point = threshold_for_fpr(scores, target, confidence_level=level)
    kept = [s for s in scores if exact_bound(int((scores > s).sum()), n, level) <= target]
    assert point.threshold == pytest.approx(above(min(kept) if kept else scores.max(), scores))
    assert point.n_false == (scores >= point.threshold).sum()
    assert point.fpr == point.n_false / n
    assert point.fpr_upper_bound == pytest.approx(exact_bound(point.n_false, n, level))
    assert point.promised == bool(kept)


@pytest.mark.parametrize(("n", "target"), [(19, 0.05), (100, 0.05), (99, 0.01), (37, 0.3)])
def test_without_a_level_it_is_the_conformal_quantile(n, target):
    # Each of n + 1 exchangeable scores is as likely to be the further one.
    scores = np.random.default_rng(0).permutation(n + 1).astype(float)
    called = []
    for i in range(n + 1):
        others = np.delete(scores, i)
        point = threshold_for_fpr(others, target, confidence_level=None)
        called.append(scores[i] >= point.threshold)
        rank = int(np.ceil(round((1 - target) * (n + 1), 9)))
        assert point.threshold == pytest.approx(above(np.sort(others)[rank - 1], others))
    assert target - 1 / (n + 1) < np.mean(called) <= target


@pytest.mark.parametrize(("level", "needed"), [(0.95, 299), (None, 99)])
def test_too_few_real_pictures_are_told_how_many_are_needed(level, needed):
    with pytest.warns(TooFewRealPicturesWarning, match=f"at least {needed} are needed"):
        point = threshold_for_fpr(np.linspace(0, 0.8, 50), 0.01, confidence_level=level)
    assert (point.threshold, point.n_false) == (np.nextafter(0.8, 1), 0)
    assert not point.promised
    assert point.fpr_upper_bound == pytest.approx(1 - 0.05 ** (1 / 50))


def test_the_promise_is_kept_as_often_as_it_says():
    # Scores are uniform, so the true rate of threshold t is 1 - t.
    rng = np.random.default_rng(0)
    rates = np.array([1 - threshold_for_fpr(rng.random(400), 0.05).threshold for _ in range(2000)])
    kept = (rates <= 0.05).sum()
    assert binom.cdf(kept, 2000, 0.95) > 0.001  # at least 95 %, chance aside
    assert np.median(rates) > 0.02  # and not by calling none of them generated


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_meet_the_threshold_in_their_own_precision(dtype):
    scores = np.linspace(0, 1, 100).astype(dtype)
    point = threshold_for_fpr(scores, 0.1, confidence_level=None)
    assert (scores >= point.threshold).sum() == point.n_false == 9


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1, 1e-30, 1e30])
def test_no_picture_is_nearer_to_the_threshold_than_it_has_to_be(dtype, scale):
    rng = np.random.default_rng(0)
    for n in (20, 200, 5000):
        real = (rng.normal(size=n) * scale).astype(dtype)
        made = (rng.normal(1, 1, size=n) * scale).astype(dtype)
        alone = threshold_for_fpr(real, 0.2, confidence_level=None)
        point = threshold_for_fpr(real, 0.2, confidence_level=None, others=made)
        limit = np.sort(real)[::-1][point.n_false]
        # Others move the threshold, and no verdict on a real picture, nor on one of theirs.
        assert (point.n_false, point.fpr_upper_bound) == (alone.n_false, alone.fpr_upper_bound)
        for known, threshold in ((real, alone.threshold), (made, point.threshold)):
            np.testing.assert_array_equal(known >= threshold, known > limit)
        for known, threshold in (
            (real, alone.threshold),
            (np.append(real, made), point.threshold),
        ):
            gap, spread = known[known > limit].min() - limit, np.ptp(known)
            assert threshold - limit >= 0.49 * min(gap, spread / 500)
            assert threshold - limit <= 0.51 * min(gap, spread / 500)
        # The last digits of scores, which may be others in another batch, change no verdict.
        for _ in range(20):
            noisy = real * (1 + rng.uniform(-1e-6, 1e-6, size=n)).astype(dtype)
            np.testing.assert_array_equal(noisy >= alone.threshold, real > limit)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_between_neighbouring_numbers_the_threshold_is_the_higher(dtype):
    tiny = np.finfo(dtype)
    for low in dtype([0, 1, -1, 0.3, tiny.max / 2, tiny.smallest_subnormal]):
        high = np.nextafter(low, dtype(np.inf))
        for scores in ([low] * 9 + [high], [low] * 9 + [high] * 1 + [-tiny.max, tiny.max]):
            scores = np.array(scores, dtype=dtype)
            point = threshold_for_fpr(scores, 0.3, confidence_level=None)
            assert point.threshold == high
            assert (scores >= point.threshold).sum() == point.n_false


@pytest.mark.parametrize("scores", [[], [0.1, np.nan]])
def test_scores_that_are_none(scores):
    with pytest.raises(ValueError, match="finite scores"):
        threshold_for_fpr(scores, 0.1)


@pytest.mark.parametrize("value", [-0.1, 0, 1, 1.5, np.nan])
def test_a_share_that_is_none(value):
    with pytest.raises(ValueError, match="target_fpr must be between 0 and 1"):
        threshold_for_fpr([0.1, 0.2], value)
    with pytest.raises(ValueError, match="confidence_level must be between 0 and 1"):
        threshold_for_fpr([0.1, 0.2], 0.1, confidence_level=value)


def test_a_rate_means_the_same_in_the_classifier_and_in_cross_validation():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    X = rng.normal(size=(120, 3)) + y[:, None]
    known = {
        "generator": np.where(y == 1, np.arange(120) % 4, "").astype(str),
        "source": np.where(y == 0, np.arange(120) % 4, "").astype(str),
    }
    detector = SSAFEClassifier(None, target_fpr=0.01)
    with pytest.warns(TooFewRealPicturesWarning, match="60 real pictures are too few"):
        detector.fit(X, y, **known)
    out_of_fold = detector.out_of_fold_
    point = detector.operating_point_
    limit = out_of_fold.score[out_of_fold.y == 0].max()
    assert point.threshold == pytest.approx(above(limit, out_of_fold.score), rel=1e-12)

    head = SSAFEClassifier(None, cv=None)
    with pytest.warns(TooFewRealPicturesWarning, match="45 real pictures are too few"):
        report = cross_val_report(head, X, y, target_fpr=0.01, n_resamples=0, **known)
    # The training part of each fold, given to the classifier, has the same threshold.
    for _, tested in report.scores.groupby("fold"):
        train = np.setdiff1d(np.arange(120), tested["picture"])
        with pytest.warns(TooFewRealPicturesWarning, match="at least 299"):
            detector.fit(X[train], y[train], **{name: v[train] for name, v in known.items()})
        assert tested["threshold"].unique() == pytest.approx(detector.threshold_, abs=1e-12)
        score = detector.predict_proba(X[tested["picture"]])[:, 1]
        np.testing.assert_allclose(tested["score"], score, atol=1e-12)


def bound_by_hand(scores, group, threshold, level):
    """Korn and Graubard's bound, in the words of the survey literature."""
    called, groups = scores >= threshold, np.unique(group)
    n, n_groups, rate = len(scores), len(groups), called.mean()
    residuals = [(called[group == name] - rate).sum() for name in groups]
    variance = n_groups / (n_groups - 1) * np.sum(np.square(residuals)) / n**2
    effect = variance / (rate * (1 - rate) / n) if called.any() else 1
    return effect, n * (norm.ppf(level) / t.ppf(level, n_groups - 1)) ** 2


@pytest.mark.filterwarnings("ignore::sklearn_ssafe.exceptions.TooFewRealPicturesWarning")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("decimals", [1, 9])  # with ties and without
@pytest.mark.parametrize("target", [0.05, 0.2])
def test_pictures_of_one_source_count_as_fewer(seed, decimals, target):
    rng = np.random.default_rng(seed)
    group = rng.choice(list("abcdefgh"), 400, p=np.arange(1, 9) / 36)
    shift = dict(zip("abcdefgh", 0.5 * rng.normal(size=8), strict=True))
    scores = np.round(rng.normal(size=400) + [shift[name] for name in group], decimals)
    expected, bound = above(scores.max(), scores), None
    thresholds = [above(score, scores) for score in np.unique(scores)[::-1]]
    known = [threshold for threshold in thresholds if (scores >= threshold).mean() <= 2 * target]
    largest = max(1, *(bound_by_hand(scores, group, threshold, 0.95)[0] for threshold in known))
    for threshold in thresholds:
        n = bound_by_hand(scores, group, threshold, 0.95)[1] / largest
        false = (scores >= threshold).mean() * n
        upper = beta.ppf(0.95, false + 1, n - false)
        if upper > target:
            break
        expected, bound = threshold, upper
    point = threshold_for_fpr(scores, target, groups=group)
    assert point.threshold == pytest.approx(expected, rel=1e-12)
    assert point.promised == (bound is not None)
    assert point.fpr_upper_bound == pytest.approx(bound or upper)
    assert point.n_groups == 8
    assert point.threshold >= threshold_for_fpr(scores, target).threshold
    order = rng.permutation(400)
    assert threshold_for_fpr(scores[order], target, groups=group[order]) == point


@pytest.mark.parametrize(
    "groups", [["one"] * 300, ["a", "b", "c", "d"] * 75, list(range(300)), [None] * 300]
)
def test_groups_that_say_nothing_change_nothing(groups):
    scores = np.random.default_rng(0).random(300)
    assert threshold_for_fpr(scores, 0.05, groups=groups) == threshold_for_fpr(scores, 0.05)


@pytest.mark.filterwarnings("ignore::sklearn_ssafe.exceptions.TooFewRealPicturesWarning")
def test_the_promise_is_kept_for_sources_that_are_new():
    # Normal scores with a normal mean for each source: the true rate over all of them is known.
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(10), 40)
    broken = {"by source": 0, "by picture": 0}
    for _ in range(400):
        scores = rng.normal(size=400) + 0.6 * rng.normal(size=10)[group]
        for name, groups in (("by source", group), ("by picture", None)):
            threshold = threshold_for_fpr(scores, 0.05, groups=groups).threshold
            broken[name] += norm.sf(threshold / np.hypot(1, 0.6)) > 0.05
    assert broken["by source"] / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)
    assert broken["by picture"] / 400 > 0.08


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["many features", "ties"])
def test_the_promise_is_kept_where_the_head_overfits(kind):
    rng = np.random.default_rng(0)
    broken, of_one_head = 0, 0
    for _ in range(60):
        y = np.repeat([0, 1], 200)
        if kind == "ties":
            draw = lambda y: np.sign(rng.normal(size=(len(y), 5)) + 0.8 * y[:, None])  # noqa: E731
        else:
            draw = lambda y: rng.normal(size=(len(y), 150)) + 0.15 * y[:, None]  # noqa: E731
        X = draw(y)
        detector = SSAFEClassifier(None, target_fpr=0.05).fit(X, y)
        new = draw(np.zeros(4000))
        broken += (detector.predict_proba(new)[:, 1] >= detector.threshold_).mean() > 0.05
        one = LogisticRegression(class_weight="balanced", max_iter=1000).fit(X, y)
        of_one_head += (one.predict_proba(new)[:, 1] >= detector.threshold_).mean() > 0.05
    assert broken / 60 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 60)
    assert of_one_head > broken
