"""Many pictures at once, by threads: the one place where threads are started."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import parent_process

from joblib import cpu_count

_IN_A_WORKER = 8


@contextmanager
def worker_threads(num_workers):
    """Yield an executor with as many threads (None: one for each core); Ctrl-C leaves none."""
    threads = ThreadPoolExecutor(how_many(num_workers), thread_name_prefix="ssafe")
    try:
        yield threads
    finally:
        threads.shutdown(wait=True, cancel_futures=True)


def how_many(num_workers):
    """Return the threads that `num_workers` stands for; a worker process has not all cores."""
    if num_workers is not None:
        return num_workers
    return cpu_count() if parent_process() is None else min(_IN_A_WORKER, cpu_count())


def map_ahead(threads, function, items, n_ahead):
    """Yield ``function(item)`` in order; at most `n_ahead` results wait, so memory stays flat."""
    waiting = deque()
    remaining = iter(items)
    for item in islice(remaining, n_ahead):
        waiting.append(threads.submit(function, item))
    while waiting:
        result = waiting.popleft().result()
        for item in islice(remaining, 1):
            waiting.append(threads.submit(function, item))
        yield result
