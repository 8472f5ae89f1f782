"""`NoveltyMonitor`: looks, alarms, suggestions, and the file it is kept in."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from sklearn_ssafe import FrozenEncoderTransformer, SSAFEClassifier
from sklearn_ssafe.datasets import load_images, make_generated_images
from sklearn_ssafe.exceptions import MonitorFileError
from sklearn_ssafe.monitoring import NoveltyMonitor

from ..conftest import encoded, picture
from ..towers import SmallTower, small_pixels

NAMES = np.array(["phone", "reflex", "gan", "diffusion"], dtype=object)


def rows_of(rng, counts):
    """Embeddings of two sources and two generators, with labels and names."""
    group = np.repeat(np.arange(4), counts)
    X = rng.normal(size=(len(group), 6)) + 3 * np.eye(6)[group]
    return X, (group > 1).astype(int), NAMES[group]


@pytest.fixture(scope="module")
def detector():
    X, y, name = rows_of(np.random.default_rng(0), [60] * 4)
    return SSAFEClassifier(encoder=None, cv=None).fit(X, y, generator=name, source=name)


@pytest.fixture
def monitor(detector):
    X, y, name = rows_of(np.random.default_rng(1), [50] * 4)
    watch = NoveltyMonitor(detector, n_looks=4, window=120, random_state=0)
    return watch.fit(X, y, generator=name, source=name)


def test_the_three_answers(monitor):
    rng = np.random.default_rng(2)
    quiet = monitor.update(rows_of(rng, [15] * 4)[0])
    assert (quiet.look, quiet.changed, quiet.unknown, quiet.n_window) == (1, False, False, 60)
    assert str(quiet).startswith("Nothing new was found.")
    changed = monitor.update(rows_of(rng, [0, 0, 0, 120])[0])
    assert (changed.look, changed.changed, changed.unknown) == (2, True, False)
    assert changed.nearest == "diffusion"
    assert changed.frame()["share"][0] > 0.9
    assert str(changed).startswith("CHANGED")
    unknown = monitor.update(rng.normal(size=(120, 6)) + 4 * np.eye(6)[5])
    assert (unknown.changed, unknown.unknown) == (True, True)
    assert str(unknown).startswith("UNKNOWN")
    assert unknown.to_dict()["unknown"] is True
    assert "<table>" in unknown.to_html()
    history = monitor.history_
    assert history["look"].tolist() == [1, 2, 3]
    assert history["unknown"].tolist() == [False, False, True]
    assert history["p_change"].tolist() == [quiet.p_change, changed.p_change, unknown.p_change]


def test_what_is_spent_on_a_look_adds_up_to_the_rate(monitor):
    assert monitor.level_ * 2 * monitor.n_looks == pytest.approx(monitor.false_alarm_rate)
    # The smallest p-value that there can be is below the level.
    assert 1 / (monitor.n_permutations_ + 1) <= monitor.level_ / 3.9
    rng = np.random.default_rng(0)
    looks = [monitor.update(rows_of(rng, [5] * 4)[0]).look for _ in range(6)]
    assert looks == [1, 2, 3, 4, 1, 2]
    assert monitor.n_looks_ == 6


def test_few_pictures_wait_for_the_next_look(monitor):
    rng = np.random.default_rng(0)
    first = monitor.update(rows_of(rng, [2] * 4)[0])
    assert (first.look, first.n_window) == (0, 8)
    assert not first.changed and not first.unknown
    assert np.isnan(first.p_change)
    assert first.nearest == ""
    assert "too few for a look" in str(first)
    assert monitor.n_looks_ == 0 and monitor.history_.empty
    second = monitor.update(rows_of(rng, [3] * 4)[0])
    assert (second.look, second.n_window) == (1, 20)


NONE = {
    "list": list,
    "series": lambda: pd.Series([], dtype=object),
    "array": lambda: np.empty((0, 6)),
    "table": lambda: pd.DataFrame(columns=list("abcdef")),
}


@pytest.mark.parametrize("kind", NONE)
def test_a_period_without_pictures_is_no_look(monitor, kind):
    rng = np.random.default_rng(0)
    first = monitor.update(NONE[kind]())
    assert (first.look, first.n_new, first.n_window) == (0, 0, 0)
    assert not first.changed and not first.unknown and first.failures.empty
    assert str(first).strip() == "No new pictures, 0 kept: no look."
    assert monitor.update(rows_of(rng, [10] * 4)[0]).look == 1
    again = monitor.update(NONE[kind]())
    assert (again.look, again.n_new, again.n_window) == (0, 0, 40)
    assert monitor.n_looks_ == 1 and len(monitor.history_) == 1
    assert monitor.update(rows_of(rng, [2] * 4)[0]).look == 2


def test_no_picture_of_the_reference_is_at_the_limit_of_unsure(detector):
    X, y, _ = rows_of(np.random.default_rng(1), [50] * 4)
    watch = NoveltyMonitor(detector).fit(X, y)
    distance = np.sort(np.abs(detector.decision_function(X)))
    n_unsure = round(watch._unsure_reference * 200)
    assert n_unsure == 20  # a tenth, which is the share that there is to be
    gap = distance[n_unsure] - distance[n_unsure - 1]
    least = 0.49 * min(gap, np.ptp(distance) / 500)
    assert distance[n_unsure - 1] + least < watch._margin < distance[n_unsure] - least


def test_the_window_has_the_latest_and_draws_from_more(monitor):
    rng = np.random.default_rng(0)
    monitor.update(rows_of(rng, [25] * 4)[0])
    assert monitor.update(rows_of(rng, [15] * 4)[0]).n_window == 120
    found = monitor.update(rows_of(rng, [100] * 4)[0])
    assert (found.n_new, found.n_window, monitor.n_pictures_) == (400, 120, 120)
    # Drawn from all of them, not the last ones, which are of one generator.
    assert not found.changed


@pytest.mark.slow
def test_false_alarms_are_no_more_than_promised(detector):
    rng = np.random.default_rng(5)
    alarms = []
    for seed in range(60):
        X, y, name = rows_of(rng, [30] * 4)
        watch = NoveltyMonitor(
            detector, false_alarm_rate=0.2, n_looks=5, window=60, random_state=seed
        ).fit(X, y, generator=name, source=name)
        found = [watch.update(rows_of(rng, rng.multinomial(24, [0.25] * 4))[0]) for _ in range(5)]
        alarms.append(any(look.changed or look.unknown for look in found))
    assert np.mean(alarms) <= 0.2 + 2 * np.sqrt(0.2 * 0.8 / 60)


def test_suggestions_are_new_unlike_and_never_twice(monitor):
    rng = np.random.default_rng(3)
    new = rng.normal(size=(20, 6)) + 5 * np.eye(6)[4]
    new[10:] = new[9]  # copies
    monitor.update(np.concatenate([rows_of(rng, [20] * 4)[0], new]))
    table = monitor.suggest(8)
    columns = ["path", "label", "generator", "source", "score", "novelty", "unsure", "nearest"]
    assert table.columns.tolist() == [*columns, "row"]
    assert table["row"].is_unique
    assert (table["row"] >= 80).mean() >= 0.5
    assert (table["row"] >= 89).sum() <= 1  # of the copies
    assert len(monitor.suggest(500)) == 100


def test_there_is_nothing_to_suggest_at_first(monitor):
    with pytest.raises(ValueError, match="before the first update"):
        monitor.suggest(3)
    monitor.update(rows_of(np.random.default_rng(0), [1, 0, 0, 0])[0])
    assert len(monitor.suggest(3)) == 1


def test_a_saved_monitor_goes_on_as_if_it_had_never_stopped(monitor, detector, tmp_path):
    rng = np.random.default_rng(4)
    first, second = rows_of(rng, [10] * 4)[0], rng.normal(size=(60, 6)) + 2
    monitor.notes_["seen"] = ["a"]
    monitor.update(first)
    monitor.save(tmp_path / "state.npz")
    again = NoveltyMonitor.load(tmp_path / "state.npz", detector)
    assert again.notes_ == {"seen": ["a"]}
    pd.testing.assert_frame_equal(again.history_, monitor.history_)
    there, here = again.update(second), monitor.update(second)
    assert there.to_dict() == here.to_dict()
    pd.testing.assert_frame_equal(again.suggest(5), monitor.suggest(5))
    again.save(tmp_path / "state.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def test_two_runs_at_once_do_not_lose_a_look(monitor, detector, tmp_path):
    path = tmp_path / "state.npz"
    monitor.save(path)
    one, other = (NoveltyMonitor.load(path, detector) for _ in range(2))
    one.update(rows_of(np.random.default_rng(0), [10] * 4)[0])
    one.save(path)
    with pytest.raises(MonitorFileError, match="changed by another run"):
        other.save(path)
    assert NoveltyMonitor.load(path, detector).n_looks_ == 1


def test_a_file_that_does_not_fit_is_named(monitor, detector, tmp_path):
    path = tmp_path / "state.npz"
    with pytest.raises(FileNotFoundError, match="no monitor"):
        NoveltyMonitor.load(path, detector)
    monitor.save(path)
    X, y, _ = rows_of(np.random.default_rng(7), [60] * 4)
    other = SSAFEClassifier(encoder=None, cv=None).fit(X, y)
    with pytest.raises(MonitorFileError, match="of another detector"):
        NoveltyMonitor.load(path, other)
    smaller = SSAFEClassifier(encoder=None, cv=None).fit(X[:, :5], y)
    with pytest.raises(MonitorFileError, match="of another detector"):
        NoveltyMonitor.load(path, smaller)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no archive", content[:60] + content[70:]):
        path.write_bytes(damaged)
        with pytest.raises(MonitorFileError, match="damaged"):
            NoveltyMonitor.load(path, detector)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(MonitorFileError, match="no saved monitor"):
        NoveltyMonitor.load(path, detector)


def test_an_edited_file_is_named(monitor, detector, tmp_path):
    path = tmp_path / "state.npz"
    monitor.save(path)
    arrays = dict(np.load(path))
    settings = json.loads(arrays.pop("settings").tobytes())
    for change in (
        {"format_version": "x"},
        {"parameters": []},
        {"parameters": {"n_looks": 0}},
        {"parameters": {"strange": 1}},
        {"groups": []},
        {"groups": [["real"]]},
    ):
        text = np.frombuffer(json.dumps(settings | change).encode(), dtype=np.uint8)
        np.savez(path, settings=text, **arrays)
        with pytest.raises(MonitorFileError, match=r"damaged|not complete"):
            NoveltyMonitor.load(path, detector)
    np.save(tmp_path / "rows.npy", np.eye(3))
    with pytest.raises(MonitorFileError, match="damaged"):
        NoveltyMonitor.load(tmp_path / "rows.npy", detector)


@pytest.mark.parametrize(("labels", "pos_label"), [([1, 0], 0), (["z", "a"], "a")])
def test_labels_are_those_of_the_detector(labels, pos_label):
    X, y, name = rows_of(np.random.default_rng(0), [30] * 4)
    names = {"generator": name, "source": name}
    own = np.array(labels)[y]
    plain = SSAFEClassifier(encoder=None, cv=None).fit(X, y)
    detector = SSAFEClassifier(encoder=None, cv=None, pos_label=pos_label).fit(X, own)
    watch = NoveltyMonitor(detector).fit(X, own, **names)
    assert watch.groups_ == NoveltyMonitor(plain).fit(X, y, **names).groups_
    assert ("generated", "gan") in watch.groups_
    real = NoveltyMonitor(detector).fit(X[y == 0], own[y == 0], source=name[y == 0])
    assert real.groups_ == [("real", "phone"), ("real", "reflex")]
    words = NoveltyMonitor(detector).fit(X, np.array(["photo", "fake"])[y], **names)
    assert words.groups_ == watch.groups_


def test_without_labels_there_is_one_group(detector):
    X = rows_of(np.random.default_rng(0), [20] * 4)[0]
    watch = NoveltyMonitor(detector).fit(X)
    assert watch.groups_ == [("", "")]
    assert watch.update(X + 9).unknown


def test_a_reference_of_few_pictures_or_no_detector_is_refused(detector):
    X, y, name = rows_of(np.random.default_rng(0), [5] * 4)
    with pytest.raises(ValueError, match=r"20 pictures .* needs 40"):
        NoveltyMonitor(detector).fit(X, y, generator=name)
    with pytest.raises(ValueError, match="no fitted SSAFEClassifier"):
        NoveltyMonitor(SSAFEClassifier(encoder=None)).fit(X, y)
    with pytest.raises(ValueError, match="'window' parameter"):
        NoveltyMonitor(detector, window=1).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        NoveltyMonitor(detector, min_pictures=8).fit(X, y[:-1])


def test_a_large_reference_is_drawn_from(detector):
    X, y, name = rows_of(np.random.default_rng(0), [100] * 4)
    watch = NoveltyMonitor(detector, max_reference=90).fit(X, y, generator=name, source=name)
    assert watch.update(X[::5]).groups["pictures"].sum() == 90


def test_scikit_learns_conventions(detector):
    watch = NoveltyMonitor(FrozenEstimator(detector), n_looks=7)
    copy = clone(watch)
    assert copy.n_looks == 7
    X, y, _ = rows_of(np.random.default_rng(0), [20] * 4)
    copy.fit(X, y)
    assert not hasattr(watch, "groups_")
    assert copy.set_params(window=30).update(X).n_window == 30
    assert set(vars(NoveltyMonitor(detector))) == set(watch.get_params(deep=False))
    with pytest.raises(ValueError, match="NaN"):
        copy.update(np.full((3, 6), np.nan))


@pytest.fixture(scope="module")
def of_pictures():
    data = make_generated_images(120, image_size=48, random_state=0)
    encoder = FrozenEncoderTransformer(SmallTower, preprocess=small_pixels, num_workers=1)
    detector = SSAFEClassifier(encoder, cv=None).fit(data.X[:60], data.y[:60])
    watch = NoveltyMonitor(detector, min_pictures=8)
    watch.fit(data.X, data.y, generator=data.generator, source=data.source)
    return data, detector, watch


def test_pictures_that_cannot_be_read_cost_no_look(of_pictures, tmp_path):
    data, detector, watch = of_pictures
    (tmp_path / "good.jpg").write_bytes(encoded(picture(0)))
    found = watch.update([*data.X[:10], b"no picture", str(tmp_path / "good.jpg"), "absent.jpg"])
    assert (found.n_new, found.look) == (11, 1)
    assert found.failures["row"].tolist() == [10, 12]
    assert "2 could not be read" in str(found)
    nothing = watch.update([b"no picture", "absent.jpg"])
    assert (nothing.n_new, nothing.look, len(nothing.failures)) == (0, 0, 2)
    assert detector.encoder_.on_error == "raise"
    assert str(tmp_path / "good.jpg") in watch.suggest(11)["path"].tolist()


def test_every_kind_of_picture(picture_kind, tmp_path, of_pictures):
    watch = of_pictures[2]
    paths = []
    for number in range(6):
        paths.append(tmp_path / f"{number}.png")
        paths[-1].write_bytes(encoded(picture(number), "PNG"))
    if "Parquet" in picture_kind.name:
        content = [path.read_bytes() for path in paths]
        pd.DataFrame({"image": content}).to_parquet(tmp_path / "pictures.parquet")
    found = watch.update(picture_kind([str(path) for path in paths]))
    assert (found.n_new, len(found.failures)) == (6, 0)


def test_suggestions_can_be_labelled_and_trained_on(of_pictures, tmp_path):
    _, _, watch = of_pictures
    data = make_generated_images(20, image_size=48, output_dir=tmp_path, random_state=1)
    watch.set_params(window=20).update([str(path) for path in data.X])
    table = watch.suggest(6)
    table["label"] = ["real", "fake"] * 3
    table.drop(columns="row").to_csv(tmp_path / "labelled.csv", index=False)
    loaded = load_images(tmp_path / "labelled.csv")
    assert loaded.X.tolist() == table["path"].tolist()
    assert loaded.y.tolist() == [0, 1] * 3
