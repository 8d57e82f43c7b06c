"""One table for all: times in turn, the memory of each, and what each gets wrong."""

import sys
from functools import partial
from time import process_time

from ..measure import resident, seconds

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
    print(f"\n{title}\n{'':42s} {'ratio':>9s}  {'needs':8s} {'MB':>7s}  CPU time, error")
    for name, (_, error) in cases.items():
        result, grown = first[name]
        ratio, needs = best[name] / best["ours"], "" if name == "ours" else goal
        print(f"  {name:40s} {ratio:9.2f}  {needs:8s} {grown:7.1f}  {best[name]:.2g} s, {error(result)}")
    sys.stdout.flush()
