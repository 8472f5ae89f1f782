"""Many pictures read at once, by threads that keep their order."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

from joblib import cpu_count


@contextmanager
def reading_threads(num_workers):
    """Reading threads that on Ctrl-C leave at once, with none behind.

    Parameters
    ----------
    num_workers : int or None
        How many; None takes one for each core, 8 at most.

    Yields
    ------
    threads : concurrent.futures.ThreadPoolExecutor
        For `map_ahead`.
    """
    n_threads = num_workers if num_workers is not None else min(8, cpu_count())
    threads = ThreadPoolExecutor(n_threads, thread_name_prefix="ssafe-read")
    try:
        yield threads
    finally:
        threads.shutdown(wait=True, cancel_futures=True)


def map_ahead(threads, function, items, n_ahead):
    """Yield ``function(item)`` in order, with at most `n_ahead` results waiting.

    Parameters
    ----------
    threads : concurrent.futures.ThreadPoolExecutor
        From `reading_threads`.
    function : callable
        Takes one item.
    items : iterable
        Taken from no faster than the results are.
    n_ahead : int
        How many results may wait, so that memory stays flat.

    Yields
    ------
    result : object
        What `function` returned; what it raised is raised here.
    """
    waiting = deque()
    remaining = iter(items)
    for item in islice(remaining, n_ahead):
        waiting.append(threads.submit(function, item))
    while waiting:
        result = waiting.popleft().result()
        for item in islice(remaining, 1):
            waiting.append(threads.submit(function, item))
        yield result
