"""One table for all: times in turn, the memory of each, and what each gets wrong."""

from functools import partial
from time import process_time

from ..measure import resident, seconds
from ..printing import heading, line

ROUNDS, QUICK = 5, 0.1
cpu = partial(seconds, clock=process_time)  # the machine may be shared, and all run on one thread


def compare(title, ours, others, goal=""):
    """Print the times of ``others`` over ours: each is a function, and what says its error in words.

    All in turn, once before the clock runs, quick ones more often; the least times count. Memory is what the
    process grows by in the first call.
    """
    cases = {"ours": ours, **others}
    first = {name: resident(function) for name, (function, _) in cases.items()}
    best = {name: cpu(function) for name, (function, _) in cases.items()}
    repeat = {name: max(1, int(QUICK / time)) for name, time in best.items()}
    for _ in range(ROUNDS):
        for name, (function, _) in cases.items():
            best[name] = min(best[name], cpu(function, repeat=repeat[name]))
    heading(title)
    for name, (_, error) in cases.items():
        result, grown = first[name]
        needs, note = "" if name == "ours" else goal, f"{best[name]:.2g} s of the processor, {error(result)}"
        line(name, best[name] / best["ours"], needs, grown, note)
