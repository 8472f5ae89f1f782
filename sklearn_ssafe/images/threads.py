"""Many pictures at once, by threads: the one place where threads are started."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

from joblib import cpu_count


@contextmanager
def worker_threads(num_workers):
    """Yield an executor with as many threads (None: one a core, 8 at most); Ctrl-C leaves none."""
    n_threads = num_workers if num_workers is not None else min(8, cpu_count())
    threads = ThreadPoolExecutor(n_threads, thread_name_prefix="ssafe")
    try:
        yield threads
    finally:
        threads.shutdown(wait=True, cancel_futures=True)


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
