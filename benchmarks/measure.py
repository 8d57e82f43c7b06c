"""Time and memory of one call."""

import time
import tracemalloc


def seconds(function, *arguments, repeat=1):
    """The best of ``repeat`` runs."""
    best = float("inf")
    for _ in range(repeat):
        begin = time.perf_counter()
        function(*arguments)
        best = min(best, time.perf_counter() - begin)
    return best


def megabytes(function, *arguments):
    """Peak of what Python and numpy allocate on the way."""
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6
