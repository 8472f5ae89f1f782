"""The transformer with its cache: how often it encodes, and whether it returns the right rows."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.exceptions import EncodingCacheWarning, EncodingError, EncodingWarning
from sklearn_ssafe.images.picture import PictureFile
from sklearn_ssafe.store import clear_memory_cache, opening

from ..conftest import encoded, picture
from ..towers import PREPROCESS, NamedTower, SmallTower, small_pixels


class LoggingTower(NamedTower):
    """Writes a line for every picture that it encodes, from whatever process."""

    def forward(self, pixels):
        log = os.environ.get("SSAFE_TEST_LOG")
        if log and len(pixels):
            with open(log, "ab", buffering=0) as file:
                file.write(b"x\n" * len(pixels))
        return super().forward(pixels)


class BusyTower(LoggingTower):
    """Takes so long that two workers meet."""

    def forward(self, pixels):
        threading.Event().wait(0.01 * len(pixels))
        return super().forward(pixels)


@pytest.fixture
def count(tmp_path_factory, monkeypatch):
    """Counts the pictures encoded since it was last called."""
    log = tmp_path_factory.mktemp("log") / "log.txt"
    monkeypatch.setenv("SSAFE_TEST_LOG", str(log))
    FrozenEncoderTransformer(LoggingTower, preprocess=PREPROCESS).fit(["any"])  # to learn the width
    clear_memory_cache()

    def counted():
        n_encoded = len(log.read_bytes().splitlines()) if log.exists() else 0
        log.unlink(missing_ok=True)
        return n_encoded

    counted()
    yield counted
    clear_memory_cache()


def transformer(**settings):
    return FrozenEncoderTransformer(
        **{"encoder": LoggingTower, "preprocess": PREPROCESS, "batch_size": 4, **settings}
    )


def uncached(X, **settings):
    return transformer(encoder=SmallTower, cache=None, **settings).transform(X)


def age(paths):
    """Date files back, as those of a data set are, so that a later change must show."""
    for path in paths:
        os.utime(path, ns=(10**18, 10**18))


@pytest.fixture(params=["memory", "folder"])
def cache(request, tmp_path):
    return "memory" if request.param == "memory" else tmp_path / "cache"


# Odd values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd", ["", " ", "\t\n", "a\0b", "https://example.com/cache", "s3://bucket"]
)
def test_what_names_no_folder(picture_files, odd):
    with pytest.raises(ValueError, match="names no folder"):
        transformer(cache=odd).transform(picture_files)


@pytest.mark.parametrize("odd", [7, True, b"cache", ["cache"], 0.5, object()])
def test_what_is_no_name(picture_files, odd):
    with pytest.raises(ValueError, match="The 'cache' parameter"):
        transformer(cache=odd).transform(picture_files)


@pytest.mark.parametrize(
    "odd", ["~nobody_of_this_name/cache", "x" * 300, "/dev/null", "/dev/null/x"]
)
def test_a_place_that_is_none_costs_no_row(picture_files, odd):
    with pytest.warns(EncodingCacheWarning, match="goes on without the cache"):
        features = transformer(cache=odd).transform(picture_files)
    np.testing.assert_allclose(features, uncached(picture_files), atol=1e-6)


# Each picture once -----------------------------------------------------------------------------


def test_a_second_pass_encodes_nothing(picture_files, cache, count):
    first = transformer(cache=cache).fit_transform(picture_files)
    assert count() == 10
    np.testing.assert_allclose(first, uncached(picture_files), atol=1e-6)
    np.testing.assert_array_equal(transformer(cache=cache).transform(picture_files), first)
    np.testing.assert_array_equal(
        transformer(cache=cache).transform(picture_files[::-2]), first[::-2]
    )
    assert count() == 0


def search(n_jobs=1, **settings):
    pipe = Pipeline([("enc", transformer(**settings)), ("clf", LogisticRegression())])
    grid = {"clf__C": np.logspace(-3, 3, 20)}
    return GridSearchCV(pipe, grid, cv=5, n_jobs=n_jobs, error_score="raise")


def test_a_grid_search_encodes_each_picture_once(picture_files, cache, count):
    y = np.arange(10) % 2
    search(cache=cache).fit(picture_files, y)
    assert count() == 10
    clear_memory_cache()
    search(cache=None).fit(picture_files[:10], y)
    assert count() > 100


def test_two_worker_processes_encode_each_picture_once(picture_files, tmp_path, count):
    y = np.arange(10) % 2
    settings = {"encoder": BusyTower, "cache": tmp_path / "cache", "batch_size": 2}
    get_reusable_executor().shutdown()  # workers of an earlier test would log elsewhere
    search(n_jobs=2, **settings).fit(picture_files, y)
    n_loads = 3  # each process looks once how wide a row is
    assert 10 < count() <= 10 + n_loads


def test_two_threads_encode_each_picture_once(picture_files, cache, count):
    settings = {"encoder": BusyTower, "cache": cache, "batch_size": 2}
    transformer(**settings).fit(picture_files)
    count()
    rows = {}

    def work(name, X):
        rows[name] = transformer(**settings).transform(X)

    threads = [
        threading.Thread(target=work, args=("forwards", picture_files)),
        threading.Thread(target=work, args=("backwards", picture_files[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count() == 10
    np.testing.assert_array_equal(rows["forwards"], rows["backwards"][::-1])


def test_a_copy_is_not_encoded_again(picture_files, tmp_path, cache, count):
    transformer(cache=cache).transform(picture_files)
    count()
    copies = []
    for path in picture_files:
        copies.append(str(tmp_path / f"copy_of_{Path(path).name}"))
        shutil.copy(path, copies[-1])
    contents = [Path(path).read_bytes() for path in picture_files]
    for X in (copies, contents):
        np.testing.assert_array_equal(
            transformer(cache=cache).transform(X), transformer(cache=cache).transform(picture_files)
        )
    assert count() == 0


def test_what_occurs_twice_in_one_call_is_encoded_once(picture_files, tmp_path, count):
    shutil.copy(picture_files[0], tmp_path / "copy.jpg")
    pixels = picture(77)
    X = [*picture_files[:3], str(tmp_path / "copy.jpg"), *picture_files[:3]]
    X += [Path(picture_files[1]).read_bytes(), pixels, Image.fromarray(pixels), pixels.copy()]
    for cache in (None, "memory", tmp_path / "cache"):
        rows = transformer(cache=cache).transform(X)
        assert count() == 4
        same = [0, 1, 2, 0, 0, 1, 2, 1, 8, 8, 8]
        np.testing.assert_array_equal(rows, rows[same])
        np.testing.assert_allclose(rows, uncached(X), atol=1e-6)


def test_a_bad_picture_that_occurs_twice_is_named_twice(picture_files, tmp_path, cache):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(Path(picture_files[0]).read_bytes()[:-60])
    X = [str(broken), *picture_files, str(broken), "absent.jpg", "absent.jpg", None]
    work = transformer(cache=cache, on_error="nan")
    with pytest.warns(EncodingWarning):
        rows = work.transform(X)
    assert work.failures_["row"].tolist() == [0, 11, 12, 13, 14]
    assert np.isfinite(rows[1:11]).all()
    with pytest.raises(EncodingError) as caught:
        transformer(cache=cache).transform(X)
    assert caught.value.failures["row"].tolist() == [0, 11, 12, 13, 14]


# The right row ---------------------------------------------------------------------------------


def test_a_file_that_is_overwritten_is_seen(picture_files, cache, count):
    path = picture_files[0]
    for number in range(20, 24):  # faster than the clock of any file system
        Path(path).write_bytes(encoded(picture(number), "BMP"))  # always of the same size
        rows = transformer(cache=cache).transform([path])
        np.testing.assert_allclose(rows, uncached([path]), atol=1e-6)
    assert count() == 4
    age([path])
    transformer(cache=cache).transform([path])  # now its state is noted
    Path(path).write_bytes(encoded(picture(30), "BMP"))
    np.testing.assert_allclose(
        transformer(cache=cache).transform([path]), uncached([path]), atol=1e-6
    )


def test_unchanged_files_are_not_read_and_this_can_be_switched_off(
    picture_files, cache, count, monkeypatch
):
    age(picture_files)
    first = transformer(cache=cache).transform(picture_files)
    reads = []
    read = PictureFile.loading
    monkeypatch.setattr(PictureFile, "loading", lambda p, *a: (reads.append(p), read(p, *a))[1])
    for trust, n_reads in ((True, 0), (False, 10)):
        again = transformer(cache=cache, trust_unchanged_files=trust).transform(picture_files)
        np.testing.assert_array_equal(again, first)
        assert len(reads) == n_reads
    assert count() == 10


def test_a_file_swapped_without_trace_is_found_where_nothing_is_trusted(picture_files, cache):
    path = picture_files[0]
    for number in (1, 2):
        Path(path).write_bytes(encoded(picture(number), "BMP"))
        age([path])
        rows = transformer(cache=cache, trust_unchanged_files=False).transform([path])
        np.testing.assert_allclose(rows, uncached([path]), atol=1e-6)


def test_raw_features_serve_every_normalisation(picture_files, cache, count):
    raw = transformer(cache=cache, normalize=False).transform(picture_files)
    assert count() == 10
    unit = transformer(cache=cache, normalize=True).transform(picture_files)
    assert count() == 0
    np.testing.assert_allclose(unit, raw / np.linalg.norm(raw, axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_array_equal(
        transformer(cache=cache, normalize=False).transform(picture_files), raw
    )


def test_results_are_not_the_store_itself(picture_files, cache):
    rows = transformer(cache=cache, normalize=False).transform(picture_files)
    expected = rows.copy()
    rows[:] = 0
    again = transformer(cache=cache, normalize=False).transform(picture_files)
    np.testing.assert_array_equal(again, expected)
    again[:] = 0
    np.testing.assert_array_equal(
        transformer(cache=cache, normalize=False).transform(picture_files), expected
    )


def test_settings_do_not_mix(picture_files, cache):
    settings = [
        {},
        {"preprocess": {**PREPROCESS, "size": 24}},
        {"preprocess": {**PREPROCESS, "mean": (0.4, 0.5, 0.5)}},
        {"preprocess": {**PREPROCESS, "resize_mode": "squash"}},
        {"precision": "bf16"},
    ]
    for chosen in settings * 2:
        rows = transformer(cache=cache, **chosen).transform(picture_files)
        np.testing.assert_allclose(rows, uncached(picture_files, **chosen), atol=1e-6)


# Failures and interruptions --------------------------------------------------------------------


def test_raise_keeps_the_good_work(picture_files, tmp_path, cache, count):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(Path(picture_files[0]).read_bytes()[:-60])
    X = [*picture_files[:5], str(broken), *picture_files[5:]]
    with pytest.raises(EncodingError):
        transformer(cache=cache).transform(X)
    assert count() == 10
    transformer(cache=cache).transform(picture_files)
    assert count() == 0


class Stopping(LoggingTower):
    """Is interrupted in the third batch."""

    batches = 0

    def forward(self, pixels):
        Stopping.batches += 1
        if Stopping.batches == 3:
            raise KeyboardInterrupt
        return super().forward(pixels)


def test_a_stopped_run_goes_on_where_it_was(picture_files, cache, count, capsys):
    age(picture_files)
    work = transformer(encoder=Stopping, cache=cache, verbose=True, batch_size=2)
    work.fit(picture_files)  # a look at the width
    Stopping.batches = 0
    count()
    with pytest.raises(KeyboardInterrupt):
        work.transform(picture_files)
    assert count() == 4
    capsys.readouterr()
    rows = work.transform(picture_files)
    assert count() == 6
    bars = capsys.readouterr().err.replace("\n", "\r").split("\r")
    assert " 4/10" in next(bar for bar in bars if bar.startswith("encoding"))
    np.testing.assert_allclose(rows, uncached(picture_files), atol=1e-6)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_killed_run_goes_on_where_it_was(picture_files, tmp_path, count):
    script = (
        "import sys; from tests.store.test_store import *\n"
        "transformer(encoder=BusyTower, cache=sys.argv[1], batch_size=2).transform(sys.argv[2:])"
    )
    path = os.pathsep.join([str(Path(__file__).parents[2]), *(p for p in sys.path if p)])
    log, cache = Path(os.environ["SSAFE_TEST_LOG"]), tmp_path / "cache"
    run = subprocess.Popen(
        [sys.executable, "-c", script, str(cache), *picture_files],
        env={**os.environ, "PYTHONPATH": path},
    )
    while not log.exists() or log.read_bytes().count(b"x") < 6:  # one of them to learn the width
        assert run.poll() is None
    run.kill()
    run.wait()
    n_before = count() - 1
    transformer(encoder=BusyTower, cache=None).fit(picture_files)
    count()
    rows = transformer(encoder=BusyTower, cache=cache).transform(picture_files)
    n_after = count()
    assert 10 <= n_before + n_after <= 12  # at most the batch in flight is done again
    assert n_after < 10
    np.testing.assert_allclose(rows, uncached(picture_files), atol=1e-6)


def test_scikit_learns_callbacks_hear_of_what_is_left_only(picture_files, cache):
    pytest.importorskip("sklearn.callback")
    heard = []

    class Listener:
        def setup(self, estimator, context):
            heard.append(context.max_subtasks)

        def on_fit_task_begin(self, estimator, context, **ignored):
            pass

        def on_fit_task_end(self, estimator, context, **ignored):
            heard.append(context.task_name)

        def teardown(self, estimator, context):
            pass

    clear_memory_cache()
    transformer(cache=cache).transform(picture_files[:6])
    age(picture_files)
    work = transformer(cache=cache, trust_unchanged_files=False, encoder=LoggingTower)
    work.set_callbacks(Listener()).fit_transform(picture_files)
    assert heard[1:] == ["batch", "fit"]
    clear_memory_cache()


# What cannot be cached -------------------------------------------------------------------------


class CountingTower(SmallTower):
    """Counts the pictures; the grey one, by which its width is learned, is none."""

    n_seen = 0

    def forward(self, pixels):
        self.n_seen += int((pixels.std((1, 2, 3)) > 0).sum())
        return super().forward(pixels)


def test_a_folder_that_an_encoder_cannot_go_into_is_told_once(picture_files, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "_told", set())
    tower, folder = CountingTower().eval(), tmp_path / "cache"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search(encoder=tower, cache=folder).fit(picture_files, np.arange(10) % 2)
        rows = transformer(encoder=tower, cache=folder).transform(picture_files)
    told = [str(each.message) for each in caught if each.category is EncodingCacheWarning]
    assert len(told) == 1
    assert "give it an attribute `fingerprint`" in told[0]
    assert f"do not go into {folder} and are kept in memory alone" in told[0]
    assert not folder.exists()
    assert tower.n_seen == 10
    np.testing.assert_allclose(rows, uncached(picture_files), atol=1e-6)


def test_nothing_is_kept_of_preprocessing_that_cannot_be_recognised(
    picture_files, tmp_path, monkeypatch
):
    monkeypatch.setattr(opening, "_told", set())
    tower = CountingTower().eval()
    with pytest.warns(EncodingCacheWarning, match="not kept at all"):
        transformer(encoder=tower, preprocess=small_pixels, cache=tmp_path / "a").transform(
            picture_files
        )
    transformer(encoder=tower, preprocess=small_pixels, cache=tmp_path / "a").transform(
        picture_files
    )
    assert tower.n_seen == 20
    with warnings.catch_warnings():  # nobody asked for the cache in memory
        warnings.simplefilter("error")
        transformer(encoder=SmallTower).transform(picture_files)


def test_a_folder_that_cannot_be_used_costs_a_warning(picture_files, tmp_path, count):
    (tmp_path / "file").write_text("not a folder")
    with pytest.warns(EncodingCacheWarning, match="goes on without the cache"):
        rows = transformer(cache=tmp_path / "file").transform(picture_files)
    np.testing.assert_allclose(rows, uncached(picture_files), atol=1e-6)
    with warnings.catch_warnings():  # for those who need to be certain
        warnings.simplefilter("error", EncodingCacheWarning)
        with pytest.raises(EncodingCacheWarning):
            transformer(cache=tmp_path / "file").transform(picture_files)


def test_an_empty_name_is_refused(picture_files):
    with pytest.raises(ValueError, match="names no folder"):
        transformer(cache="").transform(picture_files)


def test_nothing_is_written_unless_a_folder_is_named(picture_files, tmp_path):
    script = (
        "import sys; from sklearn_ssafe import FrozenEncoderTransformer\n"
        "FrozenEncoderTransformer('forensic').fit_transform(sys.argv[1:])"
    )
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    here = {"HOME": str(home), "TMPDIR": str(work), "PYTHONDONTWRITEBYTECODE": "1"}
    code = [sys.executable, "-c", script, *picture_files[:2]]
    path = os.pathsep.join(p for p in sys.path if p)
    subprocess.run(code, check=True, cwd=work, env={**os.environ, **here, "PYTHONPATH": path})
    assert not list(work.rglob("*"))
    assert not [file for file in home.rglob("*") if file.is_file()]


def test_clones_share_the_store(picture_files, count):
    original = transformer()
    original.transform(picture_files)
    clone(original).set_params(normalize=False).transform(picture_files)
    assert count() == 10


def test_every_way_to_hold_a_picture_gets_its_own_row(count, cache):
    """Modes, transparency, palettes and orientations that differ must not be mixed up."""
    pixels = picture(5, (20, 30))
    alpha = np.dstack([pixels, np.full((20, 30), 128, np.uint8)])
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = 6
    palette = Image.fromarray(pixels).quantize(16)
    other_palette = palette.copy()
    other_palette.putpalette([255 - value for value in palette.getpalette()])
    clear = palette.copy()
    clear.info["transparency"] = 3
    X = [pixels, alpha, turned, palette, other_palette, clear, pixels[:, :, 0], pixels[::-1]]
    X += [Image.fromarray(pixels).convert(mode) for mode in ("L", "1", "CMYK", "F")[:3]]
    rows = transformer(cache=cache).transform(X)
    np.testing.assert_allclose(rows, uncached(X), atol=1e-6)
    np.testing.assert_array_equal(transformer(cache=cache).transform(X), rows)
    for one, other in itertools.combinations([0, 1, 3, 4, 5, 6, 7], 2):
        assert not np.allclose(rows[one], rows[other], atol=1e-5)
