"""Time and memory of one call."""

import gc
import time
import tracemalloc
from pathlib import Path

CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def seconds(function, *arguments, repeat=1, clock=time.perf_counter):
    """The best of ``repeat`` runs, by one clock or another."""
    best = float("inf")
    for _ in range(repeat):
        begin = clock()
        function(*arguments)
        best = min(best, clock() - begin)
    return best


def megabytes(function, *arguments):
    """Peak of what Python and numpy allocate on the way."""
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def resident(function):
    """What a call returns, and the megabytes by which it lets the process grow at most (Linux).

    Whoever allocates them; what the process has kept from earlier calls costs nothing, so call it first.
    """
    gc.collect()
    CLEAR.write_text("5")  # the peak starts anew
    before = _status("VmRSS")
    result = function()
    return result, max(_status("VmHWM") - before, 0.0)


def _status(name):
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1e3
