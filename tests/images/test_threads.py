"""How many threads there are, and that no more waits than was said."""

import threading

import numpy as np
import pytest

from sklearn_ssafe import FrozenEncoderTransformer
from sklearn_ssafe.images import threads
from sklearn_ssafe.images.threads import how_many, map_ahead, worker_threads

from ..conftest import picture
from ..towers import SmallTower, small_pixels


def test_one_thread_for_each_core_and_fewer_in_a_worker_process(monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 64)
    assert how_many(None) == 64
    assert how_many(3) == 3
    monkeypatch.setattr(threads, "parent_process", lambda: "a search over all cores")
    assert how_many(None) == 8
    assert how_many(20) == 20
    monkeypatch.setattr(threads, "cpu_count", lambda: 2)
    assert how_many(None) == 2


def test_results_come_in_order_and_no_more_wait_than_was_said():
    made, lock = [], threading.Lock()

    def work(item):
        with lock:
            made.append(item)
        return -item

    with worker_threads(4) as executor:
        for taken, result in enumerate(map_ahead(executor, work, range(50), 7)):
            assert result == -taken
            with lock:
                assert len(made) <= taken + 1 + 7


@pytest.mark.parametrize("batch_size", [1, 16])
def test_every_thread_has_a_picture_however_small_the_batch(monkeypatch, batch_size):
    monkeypatch.setattr(threads, "cpu_count", lambda: 12)
    together = threading.Barrier(12, timeout=20)  # broken unless 12 wait at the same time

    def prepared(image):
        if threading.current_thread() is not threading.main_thread():  # which tries one picture
            together.wait()
        return small_pixels(image)

    encoder = FrozenEncoderTransformer(
        SmallTower, preprocess=prepared, cache=None, batch_size=batch_size
    )
    rows = encoder.transform([picture(seed) for seed in range(24)])
    assert np.isfinite(rows).all()
